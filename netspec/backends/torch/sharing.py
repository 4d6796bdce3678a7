"""Layers of a block that one module serves, as people write `self.relu` once. Needs no PyTorch."""

from __future__ import annotations

from netspec.codegen.calls import Call, same_call
from netspec.ir import Layer
from netspec.ir.names import stem_of
from netspec.ir.template.chosen import is_anonymous


class Sharing:
    """Gives layers that are alike one attribute of the module that holds them.

    Args:
        taken: names of attributes that are something else; those given out are added.
    """

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._known: list[tuple[str, Call, str | None]] = []

    def find(self, made: Call, slot: str | None) -> str | None:
        """The attribute of a module made by an equal call, for the same slot where it is called after one."""
        for name, known, own in self._known:
            if own == slot and same_call(known, made):
                return name
        return None

    def add(self, label: str, made: Call, slot: str | None) -> str:
        """A new attribute for a module, called by its slot or label, with a number where that is taken."""
        label = label if slot is None else slot
        count, attribute = 1, label
        while attribute in self._taken:
            count += 1
            attribute = f"{stem_of(label)}{count}"
        self._taken.add(attribute)
        self._known.append((attribute, made, slot))
        return attribute


def is_shareable(layer: Layer, name: str) -> bool:
    """Whether a layer holds nothing and nobody chose its ``name``, which is its path from its block on."""
    return is_anonymous(layer, name)
