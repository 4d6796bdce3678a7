"""Generated Keras source, built with variables that are declared and never made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.backends.keras.framework import channels_last, load_keras
from netspec.backends.keras.weights import SEED, layers_of, variables_of
from netspec.backends.trial import compare_outputs
from netspec.ir import Program
from netspec.ir.analysis import output_shapes

keras = load_keras()


def try_source(function: Callable[[], Any], network: Program) -> None:
    """Make the model; raises ValueError where it is not the network's."""
    with channels_last(), keras.StatelessScope(initialize_variables=False):
        model = function()
    ours = {id(variable) for _, _, variable in variables_of(model, network)}
    for layer in layers_of(model):
        for variable in layer.weights:
            if id(variable) not in ours and variable.name != SEED:
                raise ValueError(
                    f"the model has `{layer.name}/{variable.name}`, which the spec has not"
                )
    found = model.output if isinstance(model.output, dict) else {"output": model.output}
    shapes = {name: (x.shape[-1], *x.shape[1:-1]) for name, x in found.items()}
    compare_outputs(output_shapes(network), shapes, "both modes")
