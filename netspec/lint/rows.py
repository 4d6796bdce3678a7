"""A network as rows of layers that run one directly after another, with the place of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from netspec import tree
from netspec.errors import Span


class Item(NamedTuple):
    """A node in a row.

    Attributes:
        node: a layer, or a combinator, a named result or a taking of one, which end what is direct.
        site: the innermost place around it that is in a file of the user's.
    """

    node: tree.Node
    site: Span | None


Row = list[Item]
IsOwn = Callable[[Span | None], bool]


def rows(network: tree.Network, is_own: IsOwn) -> Iterator[Row]:
    """Every row of the network once: its own, and that of each body and path of a combinator.

    ``is_own`` says whether a place is in a file of the user's.
    """
    walker = _Rows(is_own)
    yield walker.row(network, network.span)
    while walker.waiting:
        yield walker.row(*walker.waiting.popleft())


class _Rows:
    def __init__(self, is_own: IsOwn) -> None:
        self._is_own = is_own
        self._seen: set[int] = set()
        self.waiting: deque[tuple[tree.Node, Span | None]] = deque()

    def row(self, node: tree.Node, site: Span | None) -> Row:
        """What runs in ``node``, one after another; what is inside combinators waits its turn."""
        found: Row = []
        self._open(node, site, found)
        return found

    def _open(self, node: tree.Node, site: Span | None, row: Row) -> None:
        if self._is_own(node.span):
            site = node.span
        match node:
            case tree.Network() | tree.Stage() | tree.Sequence() | tree.Block():
                for child in node.children:
                    self._open(child, site, row)
            case _:
                row.append(Item(node, site))
                for child in node.children:
                    if id(child) not in self._seen:
                        self._seen.add(id(child))
                        self.waiting.append((child, site))
