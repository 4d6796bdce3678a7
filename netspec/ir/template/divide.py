"""Which templates programs and their blocks become: as few as can be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from netspec.ir.formula import IN_CHANNELS, NETWORK_SCOPE, qualify
from netspec.ir.program import Node, Program, Region
from netspec.ir.template.check import check_template
from netspec.ir.template.data import Reason, Split, Template
from netspec.ir.template.family import NetworkUnifier
from netspec.ir.template.schedules import Schedules
from netspec.ir.template.shapes import Key, Shapes, Surroundings
from netspec.ir.template.unify import Unifier
from netspec.lang.expression.symbolic import Diverges


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of a program, or of several.

    Attributes:
        networks: those of the networks themselves; each stands for as many as are alike but for numbers,
            choices, blocks, and how many blocks a stage has.
        blocks: those of their blocks, inner ones ahead of those that hold them.
    """

    networks: tuple[Template, ...]
    blocks: tuple[Template, ...]

    @property
    def network(self) -> Template:
        """That of the only network."""
        (network,) = self.networks
        return network

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
    """The templates of a program and of all its blocks: those of a family of one."""
    return family_templates([program], accept, choose=choose)


def family_templates(
    programs: Sequence[Program],
    accept: Callable[[Template], None] | None = None,
    accept_family: Callable[[Template], None] | None = None,
    choose: bool = False,
) -> Templates:
    """The templates of programs of one spec and of all their blocks, each verified against every instance.

    Blocks of one definition share a template unless they differ by more than numbers and choices; then
    they are parted at what differs, and so are the networks. Takes time in proportion to the size of the
    programs.

    Args:
        programs: the programs.
        accept: called with each template of a block, inner ones first; raises :class:`Diverges` where it
            has no use for one body of all these shapes.
        accept_family: the same for the template of several networks; may raise :class:`Split` too.
        choose: whether ops of one category that differ, as activations, become an argument of their block;
            else they part its instances.
    """
    surroundings = Surroundings(programs)
    kept = frozenset(qualify(NETWORK_SCOPE, name) for p in programs for name in p.arguments)
    kept_inside: dict[int, Collection[str]] = {}
    for program in programs if kept else ():
        if _reaches_blocks(program, kept):
            first = NetworkUnifier([program], surroundings, kept, {}, Schedules([program], {}))
            first.network((program.main,), (0,))
            kept_inside |= first.kept_inside
    shapes = Shapes(surroundings)
    known: dict[int, tuple[Template, int]] = {}
    made: list[Template] = []
    for instances in by_definition(programs):
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
    by_region = {id(program.main): program for program in programs}
    networks: list[Template] = []
    mains = tuple(program.main for program in programs)
    is_source = accept_family is not None
    groups = [_Group(mains, tuple(range(len(mains))), mains, kept, rolls=is_source)]
    while groups:
        group = groups.pop(0)
        members = [by_region[id(main)] for main in group.instances]
        schedules = Schedules(members, known if is_source else {})
        whole = NetworkUnifier(members, surroundings, group.kept, known, schedules, group.rolls)
        try:
            network = group.explained(whole.network(group.instances, group.numbers))
            if accept_family is not None and (network.series or len(members) > 1):
                accept_family(network)
        except (Split, Diverges) as problem:
            if len(members) > 1:
                groups[:0] = group.parted(_told(problem))
            elif group.rolls:
                reason = Reason.of(_told(problem))
                groups.insert(0, replace(group, rolls=False, unrolled=reason))
            else:
                raise
            continue
        check_template(network, [program.inputs[1:] for program in members], known)
        networks.append(network)
    return Templates(tuple(networks), tuple(made))


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


def _refused(divergence: Diverges) -> Split:
    """What parts the shapes of a template that a backend has no one text for."""
    split = _told(divergence)
    if (
        len({repr(value) for value in split.values.values()}) == 1
    ):  # nothing is left to part them at
        raise divergence
    return split


def _told(problem: Split | Diverges) -> Split:
    """What parts shapes, in words."""
    if isinstance(problem, Split):
        return problem
    return Split("the backend has other layers", "", dict(enumerate(problem.test.values)))


@dataclass(frozen=True)
class _Group:
    """Instances that may become one template.

    Attributes:
        instances: the instances, in order.
        numbers: the number of each one's shape.
        representatives: the first instance of each shape.
        kept: the names inside them that depend on a kept argument.
        reasons: why others of their definition are not among them.
        rolls: of networks, whether what each has alone may be told in series too.
        unrolled: why it may not, where it was tried.
    """

    instances: tuple[Region, ...]
    numbers: tuple[int, ...]
    representatives: tuple[Region, ...]
    kept: frozenset[str]
    reasons: tuple[Reason, ...] = ()
    rolls: bool = False
    unrolled: Reason | None = None

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

        Shapes that lack what differs go with the first part; where all would, each is a part.
        """
        first = next(iter(split.values.values()))
        count = len(self.representatives)
        of_shape = [repr(split.values.get(shape, first)) for shape in range(count)]
        if len(set(of_shape)) == 1:
            of_shape = [str(shape) for shape in range(count)]
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
            self.rolls,
        )

    def explained(self, template: Template) -> Template:
        """The group's template, with why it has others beside it."""
        if self.unrolled is None:
            return replace(template, reasons=self.reasons)
        parts = (part for part in template.body.items if isinstance(part, Region))
        stages = (part.path for part in parts if part.kind == "stage" and part.blocks)
        unrolled = dict.fromkeys(stages, self.unrolled)
        return replace(template, reasons=self.reasons, unrolled=unrolled)


def by_definition(programs: Sequence[Program]) -> Iterator[tuple[Region, ...]]:
    """The instances of each block in all programs, inner blocks ahead of those that hold them.

    Instances of blocks that stand inside one another, either in either, come level by level.
    """
    inside = [found for program in programs for found in _blocks_inside(program.main)]
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
