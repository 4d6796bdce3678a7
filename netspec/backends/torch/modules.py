"""The registration of modules in generated source: what stands in ``__init__``."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from netspec.backends.torch.forms import Form, form_of
from netspec.backends.torch.functions import Functions
from netspec.backends.torch.gathered import Item, Row
from netspec.backends.torch.naming import NAMING
from netspec.backends.torch.paths import absent, node_of, prefixes
from netspec.backends.torch.plan import Plan, Unit
from netspec.backends.torch.registration import Containers
from netspec.backends.torch.sequential import RegionCall, RowWriter
from netspec.backends.torch.sharing import Sharing, is_shareable
from netspec.backends.torch.starting import StartWriter
from netspec.backends.torch.starts import Starts, is_subclass
from netspec.codegen.calls import Call
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.flow import Condition
from netspec.codegen.identifiers import is_attribute
from netspec.codegen.nodes import assign, call, if_
from netspec.codegen.printing import Printer
from netspec.ir import Node, Region
from netspec.ir.optional import is_decided
from netspec.ir.template import Choice
from netspec.ir.template.chosen import Chosen, label_of
from netspec.ir.template.data import children
from netspec.lang.expression.formula import negated
from netspec.lang.expression.symbolic import Diverges, Varying, names_of, same
from netspec.ops.base import Function
from netspec.ops.merge import Add
from netspec.ops.structure import Split


class ModuleWriter:
    """Writes the registration of the modules of one class, and knows how each is reached.

    Args:
        plan: which regions of the body are one module.
        printer: prints calls.
        block_call: the call that makes an inner block.
        starts: takes down how parameters start while classes are formed; afterwards decides what is
            left to the classes.
        settled: whether ``starts`` is complete.
        varying: the tests that come out one way in some blocks and another in others.
        slots: what layers are called after the slots that they fill.
        names: those of the constructor.
        taken: attributes that the class has besides.
    """

    def __init__(
        self,
        plan: Plan,
        printer: Printer,
        block_call: RegionCall,
        starts: Starts,
        settled: bool,
        varying: frozenset[str],
        slots: Mapping[Node, str],
        names: Collection[str] = (),
        taken: frozenset[str] = frozenset(),
    ) -> None:
        self.varying = varying
        self.plan = plan
        self._slots = slots
        self.printer = printer
        self.block_call = block_call
        self._starting = StartWriter(printer, starts, settled, not plan.is_block)
        self.statements: list[ast.stmt] = []
        self.tests: dict[int, Condition | None] = {}
        self._asked: list[tuple[Varying, Condition]] = []
        self.sizes: dict[int, ast.expr] = {}
        self.lists: set[str] = set()
        self.behind_loop = self._starting.behind_loop
        self._attributes: set[str] = set(NAMING.reserved | taken)
        self._owners: Counter[str] = Counter()
        self._containers = Containers(plan.count)
        self._positions: dict[int, int] = {}
        self.rows = RowWriter(plan, printer, block_call, self._starting, names)
        self.functions = Functions(printer, lambda name: node_of(self._attribute(name)))
        self._sharing = Sharing(self._attributes)
        self._aliases: dict[Unit, str] = {}
        self._depth = 0

    @property
    def registration(self) -> list[ast.stmt]:
        """The body of ``__init__``."""
        return [*self.functions.kept, *self.statements]

    # How modules are reached

    def access(self, unit: Unit) -> ast.expr:
        """The expression for a module; another on the other side of a choice may have its path."""
        place = self.plan.gathered.place(unit)
        if place is not None:
            row, index = place
            return ast.Subscript(node_of(row.path), ast.Constant(index))
        above, _, number = unit.path.rpartition(".")
        if above in self.lists:
            return ast.Subscript(node_of(above), ast.Constant(int(number)))
        return node_of(self._aliases.get(unit, unit.path))

    def shared(self) -> Mapping[str, Sequence[str]]:
        """The paths of the layers that are one module, by its attribute."""
        found: dict[str, list[str]] = {}
        for unit, attribute in self._aliases.items():
            found.setdefault(attribute, []).append(unit.path)
        return found

    def reserve(self, item: Item) -> None:
        """Keep the names of the modules in ``item`` free of what shared modules are called."""
        if isinstance(item, Choice):
            self._positions[id(item)] = self._containers.position
            for side, outcome in ((item.then, True), (item.other, False)):
                with where(item.test, outcome):
                    self.reserve(side)
        elif self.plan.is_unit(item):
            self._owners.update(prefixes(item.path))
            if not (isinstance(item, Node) and is_shareable(item, item.path)):
                self._attributes.add(item.path.split(".")[0])
                self._containers.expect(item.path)
        else:
            for child in children(item):
                self.reserve(child)

    def assign(self, path: str, module: ast.expr) -> ast.stmt:
        """The statement that registers ``module`` at ``path``, its containers ahead of it."""
        above = path.rpartition(".")[0]
        if above:
            self.container(above)
        return self._assignment(path, module)

    def container(self, path: str) -> None:
        """Write an empty container at ``path`` and those around it, unless they are there."""
        for around in prefixes(path):
            if self._containers.is_there(around):
                continue
            made = self._assignment(around, call("nn.Module"))
            if self._containers.is_there_in_some(around):
                above, _, own = around.rpartition(".")
                none = ast.Constant(None)
                there = call("getattr", [node_of(above), ast.Constant(own), none])
                made = if_(ast.Compare(there, [ast.Is()], [none]), [made])
            self._containers.add(around)
            self.statements.append(made)

    @staticmethod
    def _assignment(path: str, value: ast.expr) -> ast.stmt:
        parent, _, own = path.rpartition(".")
        if is_attribute(own):
            return assign(node_of(path), value)
        add = ast.Attribute(node_of(parent), "add_module")
        return ast.Expr(call(add, [ast.Constant(own), value]))

    # Registration

    def register(self, item: Item) -> None:
        """Register the modules inside ``item``, in the order of names."""
        row = self.plan.row(item)
        gathered = self.plan.gathered.row_from(item)
        match item:
            case _ if gathered is not None:
                self._row(gathered)
            case _ if self.plan.gathered.holds(item):
                return
            case Region() if row is not None:
                self._row(row)
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
                optional = is_decided(item, self.varying)
                self._depth += optional
                for inner in item.items:
                    self.register(inner)
                self._depth -= optional

    def _sizes(self, node: Node, op: Split) -> None:
        """Keep the channels of parts where they vary: what runs does not see what they depend on."""
        sizes = [*(op.sizes or ())]
        if any(isinstance(size, Varying) for size in sizes):
            self.sizes[id(node)] = access = node_of(self._attribute("sizes"))
            self.statements.append(assign(access, self.printer.value(sizes)))

    def _layer(self, layer: Node) -> None:
        calls: Call | Case[Call]
        match self._form(layer):
            case Form(module=module, function=function):
                if function is not None:
                    self.functions.note(layer, function)
                if module is None:
                    return
                calls = module
            case _:
                calls = self.rows.cases(layer)
        self._starting.note(layer, calls)
        if isinstance(calls, Call) and self._share(layer, calls):
            return
        self.statements += self._made(layer.path, calls)
        self.statements += self._starting.calls(layer, self.access(layer), calls)

    def _row(self, row: Row) -> None:
        made = None
        if not row.sides:
            modules = self.rows.modules(row)
            made = self.rows.loop(row, modules)
            module = self.rows.sequential(row.names, modules)
        else:
            module = self.rows.module(row)
        registered = made or [self.assign(row.path, module)]
        self.statements += [*self.rows.taken_ahead(), *registered]
        self._containers.add(row.path)
        self.statements += self.rows.starts(row, node_of(row.path))

    def _share(self, layer: Node, made: Call) -> bool:
        """Reach a layer without parameters that names itself by one attribute for all that are alike."""
        if not is_shareable(layer, layer.path):
            return False
        slot = self._slots.get(layer)
        attribute = self._sharing.find(made, slot)
        if attribute is None:
            if self._depth:
                return False
            attribute = self._sharing.add(label_of(layer.op), made, slot)
            self.statements.append(self.assign(attribute, self.printer.call(made)))
        self._aliases[layer] = attribute
        return True

    def _made(self, path: str, calls: Call | Case[Call]) -> list[ast.stmt]:
        if isinstance(calls, Call):
            return [self.assign(path, self.printer.call(calls))]
        with self.printer.assuming(calls.test, True):
            then = self._made(path, calls.then)
        with self.printer.assuming(calls.test, False):
            other = self._made(path, calls.other)
        test = self.printer.source(calls.test)
        if is_subclass(
            calls.then, calls.other
        ):  # the base is the attribute's type, so it comes first
            return [if_(negated(test), other, then)]
        return [if_(test, then, other)]

    # Choices

    def _choice(self, choice: Choice) -> None:
        certain = self._containers_around(choice)
        with where(choice.test, True):
            then = self._aside(choice.then)
        with where(choice.test, False):
            other = self._aside(choice.other)
        if self.plan.is_one_call(choice):  # what runs is one call, whichever side was taken
            self.tests[id(choice)] = None
            match then, other:
                case [ast.Assign(targets=[module], value=one)], [ast.Assign(value=two)]:
                    self.statements.append(
                        assign(module, self.rows.whichever(choice.test, one, two))
                    )
                case _:
                    self.statements += self.rows.either(choice.test, then, other)
            return
        only_then = self._telling(choice.then, certain)
        only_other = self._telling(choice.other, certain)
        marker = (only_then or only_other or [""])[0]
        known = (asked for test, asked in self._asked if same(test, choice.test))
        found = next(known, None) if not marker else None
        if marker:
            is_none = ast.Compare(node_of(marker), [ast.Is()], [ast.Constant(None)])
            found = is_none, not only_then
            self.statements.append(absent(marker))
        elif found is None:
            found = self._flag(choice)
        self.tests[id(choice)] = found
        if not self._depth:
            self._asked.append((choice.test, found))
        self.statements += self.rows.either(choice.test, then, other)

    def _telling(self, side: Region, certain: Collection[str]) -> list[str]:
        """The paths of what is there if, and only if, a side was taken: None says that it was not.

        One called like ``a-b`` cannot be None, since a call adds it; and what stands in a container that is
        not ``certain`` to be there ahead of the choice cannot either.
        """
        inside: Counter[str] = Counter()
        for unit in self.plan.units(side):
            inside.update(prefixes(unit.path))
        found: dict[str, None] = {}
        for unit in self.plan.units(side, only_certain=True):
            own = [p for p in self._held(unit) if inside[p] == self._owners[p]]
            if unit in self._aliases or not own:
                continue
            above, _, last = own[0].rpartition(".")
            if is_attribute(last) and (not above or above in certain):
                found[own[0]] = None
        return list(found)

    def _containers_around(self, choice: Choice) -> set[str]:
        """Make the containers that hold parts of a side and others, where they may be made this early.

        Returns those containers of its modules that are there ahead of the choice.
        """
        position = self._positions[id(choice)]
        certain: set[str] = set()
        for side in (choice.then, choice.other):
            inside: Counter[str] = Counter()
            units = [*self.plan.units(side)]
            for unit in units:
                inside.update(prefixes(unit.path))
            for unit in units:
                for path in self._held(unit)[:-1]:
                    if not self._containers.is_there(path):
                        shared = inside[path] < self._owners[path]
                        if not (shared and self._containers.may_be_made_at(position, path)):
                            break
                        self.container(path)
                    certain.add(path)
        return certain

    def _held(self, unit: Unit) -> list[str]:
        """The containers around a module, outermost first, up to the row that it stands in, or itself."""
        row = self.plan.gathered.row_around(unit)
        return prefixes(unit.path if row is None else row.path)

    def _flag(self, choice: Choice) -> Condition:
        """Keep the outcome of a test that no module tells, under a name for what hangs on it."""
        test = choice.test
        match [*names_of(test)]:
            case [name]:
                wanted = name if isinstance(test.node, ast.Name) else f"has_{name}"
            case _:
                sums = (item for item in choice.then.items if isinstance(item, Node))
                if any(isinstance(item.op, Add) for item in sums):
                    wanted = "has_shortcut"
                else:
                    wanted = "changes_shape" if _changes_shape(choice) else "condition"
        access = node_of(self._attribute(wanted))
        self.statements.append(assign(access, self.printer.formula(test)))
        return access, True

    def _attribute(self, name: str) -> str:
        """A free name of an attribute."""
        count, attribute = 1, name
        while attribute in self._attributes:
            count += 1
            attribute = f"{name}{count}"
        self._attributes.add(attribute)
        return attribute

    def _aside(self, item: Item) -> list[ast.stmt]:
        """The registration of a branch, not written yet."""
        before, self.statements = self.statements, []
        self._depth += 1
        try:
            self.register(item)
            return self.statements
        finally:
            self.statements = before
            self._depth -= 1

    def _form(self, layer: Node) -> Form | Case[Form] | None:
        """What people write for a layer; None for one that the class is given."""
        if isinstance(layer.op, Chosen):
            return None
        return by_cases(lambda each: form_of(each, each.path), layer)


def _changes_shape(choice: Choice) -> bool:
    """Whether what stands under a test gives a tensor another shape wherever that holds."""
    source = choice.then.source.type.shape
    try:
        with where(choice.test, True):
            found = [merged.then.type.shape != source for merged in choice.merged]
    except Diverges:
        return False
    return bool(found) and all(found)
