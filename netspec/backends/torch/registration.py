"""Where source makes containers, so that keys come in the order that live models have. Needs no PyTorch."""

from __future__ import annotations

from netspec.lang.expression.symbolic import active


class Containers:
    """The containers of one class: in which instances each is there by now.

    A live model registers a container with the first module inside, and so does source. Where that is one
    of a `when`, the container is made ahead of it, which reads better, if the order of keys is the same.

    Args:
        count: how many shapes the instances of the class have.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._made: dict[str, frozenset[int]] = {}
        self._order: list[tuple[str, frozenset[int]]] = []

    @property
    def position(self) -> int:
        """How many modules are expected so far."""
        return len(self._order)

    def expect(self, path: str) -> None:
        """Note the next module, in the instances under consideration."""
        self._order.append((path, active(self._count)))

    def is_there(self, path: str) -> bool:
        """Whether a container exists in all instances under consideration."""
        return not path or active(self._count) <= self._made.get(path, frozenset())

    def is_there_in_some(self, path: str) -> bool:
        """Whether it exists in some of them."""
        return bool(active(self._count) & self._made.get(path, frozenset()))

    def add(self, path: str) -> None:
        """Note that a container exists from here on."""
        self._made[path] = self._made.get(path, frozenset()) | active(self._count)

    def may_be_made_at(self, position: int, path: str) -> bool:
        """Whether nothing is registered beside a container from a position on to its first module."""
        above = path.rpartition(".")[0]
        inside, beside = f"{path}.", f"{above}." if above else ""
        for shape in active(self._count):
            for module, shapes in self._order[position:]:
                if shape in shapes:
                    if module.startswith(inside):
                        break
                    if module.startswith(beside):
                        return False
        return True
