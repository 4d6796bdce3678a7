"""How far apart numbers may be, and why: one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netspec.ir import Layer, Program

QUANTITIES: Mapping[str, str] = {
    "output": "results at the end of a part, in evaluation mode",
    "own weights": "outputs with the weights that a reference came with",
    "training output": "results at the end of a part, in training mode",
    "weight gradient": "gradients of the parameters of a part",
    "input gradient": "the gradient of what enters a part",
    "statistics": "running statistics of normalisations after one step",
    "stepped weights": "parameters after one step of plain gradient descent",
}
"""Everything that is compared in numbers, and what it is."""


@dataclass(frozen=True)
class Bound:
    """The largest difference allowed, relative to the largest value of a tensor."""

    quantity: str
    value: float
    reason: str


_FLOAT64 = "float64: rounding, added up over a deep network; a wrong constant is far above it"
_FLOAT64_BACK = "float64: rounding of a whole forward and backward pass"
_FLOAT32 = "float32, whose last place is 1.2e-7: a framework has no float64 kernel"

_BOUNDS: Mapping[str, Mapping[str, tuple[float, str]]] = {
    "float64": {
        "output": (1e-10, _FLOAT64),
        "own weights": (1e-10, _FLOAT64),
        "training output": (1e-9, _FLOAT64),
        "weight gradient": (1e-8, _FLOAT64_BACK),
        "input gradient": (1e-8, _FLOAT64_BACK),
        "statistics": (1e-9, _FLOAT64),
        "stepped weights": (1e-8, _FLOAT64_BACK),
    },
    "float32": {
        "output": (2e-4, _FLOAT32),
        "own weights": (2e-4, _FLOAT32),
        "training output": (1e-3, _FLOAT32),
        "weight gradient": (2e-2, _FLOAT32),
        "input gradient": (2e-2, _FLOAT32),
        "statistics": (2e-4, _FLOAT32),
        "stepped weights": (2e-3, _FLOAT32),
    },
}

_BACKWARD = ("weight gradient", "input gradient", "stepped weights")


def bounds_for(
    network: Program, dtype: str, gradients: Mapping[str, tuple[float, str]]
) -> dict[str, Bound]:
    """The bound of each quantity for a network that is compared in ``dtype``.

    ``gradients`` are the ops whose gradients agree only so far in some framework, and why.
    """
    found = {
        quantity: Bound(quantity, value, reason)
        for quantity, (value, reason) in _BOUNDS[dtype].items()
    }
    for kind in _kinds(network.layers):
        value, reason = gradients.get(kind, (0.0, ""))
        for quantity in _BACKWARD:
            if value > found[quantity].value:
                found[quantity] = Bound(quantity, value, f"`{kind}`: {reason}")
    return found


def _kinds(layers: Iterable[Layer]) -> list[str]:
    return sorted({layer.op.kind for layer in layers})
