"""How a parameter is declared, and what type that gives it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from netspec.lang.schema.parameters import PARAM_TYPES, Param, ParamModel, type_of

ADAPTER: TypeAdapter[ParamModel] = TypeAdapter(Param)


@pytest.mark.parametrize(
    ("value", "kind", "required"),
    [
        (3, "int", False),
        (0.5, "float", False),
        (True, "bool", False),
        ([1, 2], "list[int]", False),
        ([1, 2.5], "list[float]", False),
        ([True], "list[bool]", False),
        *((kind, kind, True) for kind in PARAM_TYPES),
        ({"type": "steps"}, "steps", True),
        ({"type": "steps", "default": []}, "steps", False),
        ({"type": "int", "default": "w * 2", "doc": "d"}, "int", False),
        ({"type": "int", "default": None}, "int", False),
    ],
)
def test_declarations(value: Any, kind: str, required: bool) -> None:
    found = ADAPTER.validate_python(value)
    assert (found.type, found.required) == (kind, required)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "word",
        "w * 2",
        [],
        [1, "a"],
        [1, True],
        [[1]],
        {},
        {"type": "nit"},
        {"type": "int", "x": 1},
    ],
)
def test_what_declares_nothing(value: Any) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(value)


@pytest.mark.parametrize("value", ["a", None, {}, [], [[1]], ["a"], [1, True]])
def test_values_without_a_type(value: Any) -> None:
    assert type_of(value) is None
