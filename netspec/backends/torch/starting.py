"""How the parameters of a class of generated source start, where modules do not start them so by themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.rows import module_of
from netspec.backends.torch.starts import Starts, base_class
from netspec.codegen.calls import Call, varies
from netspec.codegen.cases import Case, answers
from netspec.codegen.factories import options
from netspec.codegen.nodes import dotted
from netspec.codegen.printing import Printer
from netspec.ir import Node
from netspec.ir.template.chosen import Chosen
from netspec.lang.expression.symbolic import Diverges


class StartWriter:
    """Takes down how parameters start while classes are formed, and writes what is left to the classes.

    Args:
        printer: prints calls.
        starts: what is known of the whole network.
        settled: whether that is complete.
    """

    def __init__(self, printer: Printer, starts: Starts, settled: bool) -> None:
        self._printer = printer
        self._starts = starts
        self._settled = settled

    def note(self, layer: Node, calls: Call | Case[Call]) -> None:
        """Take down a layer."""
        for own, made in () if self._settled else _variants(layer, calls):
            target = base_class(made.target)
            self._starts.modules[target] += 1
            for parameter in own.op.parameters(own.source):
                if is_native(own, parameter):
                    self._starts.note(target, parameter.name, None, False)
                    continue
                start = init_call(parameter, own.source, dotted(f"module.{parameter.name}"))
                self._starts.note(target, parameter.name, start, varies(start))

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
        for parameter in layer.op.parameters(layer.source):
            if is_native(layer, parameter):
                continue
            if self._settled and self._starts.is_uniform(target, parameter.name):
                continue
            made = init_call(parameter, layer.source, ast.Attribute(access, parameter.name))
            statements.append(ast.Expr(self._printer.call(made)))
        return statements


def _variants(layer: Node, calls: Call | Case[Call]) -> Iterator[tuple[Node, Call]]:
    """What a layer may be: by the cases that its calls fall into, or one of those that the class is given."""
    if isinstance(layer.op, Chosen):
        yield from options(layer, module_of).values()
    else:
        yield from ((layer, made) for made in answers(calls))
