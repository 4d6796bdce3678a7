"""From one seed both frameworks train alike: the same losses on real data, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from netspec import api

SPEC = """
netspec: 1
name: small
input: {channels: 1, size: [8, 8]}
stem: [{conv: {out: 16, kernel: 3}}, norm, act]
stages:
  - {block: basic, width: 16}
  - {block: bottleneck, width: 8, repeat: 2, stride: 2}
head: [global_avg_pool, {linear: {out: 10}}]
"""
STEPS, BATCH, RATE = 14, 64, 0.05

keras = pytest.importorskip("keras")


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """The first digits, channels first, scaled to 0…1."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 1, 8, 8).astype(np.float32)
    return [
        (images[start : start + BATCH], labels[start : start + BATCH])
        for start in range(0, STEPS * BATCH, BATCH)
    ]


def start(backend: str) -> object:
    compiled = api.loads(SPEC)
    model = compiled.build(backend)
    compiled.start(model)
    return model


def torch_losses() -> list[float]:
    model: torch.nn.Module = start("torch").train()  # type: ignore[attr-defined]
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)
    losses = []
    for images, labels in batches():
        optimizer.zero_grad()
        logits = model(torch.from_numpy(images))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def keras_losses() -> list[float]:
    model = start("keras")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE, momentum=0.9), loss)  # type: ignore[attr-defined]
    return [
        float(model.train_on_batch(np.moveaxis(images, 1, -1), labels))  # type: ignore[attr-defined]
        for images, labels in batches()
    ]


def test_losses_of_the_two_frameworks_are_the_same() -> None:
    """To 1e-4; other initial values change the first loss by more than a hundred times as much."""
    ours, theirs = torch_losses(), keras_losses()
    assert ours[-1] < 0.8 * ours[0]  # they do learn
    assert theirs == pytest.approx(ours, abs=1e-4)


def test_without_a_shared_start_they_are_not() -> None:
    compiled = api.loads(SPEC)
    images, labels = batches()[0]
    losses = []
    for seed in (0, 1):
        model = compiled.build("torch")
        compiled.start(model, seed)
        logits = model(torch.from_numpy(images))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        losses.append(float(loss.detach()))
    assert abs(losses[0] - losses[1]) > 1e-2
