"""The registration of modules in generated source: what stands in ``__init__``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol, cast

from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.plan import opened, sequential_items
from netspec.backends.torch.rows import ROWS
from netspec.backends.torch.starts import Starts, base_class
from netspec.codegen.calls import Call, Raw
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.identifiers import is_attribute
from netspec.codegen.layout import Choice, Document, Row, call, text_of
from netspec.codegen.printing import Printer, quoted
from netspec.codegen.second import tree
from netspec.codegen.statements import Assign, Do, If, Statement
from netspec.elaborate.scope import RESERVED_CHILDREN
from netspec.symbolic import Varying, names_of

BlockCall = Callable[[tree.Block], Document]


class Unit(Protocol):
    """A node that is one module."""

    @property
    def path(self) -> str:
        """Where the module is."""


class ModuleWriter:
    """Writes the registration of the modules of one class, and knows how each is reached.

    Args:
        printer: prints calls.
        block_call: the call that makes an inner block.
        starts: takes down how parameters start while classes are formed; afterwards decides what is
            left to the classes.
        settled: whether ``starts`` is complete.
    """

    def __init__(
        self, printer: Printer, block_call: BlockCall, starts: Starts, settled: bool
    ) -> None:
        self.printer = printer
        self.block_call = block_call
        self.starts = starts
        self.settled = settled
        self.statements: list[Statement] = []
        self.tests: dict[int, tuple[Document, bool] | None] = {}
        self._attributes: set[str] = set(RESERVED_CHILDREN)
        self._containers: set[str] = set()
        self._shared: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._depth = 0

    # How modules are reached

    def access(self, path: str) -> str:
        """The expression for the module at ``path``."""
        return _dotted(self._aliases.get(path, path))

    def reserve(self, node: tree.Node) -> None:
        """Keep the names of ``node``'s modules free of what shared modules are called."""
        for unit in _units(node):
            if not (isinstance(unit, tree.Layer) and _is_shareable(unit)):
                self._attributes.add(unit.path.split(".")[0])

    def assign(self, path: str, module: Document) -> Statement:
        """The statement that registers ``module`` at ``path``, its containers ahead of it."""
        *parents, name = path.split(".")
        for length in range(1, len(parents) + 1):
            container = ".".join(parents[:length])
            if container not in self._containers:
                self._containers.add(container)
                self.statements.append(self._assignment(container, "nn.Module()"))
        return self._assignment(".".join([*parents, name]), module)

    @staticmethod
    def _assignment(path: str, value: Document) -> Statement:
        parent, _, name = path.rpartition(".")
        if is_attribute(name):
            return Assign(_dotted(path), value)
        return Do(call(f"{_dotted(parent)}.add_module", [quoted(name), value]))

    # Registration

    def register(self, node: tree.Node) -> None:
        """Register the modules inside ``node``, in the order of names."""
        items = sequential_items(node)
        if items is not None:
            self._sequential(node.path, items)  # type: ignore[attr-defined]
            return
        match node:
            case tree.Layer():
                self._layer(node)
            case tree.Block():
                self.statements.append(self.assign(node.path, self.block_call(node)))
            case tree.Choice():
                self._choice(node)
            case _:
                for child in node.children:
                    self.register(child)

    def _layer(self, layer: tree.Layer) -> None:
        calls = _cases(layer)
        self._note(layer, calls)
        if isinstance(calls, Call) and self._share(layer, calls):
            return
        for statement in self._made(layer.path, calls):
            self.statements.append(statement)
        self.statements += self._starts(layer, self.access(layer.path), calls)

    def _share(self, layer: tree.Layer, made: Call) -> bool:
        """Reach a layer without parameters that names itself by one attribute for all that are alike."""
        if not _is_shareable(layer):
            return False
        document = self.printer.call(made)
        text = text_of(document)
        if text not in self._shared:
            if self._depth:
                return False
            attribute = layer.op.label
            count = 1
            while attribute in self._attributes:
                count += 1
                attribute = f"{layer.op.label}{count}"
            self._attributes.add(attribute)
            self._shared[text] = attribute
            self.statements.append(self.assign(attribute, document))
        self._aliases[layer.path] = self._shared[text]
        return True

    def _made(self, path: str, calls: Call | Case[Call]) -> list[Statement]:
        if isinstance(calls, Call):
            return [self.assign(path, self.printer.call(calls))]
        test = self.printer.formula(calls.test)
        with self.printer.assuming(calls.test, True):
            then = self._made(path, calls.then)
        with self.printer.assuming(calls.test, False):
            other = self._made(path, calls.other)
        return [If(test, tuple(then), tuple(other))]

    def _sequential(self, path: str, items: list[tree.Layer | tree.Block | tree.Choice]) -> None:
        modules = [self._item(item, f"{path}.{index}") for index, item in enumerate(items)]
        self.statements.append(self.assign(path, call("nn.Sequential", modules)))
        for index, item in enumerate(items):
            access = f"{self.access(path)}[{index}]"
            if isinstance(item, tree.Layer):
                calls = _cases(item)
                self._note(item, calls)
                self.statements += self._starts(item, access, calls)
            elif isinstance(item, tree.Choice):
                self._optional_starts(item, access)

    def _optional_starts(self, choice: tree.Choice, access: str) -> None:
        branches: list[tuple[Statement, ...]] = []
        for branch, outcome in ((choice.then, True), (choice.other, False)):
            found: list[Statement] = []
            with where(choice.test, outcome):
                for layer in opened(branch):
                    if isinstance(layer, tree.Layer):
                        calls = _cases(layer)
                        self._note(layer, calls)
                        found += self._starts(layer, access, calls)
            branches.append(tuple(found))
        test = self.printer.formula(choice.test)
        if branches[0]:
            self.statements.append(If(test, branches[0], branches[1]))
        elif branches[1]:
            self.statements.append(If(Row(("not (", test, ")")), branches[1]))

    def _item(self, item: tree.Node, path: str) -> Document:
        match item:
            case tree.Layer():
                return self._document(_cases(item))
            case tree.Block():
                return self.block_call(item)
            case tree.Choice():
                test = self.printer.formula(item.test)
                branches: list[Document] = []
                for branch, outcome in ((item.then, True), (item.other, False)):
                    with where(item.test, outcome):
                        inside = opened(branch)
                        branches.append(self._item(inside[0], path) if inside else "nn.Identity()")
                return Choice(branches[0], test, branches[1])
        raise AssertionError(item)  # pragma: no cover

    def _document(self, calls: Call | Case[Call]) -> Document:
        if isinstance(calls, Call):
            return self.printer.call(calls)
        test = self.printer.formula(calls.test)
        with self.printer.assuming(calls.test, True):
            then = self._document(calls.then)
        with self.printer.assuming(calls.test, False):
            other = self._document(calls.other)
        return Choice(then, test, other)

    # Choices

    def _choice(self, choice: tree.Choice) -> None:
        test = self.printer.formula(choice.test)
        with where(choice.test, True):
            then, then_made = self._aside(choice.then)
        with where(choice.test, False):
            other, other_made = self._aside(choice.other)
        if not then and not other and not then_made and not other_made:
            self.tests[id(choice)] = self._flag(choice.test, test)
            return
        match then, other:
            case [Assign(target=first, value=one)], [Assign(target=second, value=two)] if (
                first == second and self._same_words(choice)
            ):
                self.statements.append(Assign(first, Choice(one, test, two)))
                self.tests[id(choice)] = None
                return
        only_then = [p for p in then_made if p not in other_made and _can_be_none(p)]
        only_other = [p for p in other_made if p not in then_made and _can_be_none(p)]
        if only_then:
            marker = _dotted(only_then[0])
            self.tests[id(choice)] = (f"{marker} is None", False)
        elif only_other:
            marker = _dotted(only_other[0])
            self.tests[id(choice)] = (f"{marker} is None", True)
        else:
            self.tests[id(choice)] = self._flag(choice.test, test)
            marker = ""
        if marker:
            self.statements.append(Assign(marker, "None"))
        if then:
            self.statements.append(If(test, tuple(then), tuple(other)))
        elif other:
            self.statements.append(If(Row(("not (", test, ")")), tuple(other)))

    def _same_words(self, choice: tree.Choice) -> bool:
        """Whether both branches are one module at the same path."""
        units = [opened(branch) for branch in (choice.then, choice.other)]
        return all(
            len(unit) == 1 and getattr(unit[0], "path", None) == getattr(units[0][0], "path", "")
            for unit in units
        ) and all(
            isinstance(unit[0], tree.Layer | tree.Block) or sequential_items(unit[0]) is not None
            for unit in units
        )

    def _flag(self, test: Varying, document: Document) -> tuple[Document, bool]:
        """Keep the outcome of a test that no module tells."""
        (name,) = names_of(test) if len(names_of(test)) == 1 else ("condition",)
        count, attribute = 1, name
        while attribute in self._attributes:
            count += 1
            attribute = f"{name}{count}"
        self._attributes.add(attribute)
        self.statements.append(Assign(f"self.{attribute}", document))
        return f"self.{attribute}", True

    def _aside(self, node: tree.Node) -> tuple[list[Statement], list[str]]:
        """The registration of a branch, not written yet, and the outermost paths that it makes."""
        before, self.statements = self.statements, []
        containers = set(self._containers)
        self._depth += 1
        try:
            self.register(node)
            made: dict[str, None] = {}
            for unit in _units(node):
                path = self._aliases.get(unit.path, unit.path)
                if path in self._shared.values():
                    continue
                parts = path.split(".")
                fresh = next(
                    (
                        ".".join(parts[:length])
                        for length in range(1, len(parts))
                        if ".".join(parts[:length]) not in containers
                    ),
                    path,
                )
                made[fresh] = None
            return self.statements, list(made)
        finally:
            self.statements = before
            self._depth -= 1
            self._containers &= containers

    # How parameters start

    def _note(self, layer: tree.Layer, calls: Call | Case[Call]) -> None:
        if self.settled:
            return
        for made in _leaves(calls):
            target = base_class(made.target)
            self.starts.modules[target] += 1
            for parameter in layer.op.parameters(layer.source):
                if is_native(layer, parameter):
                    self.starts.note(target, parameter.name, None, False)
                    continue
                start = init_call(parameter, Raw(f"module.{parameter.name}", None))
                self.starts.note(target, parameter.name, self.printer.call(start), _varies(start))

    def _starts(self, layer: tree.Layer, access: str, calls: Call | Case[Call]) -> list[Statement]:
        """The calls that start what the loop over all modules does not."""
        statements: list[Statement] = []
        target = base_class(next(_leaves(calls)).target)
        for parameter in layer.op.parameters(layer.source):
            if is_native(layer, parameter):
                continue
            if self.settled and self.starts.is_uniform(target, parameter.name):
                continue
            made = init_call(parameter, Raw(f"{access}.{parameter.name}", None))
            statements.append(Do(self.printer.call(made)))
        return statements


