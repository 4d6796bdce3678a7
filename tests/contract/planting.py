"""References with one deliberate mistake each.

A mistake is planted either in netspec's own PyTorch model, at layers that are found by their names, or in
the text of the spec that the reference is built from, where names stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

import netspec

Make = Callable[[str], Any]
"""What makes a reference of the text of a spec."""


def right(text: str) -> Any:
    """The model as it should be."""
    return netspec.loads(text).build("torch")


def instead(old: str, new: str) -> Make:
    """The model of the spec with other words in one place."""

    def make(text: str) -> Any:
        assert text.count(old) == 1, old
        return right(text.replace(old, new))

    return make


def attribute(path: str, **values: Any) -> Make:
    """The model with other attributes of one layer."""

    def make(text: str) -> Any:
        model = right(text)
        layer = model.get_submodule(path)
        for name, value in values.items():
            assert getattr(layer, name) != value
            setattr(layer, name, value)
        return model

    return make


def computed(path: str, forward: Callable[[Any, Tensor], Tensor]) -> Make:
    """The model in which one layer computes something else."""

    def make(text: str) -> Any:
        model = right(text)
        layer = model.get_submodule(path)
        layer.forward = lambda x: forward(layer, x)
        return model

    return make


def convolved(
    path: str, kernel: Callable[[Tensor], Tensor] = lambda w: w, pad: tuple[int, ...] | None = None
) -> Make:
    """The model in which one convolution takes another kernel, or pads otherwise: (left, right, top, bottom)."""

    def forward(layer: Any, x: Tensor) -> Tensor:
        padding = layer.padding if pad is None else 0
        x = x if pad is None else functional.pad(x, pad)
        weight = kernel(layer.weight)
        bias, groups = layer.bias, layer.groups
        return functional.conv2d(x, weight, bias, layer.stride, padding, layer.dilation, groups)

    return computed(path, forward)


def stride_on_the_first(text: str) -> Any:
    """The stride of the bottleneck on its first convolution."""
    model = right(text)
    first, second = (model.get_submodule(f"layer2.0.conv{n}") for n in (1, 2))
    assert (first.stride, second.stride) == ((1, 1), (2, 2))
    first.stride, second.stride = second.stride, first.stride
    return model


def weight_called_otherwise(text: str) -> Any:
    """One weight under another name in its layer."""
    model = right(text)
    layer = model.get_submodule("fc2")
    layer.register_parameter("kernel", layer.weight)
    del layer.weight
    layer.forward = lambda x: functional.linear(x, layer.kernel, layer.bias)
    return model


def without_bias(text: str) -> Any:
    """A linear layer without its bias."""
    model = right(text)
    model.get_submodule("fc2").bias = None
    return model


def frozen_scale(text: str) -> Any:
    """A norm whose scale does not learn."""
    model = right(text)
    model.get_submodule("bn1").weight.requires_grad_(False)
    return model


def biased(layer: Any, x: Tensor) -> Tensor:
    """A norm that keeps the biased variance of a batch, as Keras does."""
    kept = layer.running_var * (1 - layer.momentum)
    y = nn.BatchNorm2d.forward(layer, x)
    if layer.training:
        count = x.numel() // x.shape[1]
        layer.running_var = kept + (layer.running_var - kept) * (count - 1) / count
    return y


def of_the_batch(layer: Any, x: Tensor) -> Tensor:
    """A norm that takes the statistics of the batch in evaluation mode too."""
    if layer.training:
        return nn.BatchNorm2d.forward(layer, x)
    return functional.batch_norm(x, None, None, layer.weight, layer.bias, True, 0.0, layer.eps)
