"""Ways to get a lowering wrong: each changes one backend in this process, through a patch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy
import pytest
import torch

from netspec.backends.keras import KerasBackend, live, probe, weights, windows
from netspec.backends.keras.rows import ROWS as KERAS
from netspec.backends.torch.rows import ROWS as TORCH
from netspec.codegen.calls import Call
from netspec.ir import Layer, Node, Program, Value
from netspec.ir.rewrite import Replacement, rewrite
from netspec.ops.activation import Activation
from netspec.ops.convolution import Conv, Linear
from netspec.ops.merge import Add
from netspec.ops.types import TensorType

Patch = pytest.MonkeyPatch
Apply = Callable[[Patch], None]
Alter = Callable[[Program], Program]

KERAS_ROWS = dict(KERAS)
"""The rows as they are, for mistakes that start from them."""


# Ways to make a mistake


def keras_call(kind: str, *args: Any, target: str = "", **keywords: Any) -> Apply:
    """The main call of a Keras row with another target, other arguments, or other keywords."""
    original = KERAS[kind]

    def row(layer: Layer) -> Any:
        return tuple(
            (suffix, call if suffix else _changed(call, target, args, keywords))
            for suffix, call in original(layer)
        )

    return lambda patch: patch.setitem(KERAS, kind, row)  # type: ignore[arg-type]


def torch_call(kind: str, *args: Any, target: str = "", **keywords: Any) -> Apply:
    """The same for a row of PyTorch."""
    original = TORCH[kind]

    def row(layer: Layer) -> Call:
        return _changed(original(layer), target, args, keywords)

    return lambda patch: patch.setitem(TORCH, kind, row)  # type: ignore[arg-type]


def _changed(call: Call, target: str, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> Call:
    return Call(target or call.target, args or call.args, {**call.kwargs, **keywords})


def keras_row(kind: str, row: Callable[[Layer], Any]) -> Apply:
    """Another row."""
    return lambda patch: patch.setitem(KERAS, kind, row)  # type: ignore[arg-type]


def built_from(change: Alter, backend: type = KerasBackend) -> Apply:
    """The live model of another network than the spec's."""
    original = backend.build  # type: ignore[attr-defined]

    def build(self: Any, network: Program, size: Any = None) -> Any:
        return original(self, change(network), size)

    return lambda patch: patch.setattr(backend, "build", build)


def with_op(path: str, **changes: Any) -> Alter:
    """The network with other attributes of one op; types stay as they were."""

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op = dataclasses.replace(node.op, **changes) if node.path == path else node.op
        return dataclasses.replace(node, op=op, inputs=inputs)

    return lambda network: rewrite(network, change)


def chained(*changes: Alter) -> Alter:
    """Several changes, one after another."""

    def change(network: Program) -> Program:
        for one in changes:
            network = one(network)
        return network

    return change


def merging(change: Callable[[list[Any], str], tuple[list[Any], str]], start: str = "") -> Apply:
    """Tensors merged otherwise in live Keras models, at paths that begin with ``start``."""
    original = live._merged

    def merged(tensors: list[Any], how: Any, path: str) -> Any:
        if path.startswith(start):
            tensors, how = change(tensors, how)
        return original(tensors, how, path)

    return lambda patch: patch.setattr(live, "_merged", merged)


def layout(change: Callable[[Layer, Any, Any], Any]) -> Apply:
    """Canonical weights changed ahead of Keras' layout, and back; ``change`` is its own inverse."""
    to_keras, from_keras = weights.to_keras, weights.from_keras

    def there(layer: Layer, parameter: Any, array: Any) -> Any:
        return to_keras(layer, parameter, change(layer, parameter, array))

    def back(layer: Layer, parameter: Any, array: Any) -> Any:
        return change(layer, parameter, from_keras(layer, parameter, array))

    def apply(patch: Patch) -> None:
        patch.setattr(weights, "to_keras", there)
        patch.setattr(weights, "from_keras", back)

    return apply


def written(backend: type, old: str, new: str) -> Apply:
    """Generated source in which one text is another."""
    original = backend.generate  # type: ignore[attr-defined]

    def generate(self: Any, program: Any, origin: Any, line_length: int) -> str:
        text: str = original(self, program, origin, line_length)
        assert old in text
        return text.replace(old, new)

    return lambda patch: patch.setattr(backend, "generate", generate)


# The mistakes that take more than a line


def padded_as_tensorflow_does(patch: Patch) -> None:
    """Keras' own `same` where pads are symmetric: at stride 2 it pads the end alone."""
    patch.setattr(windows, "_conv_padding", lambda op, pads, rank, later: ((), "same"))


def swap_spatial(layer: Layer, parameter: Any, array: Any) -> Any:
    square = array.ndim == 4 and array.shape[2] == array.shape[3]
    return array.swapaxes(2, 3) if square else array


def swap_channels(layer: Layer, parameter: Any, array: Any) -> Any:
    square = array.ndim == 4 and array.shape[0] == array.shape[1]
    return array.swapaxes(0, 1) if square else array


def untransposed(layer: Layer, parameter: Any, array: Any) -> Any:
    is_weight = isinstance(layer.op, Linear) and parameter.name == "weight"
    return array[:, ::-1] if is_weight else array


def in_keras_order(patch: Patch) -> None:
    """A linear layer behind a flatten gets its weight as it is."""
    original = weights.to_keras, weights.from_keras

    def plain(layer: Layer) -> Layer:
        return shown(layer, source=dataclasses.replace(layer.source, flat=None))

    patch.setattr(weights, "to_keras", lambda la, p, a: original[0](plain(la), p, a))
    patch.setattr(weights, "from_keras", lambda la, p, a: original[1](plain(la), p, a))


