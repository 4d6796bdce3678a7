"""How the parameters of a class of generated source start, where modules do not start them so by themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.rows import module_of
from netspec.backends.torch.starts import Starts, base_class, in_loop
from netspec.codegen.calls import Call, same_call
from netspec.codegen.cases import Case, answers
from netspec.codegen.factories import options
from netspec.codegen.nodes import assign, call
from netspec.codegen.printing import Printer
from netspec.ir import Node
from netspec.ir.template.chosen import Chosen
from netspec.lang.expression.symbolic import Diverges
from netspec.ops.types import Parameter


class StartWriter:
    """Takes down how parameters start while classes are formed, and writes what is left to the classes.

    Args:
        printer: prints calls.
        starts: what is known of the whole network.
        settled: whether that is complete.
        is_network: whether the class is the network's own.

    Attributes:
        behind_loop: what starts layers of the network otherwise than the loop over all modules does.
    """

    def __init__(self, printer: Printer, starts: Starts, settled: bool, is_network: bool) -> None:
        self.behind_loop: list[ast.stmt] = []
        self._is_network = is_network
        self._printer = printer
        self._starts = starts
        self._settled = settled

    def note(self, layer: Node, calls: Call | Case[Call]) -> None:
        """Take down a layer."""
        for own, made in () if self._settled else _variants(layer, calls):
            self._starts.note(own, base_class(made.target), self._is_network)

    def calls(self, layer: Node, access: ast.expr, calls: Call | Case[Call]) -> list[ast.stmt]:
        """The calls that start what the loop over all modules does not.

        Raises :class:`Diverges` where layers that the class may be given start in other ways.
        """
        first, *others = [
            self._calls(own, access, base_class(made.target))
            for own, made in _variants(layer, calls)
        ]
        if isinstance(layer.op, Chosen):
            written = ast.dump(ast.Module(first, []))
            if any(ast.dump(ast.Module(other, [])) != written for other in others):
                raise Diverges(layer.op.choice)
        return first

    def _calls(self, layer: Node, access: ast.expr, target: str) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        parameters = layer.op.parameters(layer.source)
        is_frozen = bool(parameters) and all(each.role == "frozen" for each in parameters)
        if is_frozen:
            freeze = ast.Attribute(access, "requires_grad_")
            statements.append(ast.Expr(call(freeze, [ast.Constant(False)])))
        for parameter in parameters:
            tensor = _tensor(access, parameter)
            if parameter.role == "frozen" and not is_frozen:
                wants = ast.Attribute(tensor, "requires_grad")
                statements.append(assign(wants, ast.Constant(False)))
            if is_native(layer, parameter):
                continue
            made = init_call(parameter, layer.source, tensor)
            looped = self._starts.looped(target, parameter.name) if self._settled else None
            if looped is None:
                statements.append(ast.Expr(self._printer.call(made)))
            elif not same_call(in_loop(parameter, layer.source), looped):
                # The loop is over all modules, so what differs from it comes behind it.
                self.behind_loop.append(ast.Expr(self._printer.call(made)))
        return statements


def _tensor(access: ast.expr, parameter: Parameter) -> ast.expr:
    """A tensor of a module; to type checkers, a member of a row is any module, whose attributes may be modules."""
    if not isinstance(access, ast.Subscript):
        return ast.Attribute(access, parameter.name)
    is_learned = parameter.role in ("trained", "frozen")
    getter = "get_parameter" if is_learned else "get_buffer"
    return call(ast.Attribute(access, getter), [ast.Constant(parameter.name)])


def _variants(layer: Node, calls: Call | Case[Call]) -> Iterator[tuple[Node, Call]]:
    """What a layer may be: by the cases that its calls fall into, or one of those that the class is given."""
    if isinstance(layer.op, Chosen):
        yield from options(layer, module_of).values()
    else:
        yield from ((layer, made) for made in answers(calls))
