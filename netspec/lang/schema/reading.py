"""A field whose value is made by a function of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core.core_schema import CoreSchema, no_info_plain_validator_function


class Read:
    """Annotates a field of which ``read`` makes the value, or raises :class:`Refusal`.

    ``written`` is what an editor is told of it, where the type says no definition.

    Pydantic's ``PlainValidator`` does the same, and looks into the field's type besides, which nobody needs
    and takes long.
    """

    def __init__(self, read: Callable[[Any], Any], written: CoreSchema | None = None) -> None:
        self._read = read
        self._written = written

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        return no_info_plain_validator_function(self._read, json_schema_input_schema=self._written)
