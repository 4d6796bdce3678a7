"""From one seed both frameworks train alike: the same losses on real data, step by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from netspec import api
from netspec.backends.base import get_backend

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
STEPS, BATCH, RATE, MOMENTUM = 14, 64, 1 / 16, 7 / 8
# Keras holds them in single precision, which has these exactly.

keras = pytest.importorskip("keras")


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """The first digits, channels first, scaled to 0…1."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 1, 8, 8)
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
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM)
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
    model.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), loss)  # type: ignore[attr-defined]
    return [
        float(model.train_on_batch(np.moveaxis(images, 1, -1), labels))  # type: ignore[attr-defined]
        for images, labels in batches()
    ]


def test_losses_of_the_two_frameworks_are_the_same() -> None:
    """In float64: what single precision rounds off grows from step to step, on one machine more than another.

    Other initial values change the first loss by a million times as much.
    """
    losses = []
    for name, train in (("torch", torch_losses), ("keras", keras_losses)):
        with get_backend(name).probe().precision("float64"):  # type: ignore[attr-defined]
            losses.append(train())
    ours, theirs = losses
    assert ours[-1] < 0.8 * ours[0]  # they do learn
    assert theirs == pytest.approx(ours, abs=1e-8)


def test_without_a_shared_start_they_are_not() -> None:
    compiled = api.loads(SPEC)
    images, labels = batches()[0]
    losses = []
    for seed in (0, 1):
        model = compiled.build("torch")
        compiled.start(model, seed)
        logits = model(torch.from_numpy(images).float())
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        losses.append(float(loss.detach()))
    assert abs(losses[0] - losses[1]) > 1e-2
