"""What a primitive op is: typed attributes, and rules for its type, parameters and MACs."""

from __future__ import annotations

import dataclasses
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar, Literal, NewType

from netspec.ops.types import Parameter, Role, TensorType

Axes = tuple[int, ...]
"""One number per spatial axis; written as one number when all are equal."""

Sizes = NewType("Sizes", tuple[int, ...])
"""Any number of whole numbers, written as a list."""

Reals = NewType("Reals", tuple[float, ...])
"""Any number of numbers, written as a list."""

LISTS: dict[Any, str] = {Sizes: "list[int]", Sizes | None: "list[int]", Reals: "list[float]"}
"""The types of attributes that are lists, each with the type of a parameter that may give it."""

Result = NewType("Result", str)
"""The name of an earlier result, which the op takes as a further input."""


Frozen = Literal["none", "weight", "bias", "all"]
"""Which parameters of a layer stay as they start."""

FROZEN = "which parameters stay as they start, whatever is trained"
"""What the attribute of that name means, of every op with parameters."""


class OpError(Exception):
    """An op does not fit its input; ``attribute`` is the one to blame, when there is one.

    ``code`` is the diagnostic that becomes of it, for kinds of misfit that have one of their own.
    """

    code = "NS401"

    def __init__(self, message: str, attribute: str | None = None, help: str | None = None) -> None:
        super().__init__(message, attribute, help)  # which pickling calls it with again
        self.message = message
        self.attribute = attribute
        self.help = help

    def __str__(self) -> str:
        return self.message


class GroupsError(OpError):
    """Groups that do not divide the channels."""

    code = "NS406"


class WindowError(OpError):
    """A kernel that does not fit into its padded input."""

    code = "NS407"

    def __init__(self, message: str, attribute: str | None = "kernel", help: str | None = None):
        super().__init__(message, attribute, help)


class RangeError(OpError):
    """An attribute out of its range."""

    code = "NS408"


def attribute(doc: str, default: Any = dataclasses.MISSING) -> Any:
    """A documented attribute of an op; required when no default is given."""
    return dataclasses.field(default=default, metadata={"doc": doc})


class _Immutable:
    """What cannot be changed, also where no decorator says so."""

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Op(_Immutable, ABC):
    """Base of the primitive ops. Subclasses are frozen dataclasses of their attributes.

    One that adds no attributes needs no decorator, which would take longer than all the rest of it.

    Class attributes:
        kind: the op's name in the language.
        label: what a layer of it is called where the spec gives no name; the kind unless it says so.
        numbered: whether the label always takes a number (``conv1``), even for a single one.
        one_of: attributes of which exactly one has to be given.
        category: ``activation`` or ``normalization``: what people exchange for another of its category.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    numbered: ClassVar[bool] = False
    one_of: ClassVar[tuple[str, ...]] = ()
    category: ClassVar[str | None] = None
    is_function: ClassVar[bool] = (
        False  # what `isinstance` takes longer to say, of an abstract class
    )

    def __init_subclass__(cls) -> None:
        if "kind" in vars(cls):
            cls.label = vars(cls).get("label", cls.kind)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """Equal for ops of one class with the same attributes."""
        return frozen(self)

    def resolve(self, source: TensorType) -> Op:
        """This op with what depends on its input filled in; raises :class:`OpError`."""
        return self

    @abstractmethod
    def infer(self, source: TensorType) -> TensorType:
        """The output's type; raises :class:`OpError` when the input does not fit."""

    def types(self, *sources: TensorType) -> tuple[TensorType, ...]:
        """The types of all results, of all inputs; raises :class:`OpError` when an input does not fit."""
        (source,) = sources
        return (self.infer(source),)

    def parameters(self, source: TensorType) -> tuple[Parameter, ...]:
        """The tensors that the layer holds, in PyTorch's order of registration."""
        return ()

    def macs(self, source: TensorType, target: TensorType) -> int:
        """Multiply-accumulates for one example; zero for all but convolutions and linear layers."""
        return 0


