"""What `outputs` of a spec holds: the results that models return, and in which mode."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from netspec.schema.names import NameTemplate
from netspec.schema.parameters import Strict
from netspec.schema.refusal import Refusal


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


Output = Annotated[OutputModel, BeforeValidator(_output)]
