"""Weights between the canonical layout, which is PyTorch's, and the variables of Keras layers.

Layers are found by name, through sub-models, never by index. Arrays are copies in both directions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netspec.backends.keras.initial import is_depthwise
from netspec.backends.keras.naming import flat_name
from netspec.ir import Layer, Program
from netspec.ir.analysis import weight_shapes
from netspec.ops.activation import Prelu
from netspec.ops.convolution import ChannelConv, Conv, Linear
from netspec.ops.normalization import Normalization
from netspec.ops.structure import Scale
from netspec.ops.transposed import ConvTranspose
from netspec.ops.types import Parameter
from netspec.weights.canonical import check_weights

if TYPE_CHECKING:
    from netspec.backends.base import Array

SEED = "seed_generator_state"
"""What layers with random numbers keep beside their weights."""

_NORM_VARIABLES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


_CONVOLUTIONS = (Conv, ConvTranspose, ChannelConv)


def variable_name(layer: Layer, parameter: Parameter) -> str:
    """The attribute of the Keras layer that holds ``parameter``."""
    if isinstance(layer.op, Normalization):
        return _NORM_VARIABLES[parameter.name]
    if isinstance(layer.op, Prelu):
        return "alpha"
    return "bias" if parameter.name == "bias" else "kernel"


def is_frozen(layer: Layer) -> bool:
    """Whether the Keras layer is told to train nothing."""
    return getattr(layer.op, "frozen", "none") == "all"


def frozen_variables(layer: Layer) -> tuple[str, ...]:
    """The attributes of the Keras layer that hold what stays as it starts; none where all of it does."""
    if is_frozen(layer):
        return ()
    return tuple(
        variable_name(layer, parameter)
        for parameter in layer.op.parameters(layer.source)
        if parameter.role == "frozen"
    )


def variable_shape(layer: Layer, parameter: Parameter) -> tuple[int, ...]:
    """The shape of the Keras variable."""
    if isinstance(layer.op, Prelu):
        return (*(1,) * layer.source.rank, *parameter.shape)
    if parameter.name != "weight" or isinstance(layer.op, Normalization | Scale):
        return parameter.shape
    if is_depthwise(layer):
        out, _, *kernel = parameter.shape
        return (*kernel, layer.source.channels, out // layer.source.channels)
    out, inputs, *kernel = parameter.shape
    return (*kernel, inputs, out)


def to_keras(layer: Layer, parameter: Parameter, array: Array) -> Array:
    """An array in canonical layout as the Keras variable has it."""
    if parameter.name == "weight" and isinstance(layer.op, _CONVOLUTIONS):
        spatial = range(2, array.ndim)
        if is_depthwise(layer):
            # (in · multiplier, 1, k…) → (in, multiplier, k…) → (k…, in, multiplier)
            inputs = layer.source.channels
            array = array.reshape(inputs, -1, *array.shape[2:])
            return array.transpose(*spatial, 0, 1)
        return array.transpose(*spatial, 1, 0)
    if parameter.name == "weight" and isinstance(layer.op, Linear):
        flat = layer.source.flat  # PyTorch flattens channels first, Keras channels last
        if flat is not None:
            maps = array.reshape(-1, flat.channels, *flat.size)
            array = maps.transpose(0, *range(2, maps.ndim), 1).reshape(array.shape)
        return array.transpose()
    return array.reshape(variable_shape(layer, parameter))


def from_keras(layer: Layer, parameter: Parameter, array: Array) -> Array:
    """The value of a Keras variable in canonical layout."""
    if parameter.name == "weight" and isinstance(layer.op, _CONVOLUTIONS):
        last = array.ndim - 1
        spatial = range(last - 1)
        if is_depthwise(layer):
            return array.transpose(last - 1, last, *spatial).reshape(parameter.shape)
        return array.transpose(last, last - 1, *spatial)
    if parameter.name == "weight" and isinstance(layer.op, Linear):
        array = array.transpose()
        flat = layer.source.flat
        if flat is not None:
            maps = array.reshape(-1, *flat.size, flat.channels)
            array = maps.transpose(0, maps.ndim - 1, *range(1, maps.ndim - 1))
    return array.reshape(parameter.shape)


def read_weights(model: Any, network: Program) -> dict[str, Array]:
    """Every parameter and statistic as ``path.name``, in canonical layout, copied."""
    import numpy

    found = {}
    for layer, parameter, variable in variables_of(model, network):
        array = numpy.array(variable.numpy())
        canonical = from_keras(layer, parameter, array)
        found[f"{layer.path}.{parameter.name}"] = numpy.array(canonical, order="C")
    return found


def write_weights(model: Any, network: Program, weights: Mapping[str, Array]) -> None:
    """Assign every parameter and statistic; raises ValueError when names or shapes differ.

    Nothing is assigned unless everything fits.
    """
    import numpy

    triples = list(variables_of(model, network))
    check_weights(weight_shapes(network), weights)
    for layer, parameter, variable in triples:
        array = numpy.asarray(weights[f"{layer.path}.{parameter.name}"])
        variable.assign(numpy.array(to_keras(layer, parameter, array), order="C"))


def variables_of(model: Any, network: Program) -> Iterator[tuple[Layer, Parameter, Any]]:
    """Every parameter of the network with the variable that holds it."""
    by_name = {found.name: found for found in layers_of(model)}
    for layer in network.layers:
        parameters = layer.op.parameters(layer.source)
        if not parameters:
            continue
        name = flat_name(layer.path)
        if name not in by_name:
            raise ValueError(f"the model has no layer `{name}`; was it made from this spec?")
        for parameter in parameters:
            variable = getattr(by_name[name], variable_name(layer, parameter), None)
            shape = variable_shape(layer, parameter)
            if variable is None or tuple(variable.shape) != shape:
                has = "nothing" if variable is None else f"shape {tuple(variable.shape)}"
                raise ValueError(
                    f"`{name}` holds {has} for `{parameter.name}`, the spec's has shape {shape}"
                )
            yield layer, parameter, variable


def layers_of(model: Any) -> Iterator[Any]:
    """The layers of a model and of the models inside it."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer
