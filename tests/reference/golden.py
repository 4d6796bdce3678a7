# Copied from the project's reference measurements (`reference/golden.py`, which produced the goldens in
# `figures.json`), unchanged but for this header: what it computes must stay as it is.
"""Deterministic weights and inputs that need no library but numpy, so that any implementation can be compared with `networks.json`.

A tensor's values depend only on its name in the reference model, its shape and its role:

- role `var`    (running_var, moving_variance): uniform in [0.9, 1.1)
- role `scale`  (one-dimensional weight or gamma of a normalisation layer): uniform in [0.9, 1.1)
- role `vector` (any other tensor of at most one dimension): 0.1 * standard normal
- role `weight` (two dimensions and more): standard normal / sqrt(fan_in); fan_in is prod(shape[1:]) for PyTorch, prod(shape[:-1]) for Keras,
  prod(shape[:-2]) for a Keras depthwise kernel, and the width for an embedding

Values are rounded to float32 before they are assigned. A tied tensor takes the first name that the state dict lists. PyTorch goldens in
`networks.json` were then computed in float64, Keras ones in float32, with a batch of 2.
"""

import math
import zlib

import numpy as np


def generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))


def fill(name: str, shape: tuple[int, ...], role: str, fan_in: int | None = None) -> np.ndarray:
    """Values of one tensor in float64."""
    g = generator(name)
    if role == "weight":
        fan_in = fan_in or max(1, int(np.prod(shape[1:])))
        return g.standard_normal(shape) * (1.0 / math.sqrt(fan_in))
    if role in ("scale", "var"):
        return 0.9 + 0.2 * g.random(shape)
    return 0.1 * g.standard_normal(shape)


def image(shape: tuple[int, ...], name: str = "input") -> np.ndarray:
    """Standard normal input, channels first (batch, channels, space...); transpose it for a channels-last model."""
    return generator(name).standard_normal(shape)
