"""What holds where a framework does not reach float64, for tests; the tables are netspec's own.

Everything else is compared in float64.
"""

from __future__ import annotations

from netspec.backends.keras.precision import float64_limits
from netspec.backends.torch.precision import GRADIENTS
from netspec.ir import Program

FLOAT32_BOUND = 2e-4
"""Relative bound where both frameworks compute in float32; a unit in the last place is 1.2e-7."""


def dtype_of(network: Program) -> str:
    """The precision that both frameworks have for all of ``network``."""
    return "float32" if float64_limits(network) else "float64"


def gradient_bound(network: Program, bound: float) -> float:
    """``bound``, or what the table has for the network's ops where that is more."""
    kinds = {layer.op.kind for layer in network.layers}
    return max([bound, *(GRADIENTS[kind][0] for kind in kinds if kind in GRADIENTS)])
