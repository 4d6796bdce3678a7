"""ONNX, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netspec.exports.base import Format, Loaded

if TYPE_CHECKING:
    from netspec.exports.base import Array


def load(path: Path) -> Loaded:
    """A session of ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Array) -> dict[str, Array]:
        return dict(zip(names, session.run(names, {source.name: inputs}), strict=True))

    return Loaded(source.name, run)


ONNX = Format(
    name="onnx",
    suffix=".onnx",
    content="",
    runtime="onnxruntime",
    requires=("onnx", "onnxruntime"),
    extra="onnx",
    bound=5e-5,
    reason="ONNX Runtime folds normalisation into convolutions and sums in an order of its own",
    load=load,
)
