"""Ways to get a lowering wrong: each changes one backend in this process, through a patch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import pytest
import torch

from netspec import tree
from netspec.backends.keras import KerasBackend, live, probe, weights, windows
from netspec.backends.keras.rows import ROWS as KERAS
from netspec.backends.torch.rows import ROWS as TORCH
from netspec.codegen.calls import Call
from netspec.ops.convolution import Conv, Linear
from netspec.passes import map_layers

Patch = pytest.MonkeyPatch
Apply = Callable[[Patch], None]

KERAS_ROWS = dict(KERAS)
"""The rows as they are, for mistakes that start from them."""


# Ways to make a mistake


def keras_call(kind: str, *args: Any, target: str = "", **keywords: Any) -> Apply:
    """The main call of a Keras row with another target, other arguments, or other keywords."""
    original = KERAS[kind]

    def row(layer: tree.Layer) -> Any:
        return tuple(
            (suffix, call if suffix else _changed(call, target, args, keywords))
            for suffix, call in original(layer)
        )

    return lambda patch: patch.setitem(KERAS, kind, row)  # type: ignore[arg-type]


def torch_call(kind: str, *args: Any, target: str = "", **keywords: Any) -> Apply:
    """The same for a row of PyTorch."""
    original = TORCH[kind]

    def row(layer: tree.Layer) -> Call:
        return _changed(original(layer), target, args, keywords)

    return lambda patch: patch.setitem(TORCH, kind, row)  # type: ignore[arg-type]


def _changed(call: Call, target: str, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
    return Call(target or call.target, args or call.args, {**call.kwargs, **keywords})


def keras_row(kind: str, row: Callable[[tree.Layer], Any]) -> Apply:
    """Another row."""
    return lambda patch: patch.setitem(KERAS, kind, row)  # type: ignore[arg-type]


def built_from(change: Callable[[tree.Node], tree.Node], backend: type = KerasBackend) -> Apply:
    """The live model of another network than the spec's."""
    original = backend.build  # type: ignore[attr-defined]

    def build(self: Any, network: tree.Network, size: Any = None) -> Any:
        return original(self, change(network), size)

    return lambda patch: patch.setattr(backend, "build", build)


def with_op(path: str, **changes: Any) -> Callable[[tree.Node], tree.Node]:
    """The network with other attributes of one op."""

    def change(layer: tree.Layer) -> tree.Layer:
        if layer.path != path:
            return layer
        return dataclasses.replace(layer, op=dataclasses.replace(layer.op, **changes))

    return lambda network: map_layers(network, change)


def chained(*changes: Callable[[tree.Node], tree.Node]) -> Callable[[tree.Node], tree.Node]:
    """Several changes, one after another."""

    def change(network: tree.Node) -> tree.Node:
        for one in changes:
            network = one(network)
        return network

    return change


def with_nodes(replace: Callable[[tree.Node], tree.Node]) -> Callable[[tree.Node], tree.Node]:
    """The network with ``replace`` applied to every node, inner ones first."""

    def change(node: tree.Node) -> tree.Node:
        updates: dict[str, Any] = {}
        for field in dataclasses.fields(node):
            value = getattr(node, field.name)
            if isinstance(value, tree.Node):
                updates[field.name] = change(value)
            elif isinstance(value, tuple) and value and isinstance(value[0], tree.Node):
                updates[field.name] = tuple(change(item) for item in value)
        return replace(dataclasses.replace(node, **updates))

    return change


def merging(change: Callable[[list[Any], str], tuple[list[Any], str]], start: str = "") -> Apply:
    """Tensors merged otherwise in live Keras models, at paths that begin with ``start``."""
    original = live._merged

    def merged(tensors: list[Any], how: Any, path: str) -> Any:
        if path.startswith(start):
            tensors, how = change(tensors, how)
        return original(tensors, how, path)

    return lambda patch: patch.setattr(live, "_merged", merged)


def layout(change: Callable[[tree.Layer, Any, Any], Any]) -> Apply:
    """Canonical weights changed ahead of Keras' layout, and back; ``change`` is its own inverse."""
    to_keras, from_keras = weights.to_keras, weights.from_keras

    def there(layer: tree.Layer, parameter: Any, array: Any) -> Any:
        return to_keras(layer, parameter, change(layer, parameter, array))

    def back(layer: tree.Layer, parameter: Any, array: Any) -> Any:
        return change(layer, parameter, from_keras(layer, parameter, array))

    def apply(patch: Patch) -> None:
        patch.setattr(weights, "to_keras", there)
        patch.setattr(weights, "from_keras", back)

    return apply


