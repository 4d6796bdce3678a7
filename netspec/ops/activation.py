"""Activations, each an op of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from netspec.ops.base import FROZEN, Frozen, Op, attribute, require_frozen, role_of
from netspec.ops.initializers import Constant, Initializer
from netspec.ops.types import Parameter, TensorType


class Activation(Op):
    """An elementwise function; keeps the type."""

    category = "activation"

    non_negative: ClassVar[bool] = False

    def infer(self, source: TensorType) -> TensorType:
        return replace(source, non_negative=self.non_negative)


class Relu(Activation):
    __doc__ = """max(x, 0)."""

    kind = "relu"
    non_negative = True


class Relu6(Activation):
    __doc__ = """min(max(x, 0), 6)."""

    kind = "relu6"
    non_negative = True


@dataclass(frozen=True, kw_only=True, eq=False)
class LeakyRelu(Activation):
    __doc__ = """x where positive, slope * x elsewhere."""

    kind = "leaky_relu"

    slope: float = attribute("factor of negative values", 0.01)


@dataclass(frozen=True, kw_only=True, eq=False)
class Prelu(Activation):
    __doc__ = (
        """x where positive, a * x elsewhere, with `a` learned per channel (He et al., 2015)."""
    )

    kind = "prelu"

    init: Initializer = attribute("how the slopes start", Constant(0.25))
    frozen: Frozen = attribute(FROZEN, "none")

    def infer(self, source: TensorType) -> TensorType:
        require_frozen(self, source)
        return replace(source, non_negative=False, flat=None)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        return (Parameter("weight", (source.channels,), self.init, role_of(self, "weight")),)


@dataclass(frozen=True, kw_only=True, eq=False)
class Elu(Activation):
    __doc__ = """x where positive, alpha * (exp(x) - 1) elsewhere."""

    kind = "elu"

    alpha: float = attribute("limit of negative values", 1.0)


class Selu(Activation):
    __doc__ = """Self-normalising ELU (Klambauer et al., 2017)."""

    kind = "selu"


@dataclass(frozen=True, kw_only=True, eq=False)
class Gelu(Activation):
    __doc__ = """x times the normal distribution function of x (Hendrycks & Gimpel, 2016)."""

    kind = "gelu"

    approximate: Literal["none", "tanh"] = attribute(
        "`none` is exact, `tanh` the approximation by a hyperbolic tangent", "none"
    )


class Silu(Activation):
    __doc__ = """x * sigmoid(x), also called swish."""

    kind = "silu"


class Mish(Activation):
    __doc__ = """x * tanh(softplus(x)) (Misra, 2019)."""

    kind = "mish"


class HardSigmoid(Activation):
    __doc__ = """min(max(x / 6 + 1 / 2, 0), 1)."""

    kind = "hard_sigmoid"
    non_negative = True


class HardSwish(Activation):
    __doc__ = """x * hard_sigmoid(x) (MobileNetV3)."""

    kind = "hard_swish"


class Sigmoid(Activation):
    __doc__ = """1 / (1 + exp(-x))."""

    kind = "sigmoid"
    non_negative = True


class Tanh(Activation):
    __doc__ = """Hyperbolic tangent."""

    kind = "tanh"


class Softmax(Activation):
    __doc__ = """exp(x), normalised to sum to one over the channels."""

    kind = "softmax"
    non_negative = True
