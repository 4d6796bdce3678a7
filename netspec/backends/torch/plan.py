"""Which parts of a body are a `nn.Sequential` in source. Needs no PyTorch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from typing import TypeGuard

from netspec.backends.torch.forms import has_module
from netspec.backends.torch.gathered import Gathered, Item, Row, merges, source_of
from netspec.ir import Node, Region, Value
from netspec.ir.containers import MOST_GAPS, Place, kept_places
from netspec.ir.template import Choice, Template
from netspec.ir.template.data import children, result_of
from netspec.ops.base import Function

Unit = Node | Region
"""What is one module."""


class Plan:
    """Finds the regions of a template that are rows of modules: what runs is what they hold, in order.

    That is so where a named sequence or a stage holds nothing but modules in a row, each of which takes what
    the one ahead of it gives, nothing inside is used elsewhere, and no other module has a name in it. A
    choice between modules at one place, or a module and none, is an item too, and so is another such row.

    Args:
        template: the template.
        refused: where containers are no rows (:func:`netspec.ir.containers.uneven`).

    Attributes:
        count: how many shapes the instances of the template have.
        gathered: the rows that no region is.
        is_block: whether it is that of a block, and not of the network.
    """

    def __init__(self, template: Template, refused: Collection[Place] = ()) -> None:
        self.count = 1 + max(template.shapes)
        self.is_block = template.body.kind == "block"
        self._rows: dict[int, Row | None] = {}
        self._children = _children(template.body.items)
        results = (*template.body.outputs, *template.outputs.values())
        self._uses = Counter(value.id for value in results)
        for item in _outermost(template.body.items):
            self._uses.update(_taken(item))
        self._inner: dict[Item, Row] = {}
        self.gathered = Gathered(
            template.body.items,
            self.row,
            self.is_unit,
            partial(_children, template.body.items),
            self._uses,
            self._inner,
            {path for definition, path in refused if definition is template.definition},
        )

    def row(self, item: Item) -> Row | None:
        """The row that a region is; None for everything else."""
        if item in self._inner:
            return self._inner[item]
        if not isinstance(item, Region) or not item.path or item.kind == "block":
            return None
        if id(item) not in self._rows:
            self._rows[id(item)] = self._row(item)
        return self._rows[id(item)]

    def is_list(self, item: Item) -> bool:
        """Whether an item is a stage of blocks that take or give several tensors: a `nn.ModuleList`."""
        if not isinstance(item, Region) or item.kind != "stage":
            return False
        names = [str(index) for index in range(len(item.blocks))]
        own = [
            block.path == f"{item.path}.{n}" for block, n in zip(item.blocks, names, strict=True)
        ]
        is_unary = all(block.is_unary for block in item.blocks)
        return not is_unary and all(own) and [*self._children.get(item.path, ())] == names

    def _row(self, region: Region) -> Row | None:
        items = region.blocks if region.kind == "stage" else tuple(opened(region, gaps=True))
        names = [self.name_in(region, item) for item in items]
        if any(isinstance(i, Region) and i.kind == "block" and not i.is_unary for i in items):
            return None
        own = [n for n, item in zip(names, items, strict=True) if n and not is_gap(item)]
        if not own or None in names or [*self._children.get(region.path, ())] != own:
            return None
        is_there = [not is_gap(item) for item in items]
        kept = kept_places(zip(names, is_there, strict=True))
        items, names = tuple(items[i] for i in kept), [names[i] for i in kept]
        if region.kind != "stage":
            items = _numbered(region, items, names)
            if not items:
                return None
        source = value = _ends(items[0])[0]
        for item in items:
            if is_gap(item):
                continue
            taken, given, uses = _ends(item)
            if taken is not value or (value is not source and self._uses[value.id] != uses):
                return None
            value = given
        if value is not region.result:
            return None
        in_stage = region.kind == "stage"
        return Row(region.path, items, tuple(own) if in_stage else Row.indices(items))

    def name_in(self, region: Region, item: Item) -> str | None:
        """The name that a module has directly in a region; None where it is no single module there."""
        if is_gap(item):
            return str(item.position)
        if isinstance(item, Choice):
            names = {
                single.path
                for side in (item.then, item.other)
                if (single := self.single(side)) is not None
            }
            alone = [len(opened(side)) <= 1 for side in (item.then, item.other)]
            if len(names) != 1 or not all(alone) or not item.merged:
                return None
            if any(opened(s) and self.single(s) is None for s in (item.then, item.other)):
                return None
            (path,) = names
        elif not self.is_unit(item):
            return None
        else:
            path = item.path
        above, _, name = path.rpartition(".")
        return name if above == region.path else None

    def is_unit(self, item: Item) -> TypeGuard[Unit]:
        """Whether an item is one module."""
        if isinstance(item, Node):
            return _is_module(item)
        is_block = isinstance(item, Region) and item.kind == "block"
        return is_block or self.row(item) is not None

    def units(self, item: Item, only_certain: bool = False) -> Iterator[Unit]:
        """The outermost parts of ``item`` that are modules of their own, those in choices too or not."""
        if self.is_unit(item):
            yield item
        elif not (isinstance(item, Choice) and only_certain):
            for child in children(item):
                yield from self.units(child, only_certain)

    def alone(self, side: Region) -> Unit | None:
        """What a side of a choice consists of, where that is one module or one row of modules."""
        inside = opened(side)
        row = self.gathered.row_from(inside[0]) if inside else None
        if row is not None and all(self.gathered.row_around(item) is row for item in inside):
            ends = (source_of(row.members[0]),), (result_of(row.members[-1]),)
            return Region("sequence", side.items, *ends, row.path)
        if len(inside) == 1 and isinstance(inside[0], Region) and self.row(inside[0]):
            return inside[0]
        return self.single(side)

    def is_one_call(self, choice: Choice) -> bool:
        """Whether both sides are one module at the same path, which takes and gives the same."""
        one, other = (self.alone(side) for side in (choice.then, choice.other))
        if one is None or other is None or (one.path, one.inputs) != (other.path, other.inputs):
            return False
        pairs = [*zip(one.outputs, other.outputs, strict=False)]
        return all((merged.then, merged.other) in pairs for merged in choice.merged)

    def single(self, side: Region) -> Unit | None:
        """The one module that a side of a choice consists of."""
        inside = opened(side)
        if len(inside) != 1 or not isinstance(inside[0], Node | Region):
            return None
        found = inside[0]
        if isinstance(found, Node):
            return found if _is_module(found) else None
        return found if found.kind == "block" or self.row(found) is not None else None


def _is_module(node: Node) -> bool:
    return not isinstance(node.op, Function) and has_module(node)


def _numbered(
    region: Region, items: Sequence[Item], names: Sequence[str | None]
) -> tuple[Item, ...]:
    """The items of a region by their index, with gaps where passes have left some; none unless names are indices."""
    found: list[Item] = []
    for item, name in zip(items, names, strict=True):
        if not (name and name.isdecimal() and str(int(name)) == name):
            return ()
        if not len(found) <= int(name) <= MOST_GAPS * len(items):
            return ()
        while len(found) < int(name):
            found.append(_gap(region, len(found)))
        found.append(item)
    return tuple(found)


def _gap(region: Region, index: int) -> Region:
    """What holds the place of an index that nothing has."""
    return Region("when", (), (region.source,), (region.source,), position=index)


def _ends(item: Item) -> tuple[Value, Value, int]:
    """What an item takes and gives, and how often it takes that."""
    match item:
        case Node():
            return item.inputs[0], item.outputs[0], len(item.inputs)
        case Region():
            return item.source, item.result, 1
    taken = item.then.source
    uses = sum(v is taken for m in item.merged for v in (m.then, m.other))
    for side in (item.then, item.other):
        uses += sum(_ends(inner)[2] for inner in opened(side))
    return taken, item.merged[0].result if item.merged else taken, uses


def _outermost(items: Sequence[Item], absent: Collection[Region] = ()) -> Iterator[Item]:
    """The ops, blocks and choices of a body; what stands in the blocks is not its own."""
    waiting: list[Item] = [*reversed(items)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Node | Choice) or item.kind == "block":
            yield item
        if not isinstance(item, Region) or item.kind != "block":
            waiting += reversed([inner for inner in children(item) if inner not in absent])


def _taken(item: Item) -> Iterator[int]:
    """What an op, a block or a choice takes, by id; what the sides of a choice take is theirs."""
    if isinstance(item, Choice):
        return (value.id for merged in item.merged for value in (merged.then, merged.other))
    return (value.id for value in item.inputs)


def _children(items: Sequence[Item], absent: Collection[Region] = ()) -> dict[str, dict[str, None]]:
    """The names in each container of a body, in order, by its path; not those in regions that are ``absent``."""
    found: dict[str, dict[str, None]] = {}
    for item in _outermost(items, absent):
        if isinstance(item, Choice) or (isinstance(item, Node) and isinstance(item.op, Function)):
            continue
        path = item.path
        while path:
            path, _, name = path.rpartition(".")
            found.setdefault(path, {})[name] = None
    return found


def is_gap(item: Item) -> TypeGuard[Region]:
    """Whether an item is a `when` that nobody takes, or an empty slot, which has an index all the same."""
    return (
        isinstance(item, Region)
        and item.kind == "when"
        and not item.items
        and item.position is not None
    )


def opened(region: Region, gaps: bool = False) -> Sequence[Item]:
    """The items of a region, regions without a name inside it opened; those of :func:`is_gap` too or not."""
    items: list[Item] = []
    for item in region.items:
        if gaps and is_gap(item):
            items.append(item)
        elif isinstance(item, Region) and not item.path and not merges(item):
            items += opened(item, gaps)
        else:
            items.append(item)
    return items