def written(backend: type, old: str, new: str) -> Apply:
    """Generated source in which one text is another."""
    original = backend.generate  # type: ignore[attr-defined]

    def generate(self: Any, program: Any) -> str:
        text: str = original(self, program)
        assert old in text
        return text.replace(old, new)

    return lambda patch: patch.setattr(backend, "generate", generate)


# The mistakes that take more than a line


def padded_as_tensorflow_does(patch: Patch) -> None:
    """Keras' own `same` where pads are symmetric: at stride 2 it pads the end alone."""
    patch.setattr(windows, "_conv_padding", lambda op, pads, rank, later: ((), "same"))


def swap_spatial(layer: tree.Layer, parameter: Any, array: Any) -> Any:
    square = array.ndim == 4 and array.shape[2] == array.shape[3]
    return array.swapaxes(2, 3) if square else array


def swap_channels(layer: tree.Layer, parameter: Any, array: Any) -> Any:
    square = array.ndim == 4 and array.shape[0] == array.shape[1]
    return array.swapaxes(0, 1) if square else array


def untransposed(layer: tree.Layer, parameter: Any, array: Any) -> Any:
    is_weight = isinstance(layer.op, Linear) and parameter.name == "weight"
    return array[:, ::-1] if is_weight else array


def in_keras_order(patch: Patch) -> None:
    """A linear layer behind a flatten gets its weight as it is."""
    original = weights.to_keras, weights.from_keras

    def plain(layer: tree.Layer) -> tree.Layer:
        return dataclasses.replace(layer, source=dataclasses.replace(layer.source, flat=None))

    patch.setattr(weights, "to_keras", lambda la, p, a: original[0](plain(la), p, a))
    patch.setattr(weights, "from_keras", lambda la, p, a: original[1](plain(la), p, a))


def multiplier_first(layer: tree.Layer, parameter: Any, array: Any) -> Any:
    """Depthwise kernels by multiplier and then by channel; here of 2 × 2 blocks: its own inverse."""
    if not isinstance(layer.op, Conv) or layer.op.groups != layer.source.channels:
        return array
    if parameter.name != "weight" or layer.op.filters == layer.op.groups:
        return array
    order = numpy.arange(len(array)).reshape(-1, 2)[:, ::-1].ravel()
    return array[order]


def norms_hold(**names: str) -> Apply:
    """Norm parameters in other variables of the layer."""
    changed = {**weights._NORM_VARIABLES, **names}
    return lambda patch: patch.setattr(weights, "_NORM_VARIABLES", changed)


def crossed_layers(patch: Patch) -> None:
    """Two layers of one shape get each other's weights."""
    original = weights._variables
    crossing = {"layer1.0.conv1": "layer1.0.conv2", "layer1.0.conv2": "layer1.0.conv1"}

    def variables(model: Any, network: tree.Network) -> Any:
        found = list(original(model, network))
        by_path = {layer.path: variable for layer, _, variable in found}
        for layer, parameter, variable in found:
            yield layer, parameter, by_path.get(crossing.get(layer.path, ""), variable)

    patch.setattr(weights, "_variables", variables)


def stride_on_the_first_convolution() -> Apply:
    return built_from(
        chained(
            with_op("layer2.0.conv1", stride=(2, 2)),
            with_op("layer2.0.conv2", stride=(1, 1)),
        )
    )


def shortcut_behind_the_activation() -> Apply:
    """Identity shortcuts take the pre-activation instead of what enters the block."""

    def replace(node: tree.Node) -> tree.Node:
        if not (isinstance(node, tree.Block) and node.path.startswith("layer1")):
            return node
        (residual,) = node.body.items
        assert isinstance(residual, tree.Residual)
        norm, act, *rest = residual.body.items
        inner = dataclasses.replace(
            residual, body=dataclasses.replace(residual.body, items=tuple(rest))
        )
        body = dataclasses.replace(node.body, items=(norm, act, inner))
        return dataclasses.replace(node, body=body)

    return built_from(with_nodes(replace))


def without_last_activation(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Block) or not isinstance(node.body.items[-1], tree.Layer):
        return node
    body = dataclasses.replace(node.body, items=node.body.items[:-1])
    return dataclasses.replace(node, body=body)


