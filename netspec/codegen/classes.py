"""Which classes or functions the blocks of a network become, and how each is called.

All instances of a block are one class where its general form can say what differs between them;
otherwise they are parted at what they differ in, until every part has a general form.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.codegen.compilation import Compilation
from netspec.codegen.flow import BRANCH, VARIABLES
from netspec.codegen.general import IN_CHANNELS, GeneralBlock, generalise
from netspec.codegen.identifiers import Namespace, camel_case, safe_identifier
from netspec.codegen.layout import Document, keyword
from netspec.codegen.printing import MISSING, Printer, is_default
from netspec.codegen.second import tree
from netspec.codegen.second.scope import BlockValue, StepsValue
from netspec.errors import UsageError
from netspec.schema.names import flat_name
from netspec.schema.syntax import BlockDefinition, Param
from netspec.symbolic import Diverges, Varying, active, names_of


@dataclass(frozen=True)
class Argument:
    """An argument of a class or function in source.

    Attributes:
        name: the name in the spec; :func:`safe_identifier` gives the one in source.
        type: ``int``, ``float``, ``bool`` or ``list[int]`` and the like.
        default: a plain value, MISSING where every call gives one.
    """

    name: str
    type: str
    default: Any = MISSING

    @property
    def identifier(self) -> str:
        """The name in source."""
        return safe_identifier(self.name)


@dataclass(eq=False)
class SourceClass:
    """A class or function of source: the general form of some instances of a block."""

    name: str
    general: GeneralBlock
    arguments: tuple[Argument, ...] = ()
    used: set[str] = field(default_factory=set)

    @property
    def doc(self) -> str:
        """What the block is."""
        return self.general.definition.doc

    @property
    def local(self) -> list[tuple[str, Varying]]:
        """The values that the body names and uses, in order."""
        return [(name, value) for name, value in self.general.local.items() if name in self.used]

    def use(self, names: set[str]) -> None:
        """Settle the arguments: what the source mentions, or values that it mentions are made of."""
        self.used = set(names)
        for name, value in reversed(list(self.general.local.items())):
            if name in self.used:
                self.used |= names_of(value)
        free = self.used - set(self.general.local)
        self.arguments = _arguments(self.general.definition, free)


def _arguments(definition: BlockDefinition, names: set[str]) -> tuple[Argument, ...]:
    found = [Argument(IN_CHANNELS, "int")] if IN_CHANNELS in names else []
    for name, param in definition.params.items():
        if name not in names:
            continue
        default = MISSING if param.default is None else param.default.value
        if param.type == "steps":
            found.append(Argument(name, "bool", False if default == [] else MISSING))
        elif isinstance(default, bool | int | float):
            found.append(Argument(name, param.type, default))
        else:
            found.append(Argument(name, param.type))
    # What is left are arguments of the whole network, passed down.
    rest = sorted(names - {argument.name for argument in found})
    found += [Argument(name, "int") for name in rest]
    return tuple(sorted(found, key=lambda argument: argument.default is not MISSING))


class Classes:
    """The classes of a network, inner blocks ahead of those that hold them.

    Args:
        compilation: the network.
        try_out: writes a general form as source and forgets it; raises :class:`Diverges` where one
            text cannot serve all of its instances.
        name: makes a class name of a block's definition and what sets the class apart, if anything.
        names: where class names are taken from.
    """

    def __init__(
        self,
        compilation: Compilation,
        try_out: Callable[[GeneralBlock, Classes], None],
        name: Callable[[BlockDefinition, str], str],
        names: Namespace,
    ) -> None:
        self.all: list[SourceClass] = []
        self._by_path: dict[str, SourceClass] = {}
        for definition, instances in _by_definition(compilation.generalised):
            groups = [instances]
            made: list[SourceClass] = []
            while groups:
                group = groups.pop(0)
                try:
                    general = generalise(definition, group, compilation.elaborator)
                    try_out(general, self)
                except Diverges as divergence:
                    groups[:0] = _parted(group, divergence.test)
                    continue
                made.append(SourceClass("", general))
                self._by_path.update((block.path, made[-1]) for block in group)
            for source_class in made:
                difference = _difference(source_class, made) if made[1:] else ""
                source_class.name = names.add(name(definition, difference))
            self.all += made

    def of(self, general: GeneralBlock | None, node: tree.Block) -> SourceClass:
        """The class of a block inside a general form, or of the network where that is None.

        Raises :class:`Diverges` when it is not the same for all instances under consideration.
        """
        if general is None:
            return self._by_path[node.path]
        chosen = active(len(general.instances))
        found = [
            self._by_path.get(f"{instance.path}.{node.path}") if index in chosen else None
            for index, instance in enumerate(general.instances)
        ]
        present = [item for item in found if item is not None]
        if any(item is not present[0] for item in present[1:]):
            keys = tuple(None if item is None else id(item) for item in found)
            raise Diverges(Varying(None, keys, False))
        return present[0]


def local_names(network: tree.Network) -> set[str]:
    """What functions of source may call their arguments and variables, and nothing else then is called."""
    names = {*VARIABLES, BRANCH, *(f"{BRANCH}{number}" for number in range(2, len(VARIABLES)))}
    names |= {*network.arguments, *(flat_name(stage.path) for stage in network.stages)}
    for node in tree.walk(network):
        if isinstance(node, tree.Tap):
            names.add(node.name)
        elif isinstance(node, tree.Block):
            names |= {*node.definition.params, *node.definition.let}
    return set(map(safe_identifier, names))


def call_arguments(
    source_class: SourceClass, node: tree.Block, printer: Printer, without: tuple[str, ...] = ()
) -> list[Document]:
    """What a call of ``source_class`` passes for ``node``; defaults are left out."""
    documents: list[Document] = []
    for argument in source_class.arguments:
        if argument.name in without:
            continue
        value = argument_value(argument, node)
        if is_default(value, argument.default):
            continue
        document = printer.value(value)
        if argument.default is MISSING:
            documents.append(document)
        else:
            documents.append(keyword(argument.identifier, document))
    return documents


def argument_value(argument: Argument, node: tree.Block) -> Any:
    """The value of an argument for one block."""
    if argument.name == IN_CHANNELS:
        return node.source.channels
    value = node.arguments.get(argument.name, MISSING)
    if isinstance(value, StepsValue):
        return bool(value.steps) if value.flag is None else value.flag
    if value is MISSING:
        return _network_argument(argument.name, node)
    return value


def _network_argument(name: str, node: tree.Block) -> Any:
    """An argument of the whole network, which keeps its name on the way down."""
    return Varying(ast.Name(name), (None,), True)


def _by_definition(network: tree.Network) -> Iterator[tuple[BlockDefinition, list[tree.Block]]]:
    """The instances of each block, inner blocks ahead of those that hold them.

    Instances of blocks that stand inside one another, either in either, come level by level.
    """
    blocks = list(tree.blocks(network))
    nested = _nested(blocks)
    instances: dict[tuple[str, int], list[tree.Block]] = {}
    within: dict[tuple[str, int], dict[tuple[str, int], None]] = {}
    for block in blocks:
        key = _level(block, nested)
        instances.setdefault(key, []).append(block)
        inner = within.setdefault(key, {})
        inner.update((_level(found, nested), None) for found in tree.blocks(block.body))
    done: dict[tuple[str, int], None] = {}

    def visit(key: tuple[str, int]) -> None:
        if key not in done:
            for inner in within[key]:
                visit(inner)
            done[key] = None

    for key in instances:
        visit(key)
    for key in done:
        yield instances[key][0].definition, instances[key]


def _nested(blocks: Sequence[tree.Block]) -> frozenset[str]:
    """The names of blocks that stand inside others of their name, or inside what stands in those."""
    inside: dict[str, set[str]] = {}
    for block in blocks:
        names = inside.setdefault(block.definition.name, set())
        names.update(inner.definition.name for inner in tree.blocks(block.body))
    for middle in inside:
        for names in inside.values():
            if middle in names:
                names |= inside[middle]
    return frozenset(name for name, names in inside.items() if name in names)


def _level(block: tree.Block, nested: Collection[str]) -> tuple[str, int]:
    """A block's name, and how deep such blocks stand in it if it is among the ``nested`` ones."""
    name = block.definition.name
    return name, _height(block.body, nested) if name in nested else 0


