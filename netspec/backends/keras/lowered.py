"""What a row of the Keras backend says: the calls that one op becomes, run one after another.

A call whose target starts with ``layers.`` makes a layer, which is then called on the tensor, or on the
op's own input beside it (:class:`Joined`). Every other call is an expression over the tensor, in which
:data:`X` stands for it; its targets are functions of ``keras.ops`` or operators.

Layers have the names that we give them. The nodes of an expression have names from Keras, by what was
made before in the process; so an expression stands in a model of its own, where they meet no layer. What
has a stock layer is no expression: Keras' older file format knows layers alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from netspec.backends.keras.naming import flat_name
from netspec.codegen.calls import Call
from netspec.ir import Layer

Lowered = tuple[tuple[str, Call], ...]
"""(suffix, call) in the order of running. Exactly one suffix is empty: that call has the op's name."""

Row = Callable[[Layer], Lowered]


def shape_of(tensor: ast.expr) -> ast.expr:
    """A tensor's shape without its batch."""
    return ast.Subscript(ast.Attribute(tensor, "shape"), ast.Slice(ast.Constant(1)))


def channels_of(tensor: ast.expr) -> ast.expr:
    """The channels of a tensor."""
    return ast.Subscript(ast.Attribute(tensor, "shape"), ast.Constant(-1))


X = ast.Name("x")
"""The tensor that an expression works on; compare with ``is``."""

SHAPE = shape_of(X)
"""The tensor's shape without its batch, as an argument of a layer; compare with ``is``."""

CHANNELS = channels_of(X)
"""The tensor's channels, as an argument of what starts a layer's weights; compare with ``is``."""

CHANNELS_LAST: Mapping[str, Any] = {"data_format": "channels_last"}
"""What every layer is told that else goes by ``keras.config``, which is the caller's own."""


@dataclass(frozen=True, eq=False)
class Joined(Call):
    """A merging layer, called on the op's input and on the tensor."""


@dataclass(frozen=True, eq=False)
class Made(Call):
    """A layer, made by what a function of source is given."""


GROUPING: Mapping[str, str] = {
    "layers.Conv1D": "by_groups_1d",
    "layers.Conv2D": "by_groups",
    "layers.Conv3D": "by_groups",
}
"""The functions of ``support.py`` that a grouped convolution is given to, by its layer."""


def grouping(call: Call) -> str | None:
    """The function that a layer is given to before it is called; None where it has no groups."""
    groups = call.kwargs.get("groups", 1)
    return None if isinstance(groups, int) and groups == 1 else GROUPING.get(call.target)


def is_layer(call: Call) -> bool:
    """Whether the call makes a layer, rather than being an expression over the tensor."""
    return isinstance(call, Made) or call.target.startswith("layers.")


def input_name(name: str) -> str:
    """The name of the input of the model called ``name``, inside which an expression stands."""
    return f"{name}_input"


def name_of(path: str, suffix: str) -> str:
    """The Keras name of one call of the op at ``path``."""
    return flat_name(path) + suffix


def operation(operator: str, left: Any, right: Any) -> Call:
    """``left operator right`` as part of an expression."""
    return Call(operator, (left, right))


def bound(value: Any, tensor: Any, shape: Any, channels: Any) -> Any:
    """A call, or an argument of one, with what a tensor has in the place of what stands for it here."""
    for placeholder, given in ((X, tensor), (SHAPE, shape), (CHANNELS, channels)):
        if value is placeholder:
            return given
    if isinstance(value, Call):
        args = tuple(bound(argument, tensor, shape, channels) for argument in value.args)
        keywords = {k: bound(v, tensor, shape, channels) for k, v in value.kwargs.items()}
        return Call(value.target, args, keywords)
    return value
