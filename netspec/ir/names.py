"""What has a name in a program, and where: what checks of names start from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from netspec.errors import Span
from netspec.ir.program import Node, Program, Region
from netspec.ops.base import Function


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


def names_of(program: Program) -> Iterator[Named]:
    """All that has a name; what merges the parts of a combinator comes ahead of them."""
    return _names(program.main, (), "")


def _names(region: Region, owners: tuple[str, ...], around: str) -> Iterator[Named]:
    """What has a name in a region, inside the modules ``owners``, outermost first, a dot behind each.

    ``around`` is the name of the innermost region, likewise.
    """
    items = region.items
    if items and region.kind in ("residual", "gate", "branches"):
        items = (items[-1], *items[:-1])
    for item in items:
        path, inner = item.path, owners
        if path:
            is_block = isinstance(item, Region) and item.kind == "block"
            is_module = is_block or (isinstance(item, Node) and not isinstance(item.op, Function))
            owner = next((name for name in reversed(owners) if path.startswith(name)), "")
            key = "block_name" if is_block and region.kind == "stage" else "name"
            yield Named(path, item.span, owner[:-1], is_module, around, key)
            inner = (*owners, f"{path}.") if is_module else owners
        if isinstance(item, Region):
            yield from _names(item, inner, f"{path}." if path else around)
