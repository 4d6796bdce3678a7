"""Keras models in formats that others run, written by Keras' own `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.backends.keras.framework import load_keras, require_tensorflow
from netspec.backends.keras.instances import written_out
from netspec.backends.keras.saved_model import SAVED_MODEL
from netspec.exports.base import Export, ExportError, free_name
from netspec.exports.litert import LITERT
from netspec.exports.onnx import ONNX
from netspec.ir import Program


def write_saved_model(model: Any, network: Program, path: Path) -> None:
    """A directory for TensorFlow, with the signature that TensorFlow Serving calls."""
    require_tensorflow("exporting to saved-model")
    _for_inference(model, network).export(path, format="tf_saved_model", verbose=False)


def write_onnx(model: Any, network: Program, path: Path) -> None:
    """An ONNX file, by way of tf2onnx."""
    require_tensorflow("exporting to onnx from Keras")
    keras = load_keras()
    model = _for_inference(model, network)
    name = free_name(model.inputs[0].name, set(model.output))
    if name != model.inputs[0].name:  # tf2onnx takes one for the other
        inputs = keras.Input(model.inputs[0].shape[1:], dtype=model.inputs[0].dtype, name=name)
        model = keras.Model(inputs, model(inputs), name=model.name)
    # Without a signature Keras exports models only that have run once.
    with written_out(model):
        model.export(path, format="onnx", verbose=False, input_signature=[model.inputs[0]])


def write_litert(model: Any, network: Program, path: Path) -> None:
    """A ``.tflite`` file of LiteRT's own ops: those of TensorFlow are in no interpreter on a phone."""
    require_tensorflow("exporting to litert")
    import tensorflow as tf

    own = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}
    try:
        _for_inference(model, network).export(path, format="litert", verbose=False, target_spec=own)
    except Exception as error:
        # The converter's text is a page of compiler output; which ops it is about stands in fields.
        problems = getattr(error, "errors", ())
        ops = sorted({problem.operator.name for problem in problems if problem.operator.name})
        if not ops:
            raise
        raise ExportError(
            f"{network.model_name} cannot be exported to litert: LiteRT cannot do {', '.join(ops)} "
            "on such maps"
        ) from error


def _for_inference(model: Any, network: Program) -> Any:
    """The same layers as a model that gives what the network gives in evaluation, by name, a single one too."""
    given = model.output if isinstance(model.output, dict) else {"output": model.output}
    outputs = {name: given[name] for name in network.evaluation_outputs}
    if outputs == model.output:
        return model
    return load_keras().Model(model.inputs[0], outputs, name=model.name)


EXPORTS = {
    "saved-model": Export(SAVED_MODEL, write_saved_model, channels_last=True),
    "onnx": Export(ONNX, write_onnx, requires=("tf2onnx",), channels_last=True),
    "litert": Export(LITERT, write_litert, channels_last=True),
}
"""The formats that Keras writes, by name."""
