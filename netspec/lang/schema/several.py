"""The kinds of values that ops of several inputs or results take besides those of all ops."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from netspec.lang.schema.fields import AxesValue, Word, to_expression
from netspec.lang.schema.names import IDENTIFIER, defined_as
from netspec.lang.schema.reading import Read
from netspec.lang.schema.refusal import Refusal


def _list(value: Any) -> AxesValue:
    if not isinstance(value, list):
        return AxesValue((to_expression(value),), False)
    items = []
    for index, item in enumerate(value):
        try:
            items.append(to_expression(item))
        except Refusal as refusal:
            raise refusal.inside(index) from None
    if not items:
        raise Refusal("expected a list of numbers")
    return AxesValue(tuple(items), True)


ListField = Annotated[AxesValue, Read(_list), defined_as("sizes")]
"""A list of expressions, or one that gives a list."""

RealsField = Annotated[AxesValue, Read(_list), defined_as("numbers")]
"""The same of any numbers."""


@dataclass(frozen=True)
class ResultName(Word):
    """The name of an earlier result of the block that a step stands in."""

    def evaluate(self, environment: Mapping[str, Any]) -> str:
        """The name."""
        return str(self.value)


def _result(value: Any) -> ResultName:
    if not isinstance(value, str) or not re.fullmatch(IDENTIFIER, value):
        raise Refusal("expected the name of an earlier result")
    return ResultName((), value)


ResultField = Annotated[ResultName, Read(_result), defined_as("identifier")]
"""The name of an earlier result."""
