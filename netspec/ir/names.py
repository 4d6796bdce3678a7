"""What has a name in a program, and where: what checks of names start from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from netspec.errors import Span
from netspec.ir.program import MERGING, Node, Program, Region


class Named(NamedTuple):
    """What has a name.

    Attributes:
        path: its name, dots between the levels.
        span: where it stands.
        owner: the path of the innermost module around it that this path begins with; empty for none.
        is_module: whether what is called ``path.…`` has to stand inside it.
        around: the name of the innermost region around it, a dot behind; empty for none.
        key: what a spec calls the name that may be given: ``name``, ``block_name`` for blocks of a stage.
    """

    path: str
    span: Span | None
    owner: str
    is_module: bool
    around: str
    key: str

    @property
    def own(self) -> str:
        """The levels that the name has of its own."""
        return self.path.removeprefix(self.around)


def names_of(program: Program) -> list[Named]:
    """All that has a name; what merges the parts of a combinator comes ahead of them."""
    found: list[Named] = []
    _add_names(found, program.main, (), "")
    return found


def _add_names(found: list[Named], region: Region, owners: tuple[str, ...], around: str) -> None:
    """Add what has a name in a region, inside the modules ``owners``, outermost first, a dot behind each.

    ``around`` is the name of the innermost region, likewise.
    """
    items = region.items
    if items and region.kind in MERGING:
        items = (items[-1], *items[:-1])
    for item in items:
        path, inner = item.path, owners
        if path:
            is_layer = isinstance(item, Node) and not item.op.is_function
            is_block = isinstance(item, Region) and item.kind == "block"
            is_module = is_layer or is_block
            owner = next(filter(path.startswith, reversed(owners)), "")
            key = "block_name" if is_block and region.kind == "stage" else "name"
            found.append(Named(path, item.span, owner[:-1], is_module, around, key))
            inner = (*owners, f"{path}.") if is_module else owners
        if isinstance(item, Region):
            _add_names(found, item, inner, f"{path}." if path else around)


_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)\Z", re.DOTALL)


def counting(name: str) -> tuple[str, int] | None:
    """A name with ``{index}`` for its number, and the number; None where it has none that counts."""
    match = _NUMBERED.fullmatch(name)
    if match is None or str(int(match[2])) != match[2]:
        return None
    return f"{match[1]}{{index}}{match[3]}", int(match[2])


def count_up(names: Sequence[str]) -> bool:
    """Whether names are one, with numbers that count up."""
    found = counting(names[0])
    if found is None:
        return False
    pattern, start = found
    return [*names] == [pattern.format(index=start + number) for number in range(len(names))]


def stem_of(label: str) -> str:
    """What stands ahead of the number in names that are counted: the label, and what keeps digits apart."""
    return f"{label}_" if label[-1].isdigit() else label  # not relu61
