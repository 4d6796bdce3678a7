"""What enters and leaves a network, as Pydantic sees it: inputs, and outputs with when they are returned."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from netspec.lang.schema.fields import WholeNumber
from netspec.lang.schema.names import Identifier, NameTemplate, defined_as
from netspec.lang.schema.parameters import Strict
from netspec.lang.schema.refusal import Refusal


class InputModel(Strict):
    __doc__ = """What enters the network, for one example: channels, and the length of each spatial axis."""

    channels: WholeNumber = Field(description="number of channels")
    size: Annotated[list[WholeNumber], Field(min_length=1, max_length=3)] = Field(
        description="length of each spatial axis; their number is the network's rank"
    )


class OutputModel(Strict):
    __doc__ = """An output, and when models return it."""

    from_: NameTemplate = Field(alias="from", description="the result: as without a mapping")
    when: Literal["always", "training"] = Field(
        "always", description="`training` for what is not returned in evaluation"
    )


def _output(value: Any) -> Any:
    if isinstance(value, str):
        return {"from": value}
    if not isinstance(value, dict):
        raise Refusal("expected the name of a result, or a mapping with `from`")
    return value


Output = Annotated[OutputModel, BeforeValidator(_output), defined_as("output")]


def _is_one_input(value: Any) -> bool:
    """Whether this describes one input; what has none of its keys, and mappings inside, describes several."""
    if not isinstance(value, dict) or value.keys() & InputModel.model_fields.keys():
        return True
    return not any(isinstance(inner, dict) for inner in value.values())


ONE_INPUT, SEVERAL_INPUTS = INPUT_TAGS = ("one input", "several inputs")
"""What Pydantic puts among the parts of places; with a blank, so that neither is a key of a spec."""

Input = Annotated[
    Annotated[InputModel, Tag(ONE_INPUT)]
    | Annotated[dict[Identifier, InputModel], Tag(SEVERAL_INPUTS)],
    Discriminator(lambda value: ONE_INPUT if _is_one_input(value) else SEVERAL_INPUTS),
    defined_as("input"),
]
