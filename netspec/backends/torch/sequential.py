"""Modules in a row, as the `nn.Sequential` that holds them, and how their parameters start."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Sequence

from netspec.backends.torch.gathered import Item, Row
from netspec.backends.torch.plan import Plan, is_gap
from netspec.backends.torch.rows import module_of
from netspec.backends.torch.starting import StartWriter
from netspec.codegen.calls import Call
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.factories import chosen_call
from netspec.codegen.identifiers import Namespace, is_attribute
from netspec.codegen.nodes import annotation, assign, call, constant, if_
from netspec.codegen.printing import Printer
from netspec.ir import Node, Region
from netspec.ir.template import Choice
from netspec.ir.template.chosen import Chosen
from netspec.lang.expression.formula import negated
from netspec.lang.expression.symbolic import Varying

ORDERED = "OrderedDict"
"""What holds modules that have names of their own."""

RegionCall = Callable[[Region], ast.expr]
"""Gives the call that makes the module of a region."""

RowLoop = Callable[[Row, Sequence[ast.expr]], list[ast.stmt] | None]
"""Gives the statements that register a row; None where one call does."""


class RowWriter:
    """Writes rows of modules.

    Args:
        plan: which regions of the body are one module.
        printer: prints calls.
        block_call: the call that makes an inner block.
        starting: writes how parameters start.
        names: those of the constructor.

    Attributes:
        ahead: what stands ahead of the rows written so far; who registers them takes it.
        stage_call: the call that makes the blocks of a stage; set by who writes stages.
        loop: the statements that register a row, of whose members it is given the calls, where its stages are a
            loop; None elsewhere; set by who writes stages.
    """

    def __init__(
        self,
        plan: Plan,
        printer: Printer,
        block_call: RegionCall,
        starting: StartWriter,
        names: Collection[str],
    ) -> None:
        self.ahead: list[ast.stmt] = []
        self._names = Namespace({*names})
        self._held: dict[Row, str] = {}
        self.plan = plan
        self.printer = printer
        self.block_call = block_call
        self.stage_call: RegionCall = block_call
        self.loop: RowLoop = lambda _row, _modules: None
        self._starting = starting

    def modules(self, row: Row) -> list[ast.expr]:
        """The calls that make the members of a row, which all instances have."""
        return [*map(self._item, row.members)]

    def module(self, row: Row) -> ast.expr:
        """The call that makes a row; what some instances lack is added to a dict ahead of it."""
        if not row.sides:
            return self.sequential(row.names, self.modules(row))
        self.printer.targets.add(ORDERED)
        held = self._held[row] = self._names.own("layers")
        kind = annotation(f"{ORDERED}[str, nn.Module]")
        start = ast.AnnAssign(ast.Name(held), kind, call(ORDERED), simple=1)
        self.ahead += [start, *self._added(row, held)]
        return call("nn.Sequential", [ast.Name(held)])

    def taken_ahead(self) -> list[ast.stmt]:
        """What stands ahead of the rows that were written since it was taken last."""
        found, self.ahead = self.ahead, []
        return found

    def _added(self, row: Row, held: str) -> list[ast.stmt]:
        """The statements that add the members of a row to the dict of its modules."""
        before = self.taken_ahead()
        for name, member in zip(row.names, row.members, strict=True):
            if member not in row.sides:
                own = ast.Subscript(ast.Name(held), ast.Constant(name))
                module = self._item(member)
                self.ahead.append(assign(own, module))
                continue
            assert isinstance(member, Choice)
            branches: list[list[ast.stmt]] = []
            for side, outcome in zip(row.sides[member], (True, False), strict=True):
                with where(member.test, outcome):
                    branches.append(self._added(side, held))
            self.ahead += self.either(member.test, *branches)
        found, self.ahead = self.taken_ahead(), before
        return found

    def sequential(self, names: Sequence[str], modules: Sequence[ast.expr]) -> ast.expr:
        """A row: of modules alone where they are called by their index, else by name."""
        if tuple(names) == Row.indices(names):
            return call("nn.Sequential", modules)
        self.printer.targets.add(ORDERED)
        if all(map(is_attribute, names)):
            named = call(ORDERED, map(ast.keyword, names, modules))
        else:
            pairs = zip(map(ast.Constant, names), modules, strict=True)
            named = call(ORDERED, [ast.List([ast.Tuple([*pair]) for pair in pairs])])
        return call("nn.Sequential", [named])

    def starts(self, row: Row, access: ast.expr, is_side: bool = False) -> list[ast.stmt]:
        """How the parameters start of a row that is reached by ``access``; of a side, that is a dict."""
        found: list[ast.stmt] = []
        held = access if is_side else ast.Name(self._held.get(row, ""))
        for index, (name, item) in enumerate(zip(row.names, row.members, strict=True)):
            if item in row.sides:
                assert isinstance(item, Choice)
                branches: list[list[ast.stmt]] = []
                for side, outcome in zip(row.sides[item], (True, False), strict=True):
                    with where(item.test, outcome):
                        branches.append(self.starts(side, held, is_side=True))
                found += self.either(item.test, *branches)
                continue
            ahead, behind = row.members[:index], row.members[index:]
            if is_side or not (
                row.sides.keys().isdisjoint(ahead) or row.sides.keys().isdisjoint(behind)
            ):
                own = ast.Subscript(held, ast.Constant(name))
            elif row.sides.keys().isdisjoint(ahead):
                own = ast.Subscript(access, ast.Constant(index))
            else:
                own = ast.Subscript(access, constant(index - len(row.members)))
            inner = self.plan.row(item)
            if inner is not None:
                found += self.starts(inner, own)
            elif isinstance(item, Node):
                found += self.started(item, own, self.cases(item))
            elif isinstance(item, Choice):
                found += self._optional_starts(item, own)
        return found

    def started(self, layer: Node, access: ast.expr, calls: Call | Case[Call]) -> list[ast.stmt]:
        """How the parameters of a layer start, which is taken down too."""
        self._starting.note(layer, calls)
        return self._starting.calls(layer, access, calls)

    def cases(self, layer: Node) -> Call | Case[Call]:
        """The calls that make a layer."""
        if isinstance(layer.op, Chosen):
            return chosen_call(layer, module_of, self.printer)
        return by_cases(module_of, layer)

    def either(
        self, test: Varying, then: Sequence[ast.stmt], other: Sequence[ast.stmt]
    ) -> list[ast.stmt]:
        """Statements under a test, of which one side may be empty."""
        condition = self.printer.source(test)
        if not then:
            condition, then, other = negated(condition), other, then
        return [if_(condition, then, other)] if then else []

    def whichever(self, test: Varying, then: ast.expr, other: ast.expr) -> ast.expr:
        """One of two modules by a test; the one that they are where they are equal."""
        if ast.dump(then) == ast.dump(other):
            return then
        return ast.IfExp(self.printer.formula(test), then, other)

    def _optional_starts(self, choice: Choice, access: ast.expr) -> list[ast.stmt]:
        branches: list[list[ast.stmt]] = []
        for branch, outcome in ((choice.then, True), (choice.other, False)):
            with where(choice.test, outcome):
                layer = self.plan.single(branch)
                found: list[ast.stmt] = []
                if isinstance(layer, Node):
                    found = self.started(layer, access, self.cases(layer))
                branches.append(found)
        return self.either(choice.test, *branches) if any(branches) else []

    def _item(self, item: Item) -> ast.expr:
        match item:
            case Node():
                return self._document(self.cases(item))
            case Region(kind="stage"):
                return self.stage_call(item)
            case Region():
                row = self.plan.row(item)
                if row is not None:
                    return self.module(row)
                return call("nn.Identity") if is_gap(item) else self.block_call(item)
        branches: list[ast.expr] = []
        for branch, outcome in ((item.then, True), (item.other, False)):
            with where(item.test, outcome):
                single = self.plan.single(branch)
                branches.append(call("nn.Identity") if single is None else self._item(single))
        return self.whichever(item.test, branches[0], branches[1])

    def _document(self, calls: Call | Case[Call]) -> ast.expr:
        if isinstance(calls, Call):
            return self.printer.call(calls)
        test = self.printer.formula(calls.test)
        with self.printer.assuming(calls.test, True):
            then = self._document(calls.then)
        with self.printer.assuming(calls.test, False):
            other = self._document(calls.other)
        return ast.IfExp(test, then, other)
