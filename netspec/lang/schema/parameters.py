"""Declared parameters: their types, and how a declaration is written."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from netspec.errors import did_you_mean, suggest
from netspec.lang.schema.names import defined_as
from netspec.lang.schema.reading import Read
from netspec.lang.schema.refusal import Refusal


class Strict(BaseModel):
    __doc__ = """Base of all models: unknown keys are errors."""

    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, frozen=True, defer_build=True
    )


ParamType = Literal[
    "int",
    "float",
    "bool",
    "str",
    "block",
    "steps",
    "list[int]",
    "list[float]",
    "list[bool]",
    "list[str]",
]
PARAM_TYPES = get_args(ParamType)


class ParamModel(Strict):
    """A declared parameter: its type, its default unless it is required, and what it is for."""

    type: ParamType = Field(description="what values it takes")
    default: Any = Field(
        default=None,
        description="taken where no value is given; may use the parameters above it; required "
        "without one",
    )
    doc: str = Field(default="", description="what it is for")

    @property
    def required(self) -> bool:
        """Whether every use must give a value."""
        return "default" not in self.model_fields_set


def _param(value: Any) -> ParamModel:
    if isinstance(value, ParamModel):
        return value
    if isinstance(value, dict):
        return _written_out(value)
    if isinstance(value, str):
        if value in PARAM_TYPES:
            return ParamModel(type=value)  # type: ignore[arg-type]
        raise Refusal(
            f"expected a default, or a type ({', '.join(PARAM_TYPES)}); write a text or an expression "
            "as {type: …, default: …}",
            help=suggest(value, PARAM_TYPES),
        )
    kind = type_of(value)
    if kind is None:
        raise Refusal("expected a number, true, false or a list of numbers as default, or a type")
    return ParamModel(type=kind, default=value)  # type: ignore[arg-type]


def _written_out(value: dict[str, Any]) -> ParamModel:
    if "type" not in value:
        raise Refusal("a parameter written as a mapping needs `type`", "NS102")
    for key in value:
        if key not in ParamModel.model_fields:
            hint = did_you_mean(key, ParamModel.model_fields)
            raise Refusal(f"unknown key `{key}`", "NS101", hint, at=(key,), on_key=True)
    if value["type"] not in PARAM_TYPES:
        hint = suggest(value["type"], PARAM_TYPES)
        raise Refusal(f"`type` is one of {', '.join(PARAM_TYPES)}", help=hint, at=("type",))
    if not isinstance(value.get("doc", ""), str):
        raise Refusal("`doc` must be a text", at=("doc",))
    return ParamModel(**value)


def type_of(value: Any) -> str | None:
    """The parameter type of a plain value, None where it has none."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    if isinstance(value, float):
        return "float"
    if isinstance(value, list) and value:
        kinds = {type_of(item) for item in value}
        if kinds == {"int", "float"}:
            kinds = {"float"}
        if len(kinds) == 1 and kinds <= {"int", "float", "bool"}:
            return f"list[{kinds.pop()}]"
    return None


Param = Annotated[ParamModel, Read(_param), defined_as("parameter")]
