"""LiteRT, the format for phones that was TensorFlow Lite's, run by its interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netspec.exports.base import Format, Loaded

if TYPE_CHECKING:
    from netspec.exports.base import Array


def load(path: Path) -> Loaded:
    """The only signature of the file, in an interpreter with the delegates that it has by default."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    (signature,) = interpreter.get_signature_list()
    runner = interpreter.get_signature_runner(signature)
    (name,) = runner.get_input_details()

    def run(inputs: Array) -> dict[str, Array]:
        outputs: dict[str, Array] = runner(**{name: inputs})
        return outputs

    return Loaded(name, run)


LITERT = Format(
    name="litert",
    suffix=".tflite",
    content="",
    runtime="ai-edge-litert",
    requires=("ai_edge_litert",),
    extra="litert",
    bound=5e-5,
    reason="LiteRT folds normalisation into convolutions and sums in an order of its own",
    load=load,
)
