"""The one table of what PyTorch computes less exactly than its dtype says."""

from __future__ import annotations

from collections.abc import Mapping

GRADIENTS: Mapping[str, tuple[float, str]] = {
    "hard_sigmoid": (1e-6, "PyTorch holds the slope 1/6 of its gradient in float32"),
}
"""Ops whose gradients agree only so far, in float64 too, and why."""