def multiplier_first(layer: Layer, parameter: Any, array: Any) -> Any:
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
    original = weights.variables_of
    crossing = {"layer1.0.conv1": "layer1.0.conv2", "layer1.0.conv2": "layer1.0.conv1"}

    def variables(model: Any, network: Program) -> Any:
        found = list(original(model, network))
        by_path = {layer.path: variable for layer, _, variable in found}
        for layer, parameter, variable in found:
            yield layer, parameter, by_path.get(crossing.get(layer.path, ""), variable)

    patch.setattr(weights, "variables_of", variables)


def stride_on_the_first_convolution() -> Apply:
    return built_from(
        chained(
            with_op("layer2.0.conv1", stride=(2, 2)),
            with_op("layer2.0.conv2", stride=(1, 1)),
        )
    )


def shortcut_behind_the_activation() -> Apply:
    """Identity shortcuts of the first stage take the pre-activation instead of what enters the block."""

    def alter(network: Program) -> Program:
        activated: dict[str, Value] = {}

        def change(node: Node, inputs: tuple[Value, ...]) -> Node:
            block = node.path.rpartition(".")[0]
            if isinstance(node.op, Add) and block.startswith("layer1"):
                inputs = (inputs[0], activated[block])
            if isinstance(node.op, Activation):
                activated.setdefault(block, node.outputs[0])
            return dataclasses.replace(node, inputs=inputs)

        return rewrite(network, change)

    return built_from(alter)


def _last_activations(network: Program) -> set[str]:
    """The paths of activations that blocks end with."""
    ends = [block.nodes[-1] for block in network.main.regions("block")]
    return {node.path for node in ends if isinstance(node.op, Activation)}


def without_last_activation(network: Program) -> Program:
    ends = _last_activations(network)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        if node.path in ends:
            return Replacement((), inputs)
        return dataclasses.replace(node, inputs=inputs)

    return rewrite(network, change)


def activation_ahead_of_the_addition(network: Program) -> Program:
    ends = {path.rpartition(".")[0]: path for path in _last_activations(network)}

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        if node.path in ends.values():
            return Replacement((), inputs)
        end = ends.get(node.path.rpartition(".")[0])
        if end is None or not isinstance(node.op, Add):
            return dataclasses.replace(node, inputs=inputs)
        act = dataclasses.replace(network.by_path[end], inputs=inputs[:1])
        added = dataclasses.replace(node, inputs=(*act.outputs, *inputs[1:]))
        return Replacement((act, added), added.outputs)

    return rewrite(network, change)


def renamed(path: str, new: str) -> Alter:
    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        name = new if node.path == path else node.path
        return dataclasses.replace(node, path=name, inputs=inputs)

    return lambda network: rewrite(network, change)


def other_output(network: Program) -> Program:
    outputs = {"middle": network.stages[1].result, "output": network.outputs["output"]}
    return dataclasses.replace(network, outputs=outputs)


@dataclasses.dataclass(frozen=True)
class Shown:
    """A layer as rows see it, with something else in the place of what is there."""

    op: Any
    path: str
    source: TensorType
    target: TensorType
    span: Any = None


def shown(layer: Layer, **changes: Any) -> Shown:
    return dataclasses.replace(Shown(layer.op, layer.path, layer.source, layer.target), **changes)


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


def pooled_for_subsampled(layer: Layer) -> Any:
    return (("", Call("layers.AveragePooling2D", (2,), {"padding": "same"})),)


def pads_swapped(layer: Layer) -> Any:
    op: Any = layer.op
    calls = KERAS_ROWS["pad_channels"](
        shown(layer, op=dataclasses.replace(op, before=op.after, after=op.before))
    )
    return calls


def zeros_around_max_pool(layer: Layer) -> Any:
    source = dataclasses.replace(layer.source, non_negative=True)
    return KERAS_ROWS["max_pool"](shown(layer, source=source))


def no_padding(layer: Layer) -> Any:
    return tuple(made for made in KERAS_ROWS["max_pool"](layer) if not made[0])


def no_groups(layer: Layer) -> Any:
    return tuple(
        (suffix, _changed(call, "", (), {"groups": 1} if "groups" in call.kwargs else {}))
        for suffix, call in KERAS_ROWS["conv"](layer)
    )


def no_ceil(layer: Layer) -> Any:
    op = dataclasses.replace(layer.op, ceil=False)  # type: ignore[call-arg]
    return KERAS_ROWS["max_pool"](shown(layer, op=op))


def padding_counted(layer: Layer) -> Any:
    op = dataclasses.replace(layer.op, count_include_pad=True)  # type: ignore[call-arg]
    return KERAS_ROWS["avg_pool"](shown(layer, op=op))


def tanh_gelu(layer: Layer) -> Any:
    op = dataclasses.replace(layer.op, approximate="tanh")  # type: ignore[call-arg]
    return KERAS_ROWS["gelu"](shown(layer, op=op))


def slope(value: float) -> Callable[[Layer], Any]:
    def row(layer: Layer) -> Any:
        op = dataclasses.replace(layer.op, slope=value)  # type: ignore[call-arg]
        return KERAS_ROWS["leaky_relu"](shown(layer, op=op))

    return row


def no_permutation(layer: Layer) -> Any:
    return (("", Call("layers.Flatten")),)
