"""The one table of places where a framework does not reach float64, and what holds there instead.

Everything else is compared in float64.
"""

from __future__ import annotations

from collections.abc import Iterator

from netspec import ir
from netspec.backends.keras.plan import lower
from netspec.codegen.calls import Call

FLOAT32_BOUND = 2e-4
"""Relative bound where both frameworks compute in float32; a unit in the last place is 1.2e-7."""

NO_FLOAT64: dict[tuple[str, int], str] = {
    ("layers.MaxPooling3D", 3): "TensorFlow has no kernel for it in float64 on a CPU",
    ("layers.AveragePooling3D", 3): "TensorFlow has no kernel for it in float64 on a CPU",
    ("ops.average_pool", 3): "TensorFlow has no kernel for it in float64 on a CPU",
}
"""What Keras calls on maps of so many axes, and why a network that has it is compared in float32."""

GRADIENTS: dict[str, tuple[float, str]] = {
    "hard_sigmoid": (1e-6, "PyTorch holds the slope 1/6 of its gradient in float32"),
}
"""Ops whose gradients, in float64 too, agree only within the bound given, and why."""


def dtype_of(network: ir.Network) -> str:
    """The precision that both frameworks have for all of ``network``."""
    for layer in ir.layers(network):
        for _, call in lower(layer):
            if any((target, layer.source.rank) in NO_FLOAT64 for target in _targets(call)):
                return "float32"
    return "float64"


def gradient_bound(network: ir.Network, bound: float) -> float:
    """``bound``, or what the table has for the network's ops where that is more."""
    kinds = {layer.op.kind for layer in ir.layers(network)}
    return max([bound, *(GRADIENTS[kind][0] for kind in kinds if kind in GRADIENTS)])


def _targets(call: Call) -> Iterator[str]:
    yield call.target
    for argument in call.args:
        if isinstance(argument, Call):
            yield from _targets(argument)
