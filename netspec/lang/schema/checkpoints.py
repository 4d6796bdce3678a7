"""What a family says of published weights, as a Pydantic model."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from netspec.lang.schema.names import Identifier, NameTemplate, defined_as
from netspec.lang.schema.parameters import Strict
from netspec.lang.schema.patterns import pattern_problem
from netspec.lang.schema.refusal import Refusal

T = TypeVar("T")


def _check_patterns(names: dict[str, T]) -> dict[str, T]:
    """Every pattern is one, so that nothing is left to go wrong when paths are matched."""
    for pattern in names:
        problem = pattern_problem(pattern)
        if problem is not None:
            raise Refusal(problem, "NS610", at=(pattern,), on_key=True)
    return names


class TensorModel(Strict):
    __doc__ = """What a single parameter is called, where it is no layer's there."""

    name: NameTemplate = Field(description="their name of it, a template")
    shape: Annotated[list[int], Field(max_length=8)] = Field(
        default=[],
        description="its shape there, where axes of length 1 stand elsewhere; -1 for one that follows",
    )


def _tensor(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    if not isinstance(value, dict):
        raise Refusal("expected the name of a tensor, or a mapping with `name`")
    return value


class CheckpointModel(Strict):
    __doc__ = """What published weights call the layers of this network."""

    framework: Identifier = Field(description="the framework whose files they are: torch or keras")
    doc: str = Field("", description="where they come from")
    layers: Annotated[dict[NameTemplate, NameTemplate], AfterValidator(_check_patterns)] = Field(
        default={},
        description="their name of a layer, a template, by pattern of ours; the first that fits",
    )
    tensors: Annotated[
        dict[NameTemplate, Annotated[TensorModel, BeforeValidator(_tensor), defined_as("tensor")]],
        AfterValidator(_check_patterns),
    ] = Field(
        default={},
        description="their name of a single parameter, by pattern of ours, such as `{block}.scale.weight`",
    )
    counted: dict[NameTemplate, Identifier] = Field(
        default={},
        description="op → label, for layers that are numbered in order, label, label_1, …",
    )
    shortcut_first: bool = Field(
        False,
        description="whether their residuals add the body to the shortcut, not it to the body",
    )