class Function(Op):
    """An op of several inputs or results, which holds nothing: an expression, and no layer.

    It has a path, which names it in Keras; PyTorch registers no module for it.
    """

    is_function: ClassVar[bool] = True


@dataclass(frozen=True)
class AttributeInfo:
    """One attribute as declared: its name, type, default (MISSING when required) and meaning."""

    name: str
    type: Any
    default: Any
    doc: str

    @property
    def required(self) -> bool:
        """Whether a step must give it."""
        return self.default is dataclasses.MISSING


@cache
def attributes_of(op: type[Op]) -> Mapping[str, AttributeInfo]:
    """The attributes of an op class by name, in the order of declaration."""
    hints = typing.get_type_hints(op)
    return {
        field.name: AttributeInfo(
            field.name, hints[field.name], field.default, field.metadata.get("doc", "")
        )
        for field in dataclasses.fields(op)
        if "doc" in field.metadata
    }


@cache
def field_names(kind: type[Any]) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for any other class."""
    if not dataclasses.is_dataclass(kind):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


def frozen(value: Any) -> tuple[Any, ...]:
    """What can be a key in place of a value, equal for values that are the same: True is not 1."""
    kind: Any = type(value)
    if isinstance(value, tuple | list):
        return (kind, *map(frozen, value))
    names = field_names(kind)
    if names is None:
        return (kind, value)
    return (kind, *[frozen(getattr(value, name)) for name in names])


def product(numbers: tuple[int, ...]) -> int:
    """The product of sizes; 1 for none."""
    total = 1
    for number in numbers:
        total = total * number
    return total


def require(condition: bool, message: str, attribute: str | None = None, **more: str) -> None:
    """Raise :class:`OpError` unless ``condition`` holds."""
    if not condition:
        raise OpError(message, attribute, more.get("help"))


def require_positive(op: Op, *names: str) -> None:
    """Every named attribute, axis by axis, must be at least 1."""
    for name in names:
        value = getattr(op, name)
        for number in value if isinstance(value, tuple) else (value,):
            if number < 1:
                raise RangeError(f"`{name}` must be at least 1, got {number}", name)


def require_groups(source: TensorType, groups: int, out: int) -> None:
    """The groups divide the channels on both sides."""
    for what, channels, name in (("input", source.channels, "groups"), ("output", out, "out")):
        if channels % groups != 0:
            message = f"`groups` ({groups}) does not divide the {channels} {what} channels"
            raise GroupsError(message, name)


def weight_and_bias(
    op: Any, shape: tuple[int, ...], out: int, fans: tuple[int, int]
) -> tuple[Parameter, ...]:
    """What a layer with a weight of ``shape`` holds, with one bias for each of ``out`` if ``op`` has them."""
    weight = Parameter("weight", shape, op.init, role_of(op, "weight"), fans)
    bias = Parameter("bias", (out,), op.bias_init, role_of(op, "bias"), fans)
    return (weight, bias) if op.bias else (weight,)


def role_of(op: Any, name: str) -> Role:
    """What becomes of a parameter of ``op`` in training, by its attribute ``frozen``."""
    return "frozen" if op.frozen in (name, "all") else "trained"


def require_frozen(op: Any, source: TensorType) -> None:
    """What is to be frozen is there."""
    names = [parameter.name for parameter in op.parameters(source)]
    wanted = [] if op.frozen == "none" else [op.frozen]
    if (wanted and not names) or (wanted not in ([], ["all"]) and op.frozen not in names):
        what = "parameters" if op.frozen == "all" else f"`{op.frozen}`"
        raise OpError(f"this `{op.kind}` has no {what} that could stay as it starts", "frozen")


def require_map(source: TensorType, kind: str) -> None:
    """The op works on maps, not on vectors."""
    if not source.size:
        raise OpError(
            f"`{kind}` needs a map with spatial axes, got a vector of {source.channels} features"
        )
