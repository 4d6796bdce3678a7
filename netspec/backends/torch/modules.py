"""The registration of modules in generated source: what stands in ``__init__``."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from netspec.backends.names import RESERVED_CHILDREN
from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.paths import dotted, node_of, prefixes
from netspec.backends.torch.plan import Item, Plan, is_gap, opened
from netspec.backends.torch.rows import module_of
from netspec.backends.torch.starts import Starts, base_class
from netspec.codegen.calls import Call, Raw, same_call, varies
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.flow import Condition
from netspec.codegen.identifiers import is_attribute
from netspec.codegen.layout import Choice as Conditional
from netspec.codegen.layout import Document, call
from netspec.codegen.printing import Printer, negated, quoted
from netspec.codegen.statements import Assign, Do, If, Statement
from netspec.ir import Node, Region
from netspec.ir.template import Choice
from netspec.ir.template.data import children
from netspec.lang.expression.symbolic import Varying, names_of
from netspec.ops.base import Function
from netspec.ops.structure import Split

BlockCall = Callable[[Region], Document]
Unit = Node | Region
"""What is one module."""


class ModuleWriter:
    """Writes the registration of the modules of one class, and knows how each is reached.

    Args:
        plan: which regions of the body are one module.
        printer: prints calls.
        block_call: the call that makes an inner block.
        starts: takes down how parameters start while classes are formed; afterwards decides what is
            left to the classes.
        settled: whether ``starts`` is complete.
    """

    def __init__(
        self,
        plan: Plan,
        printer: Printer,
        block_call: BlockCall,
        starts: Starts,
        settled: bool,
    ) -> None:
        self.plan = plan
        self.printer = printer
        self.block_call = block_call
        self.starts = starts
        self.settled = settled
        self.statements: list[Statement] = []
        self.tests: dict[int, Condition | None] = {}
        self.sizes: dict[int, Document] = {}
        self._attributes: set[str] = set(RESERVED_CHILDREN)
        self._owners: Counter[str] = Counter()
        self._containers: set[str] = set()
        self._shared: list[tuple[str, Call]] = []
        self._aliases: dict[str, str] = {}
        self._depth = 0

    # How modules are reached

    def access(self, path: str) -> str:
        """The expression for the module at ``path``."""
        return dotted(self._aliases.get(path, path))

    def reserve(self, item: Item) -> None:
        """Keep the names of the modules in ``item`` free of what shared modules are called."""
        for unit in self._units(item):
            self._owners.update(prefixes(unit.path))
            if not (isinstance(unit, Node) and _is_shareable(unit)):
                self._attributes.add(unit.path.split(".")[0])

    def assign(self, path: str, module: Document) -> Statement:
        """The statement that registers ``module`` at ``path``, its containers ahead of it."""
        *parents, name = path.split(".")
        for length in range(1, len(parents) + 1):
            self.container(".".join(parents[:length]))
        return self._assignment(".".join([*parents, name]), module)

    def container(self, path: str) -> None:
        """Write an empty container at ``path``, unless there is one."""
        if path not in self._containers:
            self._containers.add(path)
            self.statements.append(self._assignment(path, "nn.Module()"))

    @staticmethod
    def _assignment(path: str, value: Document) -> Statement:
        parent, _, name = path.rpartition(".")
        if is_attribute(name):
            return Assign(dotted(path), value)
        return Do(call(f"{dotted(parent)}.add_module", [quoted(name), value]))

    # Registration

    def register(self, item: Item) -> None:
        """Register the modules inside ``item``, in the order of names."""
        row = self.plan.row(item)
        match item:
            case Region() if row is not None:
                self._sequential(item.path, row)
            case Node(op=Split() as op):
                self._sizes(item, op)
            case Node(op=Function()):
                return
            case Node():
                self._layer(item)
            case Region() if item.kind == "block":
                self.statements.append(self.assign(item.path, self.block_call(item)))
            case Choice():
                self._choice(item)
            case _:
                for inner in item.items:
                    self.register(inner)

    def _sizes(self, node: Node, op: Split) -> None:
        """Keep the channels of parts where they vary: what runs does not see what they depend on."""
        sizes = [*(op.sizes or ())]
        if any(isinstance(size, Varying) for size in sizes):
            self.sizes[id(node)] = access = f"self.{self._attribute('sizes')}"
            self.statements.append(Assign(access, self.printer.value(sizes)))

    def _layer(self, layer: Node) -> None:
        calls = _cases(layer)
        self._note(layer, calls)
        if isinstance(calls, Call) and self._share(layer, calls):
            return
        for statement in self._made(layer.path, calls):
            self.statements.append(statement)
        self.statements += self._starts(layer, self.access(layer.path), calls)

    def _share(self, layer: Node, made: Call) -> bool:
        """Reach a layer without parameters that names itself by one attribute for all that are alike."""
        if not _is_shareable(layer):
            return False
        attribute = next((name for name, known in self._shared if same_call(known, made)), None)
        if attribute is None:
            if self._depth:
                return False
            attribute = layer.op.label
            count = 1
            while attribute in self._attributes:
                count += 1
                attribute = f"{layer.op.label}{count}"
            self._attributes.add(attribute)
            self._shared.append((attribute, made))
            self.statements.append(self.assign(attribute, self.printer.call(made)))
        self._aliases[layer.path] = attribute
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

    def _sequential(self, path: str, items: Sequence[Item]) -> None:
        modules = [self._item(item) for item in items]
        self.statements.append(self.assign(path, call("nn.Sequential", modules)))
        self._containers.add(path)
        for index, item in enumerate(items):
            access = f"{self.access(path)}[{index}]"
            if isinstance(item, Node):
                calls = _cases(item)
                self._note(item, calls)
                self.statements += self._starts(item, access, calls)
            elif isinstance(item, Choice):
                self._optional_starts(item, access)

    def _optional_starts(self, choice: Choice, access: str) -> None:
        branches: list[tuple[Statement, ...]] = []
        for branch, outcome in ((choice.then, True), (choice.other, False)):
            found: list[Statement] = []
            with where(choice.test, outcome):
                layer = self.plan.single(branch)
                if isinstance(layer, Node):
                    calls = _cases(layer)
                    self._note(layer, calls)
                    found += self._starts(layer, access, calls)
            branches.append(tuple(found))
        if any(branches):
            self.statements += self._either(choice.test, branches[0], branches[1])

    def _either(
        self, test: Varying, then: Sequence[Statement], other: Sequence[Statement]
    ) -> list[Statement]:
        """Statements under a test, of which one side may be empty."""
        condition = self.printer.source(test)
        if not then:
            condition, then, other = negated(condition), other, then
        return [If(self.printer.expression(condition), tuple(then), tuple(other))] if then else []

    def _item(self, item: Item) -> Document:
        match item:
            case Node():
                return self._document(_cases(item))
            case Region():
                return "nn.Identity()" if is_gap(item) else self.block_call(item)
        test = self.printer.formula(item.test)
        branches: list[Document] = []
        for branch, outcome in ((item.then, True), (item.other, False)):
            with where(item.test, outcome):
                single = self.plan.single(branch)
                branches.append("nn.Identity()" if single is None else self._item(single))
        return Conditional(branches[0], test, branches[1])

    def _document(self, calls: Call | Case[Call]) -> Document:
        if isinstance(calls, Call):
            return self.printer.call(calls)
        test = self.printer.formula(calls.test)
        with self.printer.assuming(calls.test, True):
            then = self._document(calls.then)
        with self.printer.assuming(calls.test, False):
            other = self._document(calls.other)
        return Conditional(then, test, other)

    # Choices

    def _choice(self, choice: Choice) -> None:
        self._containers_around(choice)
        with where(choice.test, True):
            then = self._aside(choice.then)
        with where(choice.test, False):
            other = self._aside(choice.other)
        match then, other:
            case [Assign(target=first, value=one)], [Assign(target=second, value=two)] if (
                first == second and self._same_words(choice)
            ):
                test = self.printer.formula(choice.test)
                self.statements.append(Assign(first, Conditional(one, test, two)))
                self.tests[id(choice)] = None
                return
        only_then, only_other = self._telling(choice.then), self._telling(choice.other)
        marker = (only_then or only_other or [""])[0]
        if marker:
            is_none = ast.Compare(node_of(marker), [ast.Is()], [ast.Constant(None)])
            self.tests[id(choice)] = (is_none, not only_then)
            self.statements.append(Assign(dotted(marker), "None"))
        else:
            self.tests[id(choice)] = self._flag(choice.test)
        self.statements += self._either(choice.test, then, other)

    def _telling(self, side: Region) -> list[str]:
        """The paths of what is there if, and only if, a side was taken: None says that it was not.

        One called like ``a-b`` cannot be None, since a call adds it.
        """
        inside: Counter[str] = Counter()
        for unit in self._units(side):
            inside.update(prefixes(unit.path))
        found: dict[str, None] = {}
        for unit in self._units(side, only_certain=True):
            own = [p for p in prefixes(unit.path) if inside[p] == self._owners[p]]
            if unit.path not in self._aliases and own and is_attribute(own[0].rpartition(".")[2]):
                found[own[0]] = None
        return list(found)

    def _containers_around(self, choice: Choice) -> None:
        """Make the containers that hold parts of a side and others, which are there in any case."""
        for side in (choice.then, choice.other):
            inside: Counter[str] = Counter()
            units = [*self._units(side)]
            for unit in units:
                inside.update(prefixes(unit.path))
            for unit in units:
                for path in prefixes(unit.path)[:-1]:
                    if inside[path] < self._owners[path]:
                        self.container(path)

    def _same_words(self, choice: Choice) -> bool:
        """Whether both branches are one module at the same path."""
        paths = [_path_of(self._alone(side)) for side in (choice.then, choice.other)]
        return paths[0] is not None and paths[0] == paths[1]

    def _alone(self, side: Region) -> Unit | None:
        """What a side consists of, where that is one module or one row of modules."""
        inside = opened(side)
        if len(inside) == 1 and isinstance(inside[0], Region) and self.plan.row(inside[0]):
            return inside[0]
        return self.plan.single(side)

    def _flag(self, test: Varying) -> Condition:
        """Keep the outcome of a test that no module tells."""
        (name,) = names_of(test) if len(names_of(test)) == 1 else ("condition",)
        attribute = self._attribute(name)
        self.statements.append(Assign(f"self.{attribute}", self.printer.formula(test)))
        return node_of(attribute), True

    def _attribute(self, name: str) -> str:
        """A free name of an attribute that is no module."""
        count, attribute = 1, name
        while attribute in self._attributes:
            count += 1
            attribute = f"{name}{count}"
        self._attributes.add(attribute)
        return attribute

    def _aside(self, item: Item) -> list[Statement]:
        """The registration of a branch, not written yet."""
        before, self.statements = self.statements, []
        containers = set(self._containers)
        self._depth += 1
        try:
            self.register(item)
            return self.statements
        finally:
            self.statements = before
            self._depth -= 1
            self._containers &= containers

    def _units(self, item: Item, only_certain: bool = False) -> Iterator[Unit]:
        """The outermost parts of ``item`` that are modules of their own, those in choices too or not."""
        if isinstance(item, Node):
            if not isinstance(item.op, Function):
                yield item
        elif isinstance(item, Region) and (item.kind == "block" or self.plan.row(item) is not None):
            yield item
        elif not (isinstance(item, Choice) and only_certain):
            for child in children(item):
                yield from self._units(child, only_certain)

    # How parameters start

    def _note(self, layer: Node, calls: Call | Case[Call]) -> None:
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
                self.starts.note(target, parameter.name, start, varies(start))

    def _starts(self, layer: Node, access: str, calls: Call | Case[Call]) -> list[Statement]:
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


def _cases(layer: Node) -> Call | Case[Call]:
    return by_cases(module_of, layer)


def _leaves(calls: Call | Case[Call]) -> Iterator[Call]:
    if isinstance(calls, Case):
        yield from _leaves(calls.then)
        yield from _leaves(calls.other)
    else:
        yield calls


def _path_of(unit: Unit | None) -> str | None:
    return None if unit is None else unit.path


def _is_shareable(layer: Node) -> bool:
    """Whether a layer holds nothing and has a name that nobody chose."""
    if "." in layer.path or layer.op.parameters(layer.source):
        return False
    return layer.path.removeprefix(layer.op.label).isdecimal() or layer.path == layer.op.label
