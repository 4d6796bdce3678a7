"""Numbers for any network, and how far two results are apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Both frameworks make and compute everything in ``dtype``."""
    import keras
    import torch

    config = keras.config
    before = torch.get_default_dtype(), config.floatx(), config.dtype_policy()
    torch.set_default_dtype(getattr(torch, dtype))
    config.set_floatx(dtype)
    config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before[0])
        config.set_floatx(before[1])
        config.set_dtype_policy(before[2])


def relative(ours: np.ndarray, theirs: np.ndarray, floor: float = 0.0) -> float:
    """The largest difference over the largest value, or over ``floor`` where that is larger."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    assert np.isfinite(ours).all()
    assert np.isfinite(theirs).all()
    far = float(np.abs(ours - theirs).max(initial=0.0))
    scale = max(float(np.abs(theirs).max(initial=0.0)), floor)
    return far / scale if far else 0.0


def random_values(random: np.random.Generator, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Values away from zero and one that keep the size of what passes; variances positive.

    ``shape`` is PyTorch's, with the outputs first.
    """
    if len(shape) > 1:
        return random.normal(size=shape) * int(np.prod(shape[1:])) ** -0.5
    values = random.normal(size=shape) * 0.5
    return np.abs(values) + 0.5 if name.endswith("running_var") else values


def randomise(model: Any, seed: int = 0) -> None:
    """Give a PyTorch model other values in every tensor but the counters of batches."""
    import torch

    random = np.random.default_rng(seed)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.dtype.is_floating_point:
                values = random_values(random, tuple(tensor.shape), name)
                tensor.copy_(torch.from_numpy(values))


def input_of(compiled: Any, size: tuple[int, ...] | None = None, batch: int = 3) -> np.ndarray:
    """Normal values, channels first, far enough out to reach every branch of an activation."""
    channels, *own = compiled.summary().input_shape
    return np.random.default_rng(1).normal(size=(batch, channels, *(size or own))) * 3


def outputs_of(model: Any, x: np.ndarray) -> dict[str, np.ndarray]:
    """What a model of either framework makes of ``x`` in evaluation mode; channels first."""
    import torch

    if isinstance(model, torch.nn.Module):
        with torch.no_grad():
            found = model.eval()(torch.from_numpy(x).to(torch.get_default_dtype()))
        result = found if isinstance(found, dict) else {"output": found}
        return {name: value.numpy() for name, value in result.items()}
    found = model(np.moveaxis(x, 1, -1), training=False)
    result = found if isinstance(found, dict) else {"output": found}
    return {name: np.moveaxis(value.numpy(), -1, 1) for name, value in result.items()}