def _cases(layer: tree.Layer) -> Call | Case[Call]:
    return by_cases(lambda: ROWS[layer.op.kind](layer))


def _varies(made: Call) -> bool:
    values = (*made.args, *made.kwargs.values())
    return any(isinstance(value, Varying) for value in values)


def _leaves(calls: Call | Case[Call]) -> Iterator[Call]:
    if isinstance(calls, Case):
        yield from _leaves(calls.then)
        yield from _leaves(calls.other)
    else:
        yield calls


def _can_be_none(path: str) -> bool:
    """Whether a statement can set the module at ``path`` to None: one called like ``a-b`` is added by a call."""
    return is_attribute(path.rpartition(".")[2])


def _dotted(path: str) -> str:
    found = "self"
    for name in path.split(".") if path else ():
        found = f"{found}.{name}" if is_attribute(name) else f"getattr({found}, {quoted(name)})"
    return found


def _is_shareable(layer: tree.Layer) -> bool:
    """Whether a layer holds nothing and has a name that nobody chose."""
    if "." in layer.path or layer.op.parameters(layer.source):
        return False
    return re.fullmatch(rf"{layer.op.label}\d*", layer.path) is not None


def _units(node: tree.Node) -> Iterator[Unit]:
    """The outermost nodes inside ``node`` that are modules of their own."""
    if isinstance(node, tree.Layer | tree.Block):
        yield node
    elif isinstance(node, tree.Sequence) and sequential_items(node) is not None:
        yield cast(Unit, node)
    else:
        for child in node.children:
            yield from _units(child)