def _height(node: tree.Node, nested: Collection[str]) -> int:
    own = isinstance(node, tree.Block) and node.definition.name in nested
    return max((_height(child, nested) for child in node.children), default=0) + own


def _parted(group: Sequence[tree.Block], test: Varying) -> list[list[tree.Block]]:
    """The instances by their value of ``test``, in the order in which the values occur."""
    parts: dict[str, list[tree.Block]] = {}
    for block, value in zip(group, test.values, strict=True):
        parts.setdefault(repr(value), []).append(block)
    if len(parts) == 1:
        name = group[0].definition.name
        raise UsageError(
            f"no source can be written for block `{name}`: it uses a number that is neither its "
            "parameter nor made of its parameters, or an argument of the network that its own names hide"
        )
    return list(parts.values())


_TELLING = ("steps", "block", "bool", "str", "int", "float")
"""Types of parameters, the one whose values make the best names first."""


def _difference(source_class: SourceClass, others: Sequence[SourceClass]) -> str:
    """What sets a class apart from the others of its block, as the end of a name.

    Empty where that is the parameter's default, or where no parameter tells them apart.
    """
    params = source_class.general.definition.params.values()
    for param in sorted((p for p in params if p.type in _TELLING), key=_rank):
        values = {id(other): other.general.arguments[param.name] for other in others}
        signatures = {key: _signature(param.name, value) for key, value in values.items()}
        own = signatures.pop(id(source_class))
        if own is None or None in signatures.values() or own in signatures.values():
            continue
        given = values[id(source_class)]
        default = None if param.default is None else param.default.value
        return "" if getattr(given, "raw", given) == default else own
    return ""


def _rank(param: Param) -> int:
    return _TELLING.index(param.type)


def _signature(name: str, value: Any) -> str | None:
    """A plain value as part of a name; None where it varies."""
    if isinstance(value, StepsValue):
        if value.flag is not None or not isinstance(value.raw, list | str | dict):
            return None
        steps = value.raw if isinstance(value.raw, list) else [value.raw]
        return "".join(_step_label(step) for step in steps)
    if isinstance(value, BlockValue):
        return camel_case(value.definition.name)
    if isinstance(value, bool):
        return camel_case(name) if value else ""
    if isinstance(value, int | float):
        return camel_case(name) + repr(value).replace(".", "p").replace("-", "m")
    return camel_case(value) if isinstance(value, str) else None


def _step_label(step: Any) -> str:
    word = step if isinstance(step, str) else next(iter(step), "") if isinstance(step, dict) else ""
    parts = [part for part in str(word).split("_") if part.isidentifier()]
    initials = "".join(part[0] for part in parts).upper()
    return initials if len(parts) > 1 else camel_case("".join(parts)) if parts else ""
