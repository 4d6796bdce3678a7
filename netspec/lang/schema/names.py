"""Names as Pydantic sees them: identifiers, and templates of the names of layers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from netspec.lang.schema.refusal import Refusal


def defined_as(name: str) -> WithJsonSchema:
    """What an editor is told of a type: the definition ``name`` of :mod:`netspec.tools.json_schema`."""
    return WithJsonSchema({"$ref": f"#/definitions/{name}"})


IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
Identifier = Annotated[
    str, Field(pattern=rf"^{IDENTIFIER}$", max_length=64), defined_as("identifier")
]
NameTemplate = Annotated[str, Field(min_length=1, max_length=200)]


def as_text(value: Any) -> Any:
    """YAML reads a name such as 1 as a number; names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _distinct(names: list[str]) -> list[str]:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise Refusal(f"`{name}` stands here twice", at=(index,))
    return names


DistinctNames = Annotated[list[Identifier], Field(min_length=1), AfterValidator(_distinct)]
"""Names, each once."""
Name = Annotated[NameTemplate, BeforeValidator(as_text), defined_as("name")]
