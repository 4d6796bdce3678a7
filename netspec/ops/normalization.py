"""Normalisations: `batch_norm`, `layer_norm`, `group_norm`, `instance_norm`."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.ops.base import (
    FROZEN,
    Frozen,
    GroupsError,
    Op,
    OpError,
    RangeError,
    attribute,
    require_frozen,
    require_map,
    require_positive,
    role_of,
)
from netspec.ops.initializers import ONES, ZEROS, Initializer
from netspec.ops.types import Parameter, Role, TensorType


@dataclass(frozen=True, kw_only=True, eq=False)
class Normalization(Op):
    """What the normalisations share: epsilon and an optional learned scale and bias per channel."""

    numbered = True
    category = "normalization"

    eps: float = attribute("added to the variance", 1e-5)
    affine: bool = attribute("learn a scale (`weight`) and a `bias` per channel", True)
    init: Initializer = attribute("how the scale starts", ONES)
    bias_init: Initializer = attribute("how the bias starts", ZEROS)
    frozen: Frozen = attribute(FROZEN, "none")

    def infer(self, source: TensorType) -> TensorType:
        if self.eps <= 0:
            raise RangeError(f"`eps` must be positive, got {self.eps}", "eps")
        require_frozen(self, source)
        return TensorType(source.channels, source.size)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        if not self.affine:
            return ()
        shape = (source.channels,)
        return (
            Parameter("weight", shape, self.init, role_of(self, "weight")),
            Parameter("bias", shape, self.bias_init, role_of(self, "bias")),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BatchNorm(Normalization):
    __doc__ = """Batch normalisation per channel, with running statistics (Ioffe & Szegedy, 2015).

    With `frozen: all` these stay as they start too, and are what training works by."""

    kind = "batch_norm"
    label = "bn"

    momentum: float = attribute(
        "share of the new batch in the running statistics: PyTorch's meaning; Keras' is 1 - momentum",
        0.1,
    )

    @property
    def is_fixed(self) -> bool:
        """Whether it works by its running statistics in training too, and keeps them."""
        return self.frozen == "all"

    def infer(self, source: TensorType) -> TensorType:
        if not 0 <= self.momentum <= 1:
            raise RangeError(f"`momentum` must lie in [0, 1], got {self.momentum}", "momentum")
        return super().infer(source)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        shape = (source.channels,)
        role: Role = "frozen" if self.is_fixed else "statistic"
        return (
            *super().parameters(source),
            Parameter("running_mean", shape, ZEROS, role),
            Parameter("running_var", shape, ONES, role),
        )


class LayerNorm(Normalization):
    __doc__ = """Normalisation over the channels at each position (Ba et al., 2016; ConvNeXt's form on maps)."""

    kind = "layer_norm"
    label = "ln"

    def infer(self, source: TensorType) -> TensorType:
        if source.channels == 1:
            raise OpError("`layer_norm` of a single channel is always zero")
        return super().infer(source)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupNorm(Normalization):
    __doc__ = """Normalisation over groups of channels and all positions (Wu & He, 2018)."""

    kind = "group_norm"
    label = "gn"

    groups: int = attribute("number of groups that the channels are split into", 32)

    def infer(self, source: TensorType) -> TensorType:
        require_positive(self, "groups")
        if source.channels % self.groups != 0:
            raise GroupsError(
                f"`groups` ({self.groups}) does not divide the {source.channels} channels", "groups"
            )
        if source.channels == self.groups and all(length == 1 for length in source.size):
            raise OpError("`group_norm` of groups of a single value is always zero")
        return super().infer(source)


class InstanceNorm(Normalization):
    __doc__ = """Normalisation of each channel over its positions, without running statistics (Ulyanov, 2016)."""

    kind = "instance_norm"
    label = "in"

    def infer(self, source: TensorType) -> TensorType:
        require_map(source, self.kind)
        if all(length == 1 for length in source.size):
            raise OpError("`instance_norm` of a map with a single position is always zero")
        return super().infer(source)
