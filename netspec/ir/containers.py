"""Which names stand in which container, and which containers run as one: one rule for every backend.

A container is where names live; what runs is the dataflow. Paths make a trie: ``layer1.0.conv1`` stands
in ``layer1.0``, that in ``layer1``, whatever region each belongs to. A container is run as a unit where its ops
stand together in the order of running, and it is a block, whose values alone enter and leave, or a row: one value
enters and one leaves, and each of its children takes the one value that the child ahead of it gives. A row out of
which others take values too is no unit, but runs in parts. All others only hold names. What a container is, it is in
all instances of the block around it, since they are of one class in source; some may lack a member of a row.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field

from netspec.ir.definition import Definition
from netspec.ir.program import Node, Program, Region, Value
from netspec.ops.base import Function

MOST_GAPS = 4
"""A row of modules has at most so many times their number of indices; beyond, the indices were chosen."""


@dataclass(eq=False)
class Container:
    """The names below one path.

    Attributes:
        path: the path; empty for the whole network.
        children: what has a name here, in the order of registration: containers, and layers.
        start: the place in the order of running at which its first op stands.
        stop: the place behind its last op.
        region: the block or stage of this path, where there is one.
        inputs: the values that enter; none where it is no unit.
        outputs: the values that leave; none where it is no unit.
        count: how many ops stand below it, functions too.
        is_row: whether its children run one after another, and nothing else does. It is a unit too unless
            others take values in between.
        length: how many places a row has whose children are called by their index; some may have none.
    """

    path: str
    children: dict[str, Container | Node] = field(default_factory=dict)
    start: int = 0
    stop: int = 0
    region: Region | None = None
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()
    count: int = 0
    is_row: bool = False
    length: int = 0

    @property
    def is_unit(self) -> bool:
        """Whether it can be run as one."""
        return bool(self.outputs)


Unit = Node | Container
"""What runs as one: an op, or a container that is a unit."""


Place = tuple[Definition | None, str]
"""A container in all instances of a block, or in the network: its path from there on."""


def containers(program: Program) -> Container:
    """The container of the whole network, which holds all others."""
    return _settled(program)[0]


def uneven(programs: Iterable[Program]) -> frozenset[Place]:
    """Where containers are no rows since some instances of the block around them have none there."""
    return frozenset().union(*(_settled(program)[1] for program in programs))


def _settled(program: Program) -> tuple[Container, set[Place]]:
    """The container of the network, and what :func:`uneven` tells of it."""
    root = _trie(program)
    outputs = {value.id for value in program.outputs.values()}
    held: dict[Place, list[Container]] = {}
    _take_down(root, program.main, "", held)
    refused: set[Place] = set()
    found: set[Place] | None = None
    while found is None or found:
        refused |= found or set()
        refused_here = {each for place in refused for each in held[place]}
        _settle(root, program, outputs, refused_here)
        found = {place for place, group in held.items() if _differ(group)} - refused
    root.inputs, root.outputs = program.inputs, program.main.outputs
    root.start, root.stop = 0, len(program.nodes)
    return root, refused


def units(
    container: Container, program: Program, cuts: Collection[Value] = ()
) -> Iterator[tuple[Unit, str]]:
    """What runs inside a container, in order, each with its path from there on.

    Containers that are units run as one; what stands in the others runs by itself, and in rows in which one of
    ``cuts`` is given.
    """
    nodes = program.nodes
    at = {nodes.index(node) for v in cuts if (node := program.producers.get(v.id)) is not None}
    whole = _outermost_units(container, at, {*cuts})
    below = {found.start: found for found in whole if found.stop > found.start}
    skipped = len(container.path) + 1 if container.path else 0
    index = container.start
    while index < container.stop:
        unit: Unit = below.get(index, nodes[index])
        yield unit, unit.path[skipped:]
        index = unit.stop if isinstance(unit, Container) else index + 1


def _trie(program: Program) -> Container:
    root = Container("")
    known = {"": root}
    named, empty = _named_regions(program.main)
    for node in program.nodes:
        for path in empty.pop(node, ()):
            _container(path, known)
        if not isinstance(node.op, Function):  # it has a name, and nothing is registered for it
            above, _, name = node.path.rpartition(".")
            _container(above, known).children[name] = node
    for path in empty.pop(None, ()):
        _container(path, known)
    for region in named:
        if region.kind != "sequence" or region.path in known:
            _container(region.path, known).region = region
    for index, node in enumerate(program.nodes):
        path = node.path
        while path:
            path = path.rpartition(".")[0]
            found = known.get(path)
            if found is not None:
                found.start = found.start if found.count else index
                found.stop = index + 1
                found.count += 1
    return root


def _named_regions(main: Region) -> tuple[list[Region], dict[Node | None, list[str]]]:
    """The blocks, stages and sequences that have a name.

    And the blocks and stages in which no op stands, by the op that comes next: they are registered there. A
    sequence of nothing is not: it is there once something else has a name in it.
    """
    named: list[Region] = []
    empty: dict[Node | None, list[str]] = {}
    waiting: list[str] = []
    stack: list[Node | Region] = [main]
    while stack:
        item = stack.pop()
        if isinstance(item, Node):
            if waiting:
                empty[item] = waiting
                waiting = []
            continue
        if item.path and item.kind in ("block", "stage", "sequence"):
            named.append(item)
            start = f"{item.path}."
            if item.kind != "sequence" and not any(n.path.startswith(start) for n in item.nodes):
                waiting.append(item.path)
        stack.extend(reversed(item.items))
    if waiting:
        empty[None] = waiting
    return named, empty


def _container(path: str, known: dict[str, Container]) -> Container:
    if path in known:
        return known[path]
    above, _, name = path.rpartition(".")
    found = known[path] = Container(path)
    _container(above, known).children[name] = found
    return found


def _take_down(
    container: Container, around: Region, path: str, held: dict[Place, list[Container]]
) -> None:
    """Sort the containers in a block or the network that no block or stage is, by their place."""
    for name, child in container.children.items():
        if not isinstance(child, Container):
            continue
        region, own = child.region, f"{path}.{name}" if path else name
        if region is not None and region.kind == "block":
            _take_down(child, region, "", held)
            continue
        if region is None or region.kind == "sequence":
            held.setdefault((around.definition, own), []).append(child)
        _take_down(child, around, own, held)


def _differ(group: Sequence[Container]) -> bool:
    """Whether some containers at one place are rows, and others are not.

    Where some lack a member, the place of another is no fixed one, so no value may be taken out of any.
    """
    rows = [container.is_row for container in group if container.count]
    members = {(*container.children,) for container in group}
    is_cut = len(members) > 1 and not all(container.is_unit for container in group)
    return any(rows) and (is_cut or not all(rows))


def _settle(
    container: Container, program: Program, outputs: set[int], refused: Set[Container]
) -> None:
    """Find which containers below, and this one, are units and rows; those that are ``refused`` are no rows."""
    region = container.region
    for child in container.children.values():
        if isinstance(child, Container):
            _settle(child, program, outputs, refused)
    if not container.path:
        return
    container.is_row, container.inputs, container.outputs = False, (), ()
    if container.count == 0:
        if region is not None:
            container.inputs, container.outputs = region.inputs, region.outputs
            container.is_row = region.is_unary
        return
    if container.count != container.stop - container.start:
        return  # others run in between
    inside = program.nodes[container.start : container.stop]
    given = {value.id: value for node in inside for value in node.outputs}
    entering = {v.id: v for node in inside for v in node.inputs if v.id not in given}
    ours = set(inside)
    leaving = [
        value
        for value in given.values()
        if value.id in outputs or any(node not in ours for node in program.uses[value.id])
    ]
    if region is not None and region.kind == "block" and not region.is_unary:
        outputs_of_block = {value.id for value in region.outputs}
        if all(value.id in outputs_of_block for value in leaving):
            container.inputs, container.outputs = region.inputs, region.outputs
    elif len(entering) == 1 and len(leaving) == 1:
        container.length = _length(container, region) if region is not None else 0
        is_region = container.length > 0 or (region is not None and region.kind != "sequence")
        may_be = is_region or _may_be_row(container, refused)
        container.is_row = may_be and _is_row(container, *entering.values(), *leaving)
        if container.is_row or (region is not None and region.kind == "block"):
            container.inputs, container.outputs = tuple(entering.values()), tuple(leaving)
    elif region is None or region.kind != "block":
        ends = inside[0].inputs[0], inside[-1].outputs[0]
        container.is_row = _may_be_row(container, refused) and _is_row(container, *ends)


def _may_be_row(container: Container, refused: Set[Container]) -> bool:
    """Whether a container that nobody called a sequence, or out of which values are taken, may be a row.

    Not where it is none in other instances of the block around it, or a child holds nothing.
    """
    found = [child for child in container.children.values() if isinstance(child, Container)]
    return container not in refused and all(child.count for child in found)


def _is_row(container: Container, value: Value, result: Value) -> bool:
    count = 0
    for child in container.children.values():
        if isinstance(child, Node):
            if child.inputs != (value,):
                return False
            (value,) = child.outputs
            count += 1
        elif child.is_unit:
            if child.stop > child.start:
                if child.inputs != (value,) or len(child.outputs) != 1:
                    return False
                (value,) = child.outputs
                count += child.stop - child.start
        else:
            return False
    # Functions have no name of their own here: with one of them something else runs than the children.
    return value is result and count == container.stop - container.start


def _length(container: Container, region: Region) -> int:
    """How many places a sequence has; none unless its children are called by their index.

    An index that nothing has is that of a `when` that was not taken, or a pass has left it.
    """
    if region.kind != "sequence":
        return 0
    held = [int(name) for name in container.children if name.isdecimal() and name == str(int(name))]
    places = [*_places(region)]
    kept = kept_places((str(index), is_there) for index, is_there in places)
    gaps = [index for index, is_there in (places[i] for i in kept) if not is_there]
    length = 1 + max([*held, *gaps], default=-1)
    is_counted = len(held) == len(container.children) and held == sorted(held)
    return length if is_counted and length <= 1 + MOST_GAPS * (len(held) + len(gaps)) else 0


def kept_places(places: Iterable[tuple[str | None, bool]]) -> list[int]:
    """Which places of a row stay, of indices in the order of running and whether a module is there.

    The index of what is not there may be another's, or behind another's, who was named so: then it has none.
    """
    found = [*places]
    own = {name for name, is_there in found if is_there}
    kept = []
    least = math.inf  # of the indices behind a place
    for at, (name, is_there) in reversed([*enumerate(found)]):
        if is_there:
            kept.append(at)
            if name and name.isdecimal():
                least = min(least, int(name))
        elif name not in own and int(name or 0) < least:
            kept.append(at)
    return kept[::-1]


def _places(region: Region) -> Iterator[tuple[int, bool]]:
    """The indices in a sequence, and whether something is there: not for a `when` that nobody takes, an empty slot."""
    for item in region.items:
        if not (isinstance(item, Region) and not item.path):
            name = item.path.rpartition(".")[2]
            if name.isdecimal():
                yield int(name), True
            continue
        if item.kind == "when" and not item.items and item.position is not None:
            yield item.position, False
        yield from _places(item)


def _outermost_units(
    container: Container, at: Collection[int], cuts: Set[Value]
) -> Iterable[Container]:
    """The units below; none of them is a row that holds one of the places ``at``, but those that give a cut."""
    for child in container.children.values():
        if isinstance(child, Container):
            is_cut = any(child.start <= index < child.stop for index in at)
            if child.is_unit and not (child.is_row and is_cut and cuts.isdisjoint(child.outputs)):
                yield child
            else:
                yield from _outermost_units(child, at, cuts)
