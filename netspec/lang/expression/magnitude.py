"""How large the values of expressions may be."""

from __future__ import annotations

from typing import Any

from netspec.lang.expression.symbolic import Varying

MAX_DEPTH = 40
MAX_MAGNITUDE = 2**53
MAX_ITEMS = 1_000


def check_magnitude(value: Any) -> Any:
    """The value; raises ValueError for what is too large."""
    if type(value) is int and -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
        return value  # as nearly all are
    if isinstance(value, Varying):
        for each in value.values:
            if each is not None:
                check_magnitude(each)
    elif isinstance(value, int | float) and not -MAX_MAGNITUDE <= value <= MAX_MAGNITUDE:
        raise ValueError(f"larger than {MAX_MAGNITUDE:,}")
    elif isinstance(value, str | list) and _length(value) > MAX_ITEMS:
        raise ValueError(f"longer than {MAX_ITEMS:,}")
    return value


def _length(value: str | list[Any]) -> int:
    """The characters of a text; the items of a list and of the lists in it, as far as the bound.

    Raises ValueError for lists inside lists beyond :data:`MAX_DEPTH`: whatever walks them by recursion,
    a comparison for one, would fail on them.
    """
    total, level = len(value), [value] if isinstance(value, list) else []
    for _ in range(MAX_DEPTH):
        level = [item for outer in level for item in outer if isinstance(item, list)]
        total += sum(len(item) for item in level)
        if not level or total > MAX_ITEMS:
            return total
    raise ValueError(f"a list nested deeper than {MAX_DEPTH} levels")
