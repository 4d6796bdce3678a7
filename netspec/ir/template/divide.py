"""Which templates the blocks of a program become: as few as can be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from netspec.ir.formula import IN_CHANNELS, NETWORK_SCOPE, qualify
from netspec.ir.program import Node, Program, Region, Value
from netspec.ir.template.check import check_template
from netspec.ir.template.data import Reason, Split, Template
from netspec.ir.template.shapes import Key, Shapes, Surroundings
from netspec.ir.template.unify import Unifier
from netspec.lang.expression.symbolic import Diverges


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of a program.

    Attributes:
        network: the network itself.
        blocks: those of its blocks, inner ones ahead of those that hold them.
    """

    network: Template
    blocks: tuple[Template, ...]

    def of(self, region: Region) -> tuple[Template, int]:
        """The template of a block of the program, and the number of the block's shape."""
        return self._by_region[id(region)]

    @cached_property
    def _by_region(self) -> Mapping[int, tuple[Template, int]]:
        return {
            id(instance): (template, shape)
            for template in self.blocks
            for instance, shape in zip(template.instances, template.shapes, strict=True)
        }


def templates(
    program: Program, accept: Callable[[Template], None] | None = None, choose: bool = False
) -> Templates:
    """The templates of a program and of all its blocks, each verified against every instance.

    Blocks of one definition share a template unless they differ by more than numbers and choices; then
    they are parted at what differs. Takes time in proportion to the size of the program.

    Args:
        program: the program.
        accept: called with each template of a block, inner ones first; raises :class:`Diverges` where it
            has no use for one body of all these shapes.
        choose: whether ops of one category that differ, as activations, become an argument of their block;
            else they part its instances.
    """
    surroundings = Surroundings(program)
    kept = {qualify(NETWORK_SCOPE, name) for name in program.arguments}
    kept_inside: Mapping[int, Collection[str]] = {}
    if kept and _reaches_blocks(program, kept):
        first = _NetworkUnifier([program.main], surroundings, kept, {})
        first.enter(program.inputs[1:])
        first.template((program.main,), (0,))
        kept_inside = first.kept_inside
    shapes = Shapes(surroundings)
    known: dict[int, tuple[Template, int]] = {}
    made: list[Template] = []
    for instances in by_definition(program):
        groups = [_Group.of(instances, shapes, kept_inside)]
        while groups:
            group = groups.pop(0)
            unifier = Unifier(group.representatives, surroundings, group.kept, known, choose)
            try:
                template = group.explained(unifier.template(group.instances, group.numbers))
                if accept is not None:
                    accept(template)
            except Split as split:
                groups[:0] = group.parted(split)
                continue
            except Diverges as divergence:
                groups[:0] = group.parted(_refused(divergence))
                continue
            check_template(template)
            made.append(template)
            known.update(
                (id(region), (template, number))
                for region, number in zip(group.instances, group.numbers, strict=True)
            )
    whole = _NetworkUnifier([program.main], surroundings, kept, known)
    others = whole.enter(program.inputs[1:])
    network = whole.template((program.main,), (0,))
    outputs = {name: whole.value_of(value) for name, value in program.outputs.items()}
    network = replace(network, outputs=outputs, others=others)
    check_template(network, program.inputs[1:])
    return Templates(network, tuple(made))


def _reaches_blocks(program: Program, kept: Collection[str]) -> bool:
    """Whether a block, or what runs ahead of one, mentions a name of the network that a kept one gives."""
    names = set(kept)
    for name, formula in program.main.formulas.items():
        if not names.isdisjoint(formula.names):
            names.add(qualify(NETWORK_SCOPE, name))
    is_mentioned = qualify(NETWORK_SCOPE, IN_CHANNELS) in names
    waiting: list[tuple[Node | Region, bool]] = [(each, False) for each in program.main.items[::-1]]
    while waiting:
        item, is_inside = waiting.pop()
        mentions = [item.formulas.names]
        if isinstance(item, Region):
            is_inside = is_inside or item.kind == "block"
            mentions += [each.formula.names for each in item.decided]
            mentions += [item.test.names] if item.test is not None else []
            waiting += [(each, is_inside) for each in item.items[::-1]]
        is_mentioned = is_mentioned or not all(map(names.isdisjoint, mentions))
        if is_inside and is_mentioned:
            return True
    return False


