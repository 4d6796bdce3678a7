"""Live networks, with the handles that training scripts written for timm take hold of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from netspec.backends.torch.execute import initialise, make_module
from netspec.backends.torch.rows import module_of
from netspec.backends.torch.wiring import WiredModule
from netspec.ir import Program, Value
from netspec.ir.classifier import Classifier
from netspec.ops import Op
from netspec.ops.types import TensorType

FEATURES = "_features"
PRE_LOGITS = "_pre_logits"
LOGITS = "_logits"
TAPS = "_taps"
"""Methods of parts of a network; no layer's name starts with ``_``."""


class NetworkModule(WiredModule):
    """A whole network. Returns the head's result, or a dict of all outputs where the spec names any.

    Inputs with names are taken in their order, or by name.
    """

    def forward(self, *inputs: Tensor) -> Tensor | dict[str, Tensor]:
        """Map inputs, each (batch, channels, *size), to the head's result, or to the outputs by name.

        In evaluation, what is for training alone is neither computed nor returned.
        """
        raise NotImplementedError  # pragma: no cover


@dataclass(frozen=True)
class _Linear:
    """A layer without its place in the spec, which no pickle has a need of."""

    op: Op
    path: str
    source: TensorType
    target: TensorType
    span: None = None


class ClassifierModule(NetworkModule):
    """A network that ends in a linear layer behind a pooling, with the handles that timm's have.

    Attributes:
        num_classes: how many numbers the linear layer gives; 0 where it was taken off.
        num_features: how many it takes.
        in_channels: the channels of the input, as `in_chans` too.
        feature_info: of each tap, `num_chs`, `reduction` and `module`; empty where the spec names no outputs.
    """

    def give_handles(
        self, network: Program, classifier: Classifier, maps: Mapping[str, Value]
    ) -> None:
        """Take down what the handles are of; ``maps`` are those among the outputs."""
        layer = classifier.linear
        self._linear = _Linear(layer.op, layer.path, layer.source, layer.target)
        self._is_last = not classifier.behind
        self.num_classes = layer.target.channels
        self.num_features = layer.source.channels
        self.in_channels = self.in_chans = network.source.channels
        lengths = network.source.size
        self.feature_info: list[dict[str, Any]] = [
            {
                "num_chs": value.type.channels,
                "reduction": round(lengths[0] / value.type.size[0]),
                "module": name,
            }
            for name, value in maps.items()
        ]

    def forward_features(self, *inputs: Tensor) -> Tensor:
        """The last map, (batch, channels, *size), ahead of the pooling."""
        found: Tensor = getattr(self, FEATURES)(*inputs)
        return found

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """What the network makes of its last map; with ``pre_logits``, what enters the linear layer."""
        pooled: Tensor = getattr(self, PRE_LOGITS)(x)
        found: Tensor = pooled if pre_logits else getattr(self, LOGITS)(pooled)
        return found

    def forward_intermediates(
        self, *inputs: Tensor, intermediates_only: bool = False
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """The last map, and the maps among the outputs in the order of :attr:`feature_info`; or these alone.

        Raises :class:`ValueError` where the spec names no map as an output.
        """
        if not self.feature_info:
            raise ValueError("the spec names no map among its `outputs`")
        last, *maps = getattr(self, TAPS)(*inputs)
        return maps if intermediates_only else (last, maps)

    def get_classifier(self) -> nn.Module:
        """The linear layer, or what stands in its place."""
        return self.get_submodule(self._linear.path)

    def reset_classifier(self, num_classes: int) -> None:
        """Put a new linear layer for so many classes in the old one's place, which starts as the spec says.

        With 0 the network gives what enters the linear layer. Raises :class:`ValueError` for that where an
        activation stands behind it.
        """
        layer = self._linear
        if num_classes < 0:
            raise ValueError(f"`num_classes` is 0 or more, not {num_classes}")
        if num_classes == 0 and not self._is_last:
            raise ValueError(f"something stands behind `{layer.path}`, which cannot be left out")
        new: nn.Module = nn.Identity()
        if num_classes:
            old = next(self.parameters())
            made = replace(layer, op=replace(layer.op, out=num_classes))  # type: ignore[call-arg]
            with torch.device(old.device):
                new = make_module(module_of(made)).to(old.dtype)
        self.set_submodule(layer.path, new.train(self.training))
        if num_classes:
            initialise(self, [made])
        self.num_classes = num_classes