def activation_ahead_of_the_addition(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Block) or not isinstance(node.body.items[-1], tree.Layer):
        return node
    residual, act = node.body.items
    if not isinstance(residual, tree.Residual):
        return node
    inside = dataclasses.replace(residual.body, items=(*residual.body.items, act))
    body = dataclasses.replace(node.body, items=(dataclasses.replace(residual, body=inside),))
    return dataclasses.replace(node, body=body)


def renamed(path: str, new: str) -> Callable[[tree.Node], tree.Node]:
    def change(layer: tree.Layer) -> tree.Layer:
        return dataclasses.replace(layer, path=new) if layer.path == path else layer

    return lambda network: map_layers(network, change)


def other_output(network: tree.Node) -> tree.Node:
    assert isinstance(network, tree.Network)
    return dataclasses.replace(network, outputs={"middle": "layer2"})


def biased_variance(patch: Patch) -> None:
    """PyTorch's running variance from the biased variance of a batch."""
    original = torch.nn.BatchNorm2d.forward

    def forward(self: Any, x: Any) -> Any:
        if not self.training:
            return original(self, x)
        mean, variance = self.running_mean.clone(), self.running_var.clone()
        kept = variance * (1 - self.momentum)
        y = torch.nn.functional.batch_norm(
            x, mean, variance, self.weight, self.bias, True, self.momentum, self.eps
        )
        count = x.numel() // x.shape[1]
        self.running_mean.copy_(mean)
        self.running_var.copy_(kept + (variance - kept) * (count - 1) / count)
        return y

    patch.setattr(torch.nn.BatchNorm2d, "forward", forward)


def no_correction(patch: Patch) -> None:
    """Keras' running variance taken for PyTorch's."""

    def as_it_is(network: Any, batch: int, before: Any, after: Any) -> Any:
        return {k: v for k, v in after.items() if k.endswith((".running_mean", ".running_var"))}

    patch.setattr(probe, "as_torch_keeps_them", as_it_is)


def no_gradient_through_shortcuts(tensors: list[Any], how: str) -> tuple[list[Any], str]:
    if how != "add":
        return tensors, how
    return [tensors[0], live.keras.ops.stop_gradient(tensors[1])], how


def body_twice(tensors: list[Any], how: str) -> tuple[list[Any], str]:
    return ([tensors[0]] * 2 if how == "add" else tensors), how


def gate_adds(tensors: list[Any], how: str) -> tuple[list[Any], str]:
    return tensors, "add" if how == "mul" else how


def pooled_for_subsampled(layer: tree.Layer) -> Any:
    return (("", Call("layers.AveragePooling2D", (2,), {"padding": "same"})),)


def pads_swapped(layer: tree.Layer) -> Any:
    op: Any = layer.op
    calls = KERAS_ROWS["pad_channels"](
        dataclasses.replace(layer, op=dataclasses.replace(op, before=op.after, after=op.before))
    )
    return calls


def zeros_around_max_pool(layer: tree.Layer) -> Any:
    source = dataclasses.replace(layer.source, non_negative=True)
    return KERAS_ROWS["max_pool"](dataclasses.replace(layer, source=source))


def no_padding(layer: tree.Layer) -> Any:
    return tuple(made for made in KERAS_ROWS["max_pool"](layer) if not made[0])


def no_groups(layer: tree.Layer) -> Any:
    return tuple(
        (suffix, _changed(call, "", (), {"groups": 1} if "groups" in call.kwargs else {}))
        for suffix, call in KERAS_ROWS["conv"](layer)
    )


def no_ceil(layer: tree.Layer) -> Any:
    op = dataclasses.replace(layer.op, ceil=False)  # type: ignore[call-arg]
    return KERAS_ROWS["max_pool"](dataclasses.replace(layer, op=op))


def padding_counted(layer: tree.Layer) -> Any:
    op = dataclasses.replace(layer.op, count_include_pad=True)  # type: ignore[call-arg]
    return KERAS_ROWS["avg_pool"](dataclasses.replace(layer, op=op))


def tanh_gelu(layer: tree.Layer) -> Any:
    op = dataclasses.replace(layer.op, approximate="tanh")  # type: ignore[call-arg]
    return KERAS_ROWS["gelu"](dataclasses.replace(layer, op=op))


def slope(value: float) -> Callable[[tree.Layer], Any]:
    def row(layer: tree.Layer) -> Any:
        op = dataclasses.replace(layer.op, slope=value)  # type: ignore[call-arg]
        return KERAS_ROWS["leaky_relu"](dataclasses.replace(layer, op=op))

    return row


def no_permutation(layer: tree.Layer) -> Any:
    return (("", Call("layers.Flatten")),)