class _NetworkUnifier(Unifier):
    """Makes the template of a network, which more than one value may enter."""

    def enter(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """What stands in the template for the inputs behind the first."""
        found = tuple(self._wires.new(value.type) for value in values)
        for value, new in zip(values, found, strict=True):
            self._wires.bind({0: value}, new)
        return found


def _refused(divergence: Diverges) -> Split:
    """What parts the shapes of a template that a backend has no one text for."""
    values = dict(enumerate(divergence.test.values))
    if len({repr(value) for value in values.values()}) == 1:  # nothing is left to part them at
        raise divergence
    return Split("the backend has other layers", "", values)


@dataclass(frozen=True)
class _Group:
    """Instances that may become one template.

    Attributes:
        instances: the instances, in order.
        numbers: the number of each one's shape.
        representatives: the first instance of each shape.
        kept: the names inside them that depend on a kept argument.
        reasons: why others of their definition are not among them.
    """

    instances: tuple[Region, ...]
    numbers: tuple[int, ...]
    representatives: tuple[Region, ...]
    kept: frozenset[str]
    reasons: tuple[Reason, ...] = ()

    @staticmethod
    def of(
        instances: Sequence[Region], shapes: Shapes, kept_inside: Mapping[int, Collection[str]]
    ) -> _Group:
        """A group of all the instances."""
        found: dict[Key, int] = {}
        numbers: list[int] = []
        representatives: list[Region] = []
        kept: set[str] = set()
        for region in instances:
            own = frozenset(kept_inside.get(id(region), ()))
            kept |= own
            number = found.setdefault((shapes.key(region), own), len(found))
            if number == len(representatives):
                representatives.append(region)
            numbers.append(number)
        return _Group(tuple(instances), tuple(numbers), tuple(representatives), frozenset(kept))

    def parted(self, split: Split) -> list[_Group]:
        """The parts of the group that have one value each of what differs, in the order of instances.

        Shapes that lack what differs go with the first part.
        """
        first = next(iter(split.values.values()))
        of_shape = [
            repr(split.values.get(shape, first)) for shape in range(len(self.representatives))
        ]
        return [
            self._part([shape for shape, value in enumerate(of_shape) if value == each], split)
            for each in dict.fromkeys(of_shape)
        ]

    def _part(self, shapes: Sequence[int], split: Split) -> _Group:
        renumbered = {shape: number for number, shape in enumerate(shapes)}
        chosen = [
            (region, renumbered[number])
            for region, number in zip(self.instances, self.numbers, strict=True)
            if number in renumbered
        ]
        return _Group(
            tuple(region for region, _ in chosen),
            tuple(number for _, number in chosen),
            tuple(self.representatives[shape] for shape in shapes),
            self.kept,
            (*self.reasons, Reason.of(split)),
        )

    def explained(self, template: Template) -> Template:
        """The group's template, with why it has others beside it."""
        return replace(template, reasons=self.reasons)


def by_definition(program: Program) -> Iterator[tuple[Region, ...]]:
    """The instances of each block, inner blocks ahead of those that hold them.

    Instances of blocks that stand inside one another, either in either, come level by level.
    """
    inside = _blocks_inside(program.main)
    nested = _nested(inside)
    levels = _Levels(inside, nested)
    instances: dict[tuple[str, int], list[Region]] = {}
    within: dict[tuple[str, int], dict[tuple[str, int], None]] = {}
    for block, inner in inside:
        key = levels.of(block)
        instances.setdefault(key, []).append(block)
        within.setdefault(key, {}).update((levels.of(found), None) for found in inner)
    done: dict[tuple[str, int], None] = {}

    def visit(key: tuple[str, int]) -> None:
        if key not in done:
            for inner in within[key]:
                visit(inner)
            done[key] = None

    for key in instances:
        visit(key)
    yield from (tuple(instances[key]) for key in done)


Inside = Sequence[tuple[Region, tuple[Region, ...]]]
"""Blocks in order, each with the blocks directly inside it."""


def _blocks_inside(main: Region) -> Inside:
    blocks = [*main.regions("block")]
    return [(block, _directly_inside(block)) for block in blocks]


def _directly_inside(block: Region) -> tuple[Region, ...]:
    """The blocks inside a block and in no other inside it."""
    found: list[Region] = []
    waiting = [item for item in reversed(block.items) if isinstance(item, Region)]
    while waiting:
        region = waiting.pop()
        if region.kind == "block":
            found.append(region)
            continue
        waiting += [item for item in reversed(region.items) if isinstance(item, Region)]
    return tuple(found)


def _name(block: Region) -> str:
    assert block.definition is not None
    return block.definition.name


def _nested(inside: Inside) -> frozenset[str]:
    """The names of blocks that stand inside others of their name, or inside what stands in those."""
    names: dict[str, set[str]] = {}
    for block, inner in inside:
        names.setdefault(_name(block), set()).update(map(_name, inner))
    for middle in names:
        for found in names.values():
            if middle in found:
                found |= names[middle]
    return frozenset(name for name, found in names.items() if name in found)


class _Levels:
    """How deep blocks that stand in one another stand in each block."""

    def __init__(self, inside: Inside, nested: frozenset[str]) -> None:
        self._nested = nested
        self._heights: dict[int, int] = {}
        for block, inner in reversed(inside):  # inner ones first
            deepest = max((self._heights[id(found)] for found in inner), default=0)
            self._heights[id(block)] = deepest + (_name(block) in nested)

    def of(self, block: Region) -> tuple[str, int]:
        """A block's name, and its level if it is among the nested ones."""
        name = _name(block)
        return name, self._heights[id(block)] - 1 if name in self._nested else 0
