"""Weights outside a model: canonical names, PyTorch's layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_weights(expected: Mapping[str, tuple[int, ...]], weights: Mapping[str, Any]) -> None:
    """Raise ValueError, with the whole list, unless ``weights`` are just the ``expected`` ones."""
    problems = [f"missing: {name}" for name in expected if name not in weights]
    problems += [f"unexpected: {name}" for name in weights if name not in expected]
    problems += [
        f"{name}: shape {tuple(weights[name].shape)}, expected {shape}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    if problems:
        raise ValueError("weights do not fit:\n  " + "\n  ".join(problems))
