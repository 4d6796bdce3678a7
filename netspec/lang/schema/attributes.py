"""The attributes of ops as Pydantic models, which come from the ops' declarations.

An op's model is made when the first step names the op: few specs name more than ten of them, and all
together would take longer to make than a spec to check.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_origin

from pydantic import BaseModel, Field, create_model
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import any_schema

from netspec.lang.schema.fields import (
    AxesField,
    Flag,
    InitField,
    PaddingField,
    Real,
    WholeNumber,
    literal_choices,
    word_of,
)
from netspec.lang.schema.parameters import Strict
from netspec.lang.schema.reading import Read
from netspec.lang.schema.several import ListField, RealsField, ResultField
from netspec.ops import OPS, Axes, attributes_of
from netspec.ops.base import LISTS, AttributeInfo, Result
from netspec.ops.geometry import Padding
from netspec.ops.initializers import Initializer


def _field_type(info: AttributeInfo) -> Any:
    if info.type is Padding:
        return PaddingField
    if info.type == Initializer:
        return InitField
    if info.type in (Axes, Axes | None):
        return AxesField
    if info.type in LISTS:
        return RealsField if LISTS[info.type] == "list[float]" else ListField
    if info.type == Result | None:
        return ResultField
    if get_origin(info.type) is Literal:
        return word_of(literal_choices(info.type))
    return {float: Real, bool: Flag}.get(info.type, WholeNumber)


@cache
def op_model(kind: str) -> type[BaseModel]:
    """The model of an op's attributes; all optional, since `defaults` may fill them."""
    op = OPS[kind]
    fields: dict[str, Any] = {
        name: (_field_type(info) | None, Field(default=None, description=info.doc))
        for name, info in attributes_of(op).items()
    }
    return create_model(op.__name__, __base__=Strict, __doc__=op.__doc__, **fields)


class Unread(NamedTuple):
    """What stands behind the name of an op, on its way to the op's model."""

    kind: str
    attributes: Any


def _read(value: Any) -> Any:
    """The attributes of an op, where they are; Pydantic adds where they stand to what is wrong with them."""
    if not isinstance(value, Unread):
        return value
    if value.kind not in OPS:
        raise PydanticKnownError("extra_forbidden")
    return op_model(value.kind).model_validate(value.attributes)


Attributes = Annotated[Any, Read(_read, any_schema())]
"""A value that may be :class:`Unread`."""
