"""What a family says of published weights, as a Pydantic model."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from netspec.lang.schema.names import Identifier, NameTemplate
from netspec.lang.schema.parameters import Strict
from netspec.lang.schema.patterns import pattern_problem
from netspec.lang.schema.refusal import Refusal


def _check_patterns(names: dict[str, str]) -> dict[str, str]:
    """Every pattern is one, so that nothing is left to go wrong when paths are matched."""
    for pattern in names:
        problem = pattern_problem(pattern)
        if problem is not None:
            raise Refusal(problem, "NS610", at=(pattern,), on_key=True)
    return names


class CheckpointModel(Strict):
    __doc__ = """What published weights call the layers of this network."""

    framework: Identifier = Field(description="the framework whose files they are: torch or keras")
    doc: str = Field("", description="where they come from")
    layers: Annotated[dict[NameTemplate, NameTemplate], AfterValidator(_check_patterns)] = Field(
        default={},
        description="their name of a layer, a template, by pattern of ours; the first that fits",
    )
    counted: dict[NameTemplate, Identifier] = Field(
        default={},
        description="op → label, for layers that are numbered in order, label, label_1, …",
    )
    shortcut_first: bool = Field(
        False,
        description="whether their residuals add the body to the shortcut, not it to the body",
    )
