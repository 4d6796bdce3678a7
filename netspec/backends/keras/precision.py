"""The one table of what TensorFlow cannot compute in float64 on a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netspec.backends.keras.plan import lower, lowered_ops
from netspec.backends.probe import Limit
from netspec.codegen.calls import Call
from netspec.ir import Program

_NO_KERNEL = "TensorFlow has no kernel for it in float64 on a CPU"

NO_FLOAT64: Mapping[tuple[str, int], str] = {
    ("layers.MaxPooling3D", 3): _NO_KERNEL,
    ("layers.AveragePooling3D", 3): _NO_KERNEL,
    ("ops.average_pool", 3): _NO_KERNEL,
    ("layers.UpSampling2D bilinear", 2): "TensorFlow resizes in float32 whatever it is given",
    ("layers.Resizing bilinear", 2): "TensorFlow resizes in float32 whatever it is given",
}
"""What Keras calls on maps of so many axes, and why not in float64."""


def float64_limits(network: Program) -> list[Limit]:
    """The layers of ``network`` that cannot be computed in float64."""
    found = []
    for layer in lowered_ops(network.nodes):
        targets = {target for _, call in lower(layer) for target in _targets(call)}
        for (target, rank), reason in NO_FLOAT64.items():
            if target in targets and rank == layer.source.rank:
                name = target.partition(" ")[0].partition(".")[2]
                found.append(Limit(layer.path, f"`{name}`: {reason}"))
    return found


def _targets(call: Call) -> Iterator[str]:
    yield call.target
    if "interpolation" in call.kwargs:
        yield f"{call.target} {call.kwargs['interpolation']}"
    for argument in call.args:
        if isinstance(argument, Call):
            yield from _targets(argument)
