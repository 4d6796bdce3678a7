"""Arguments that generated functions keep: they may not decide what the functions are made of.

Source is written once, for every value of such an argument. What hangs on the value otherwise than by a
formula is refused at its place, since source could follow one value alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from netspec.codegen.cases import DecidedByKept
from netspec.errors import Diagnostic, NetspecError, by_position
from netspec.expr import Expression
from netspec.ir import Program
from netspec.ir.template import Guard, Template, Templates, templates
from netspec.schema.syntax import Spec


def source_templates(program: Program, accept: Callable[[Template], None]) -> Templates:
    """The templates that source is printed from; for the arguments see :func:`templates`.

    Raises:
        NetspecError: something is decided by an argument that stays one.
    """
    found = templates(program, accept)
    guards = [guard for each in (found.network, *found.blocks) for guard in each.guards]
    if guards:
        raise refusal(guards, program)
    return found


def check_kept_inputs(spec: Spec, program: Program) -> None:
    """Raise :class:`NetspecError` where an input behind the first depends on an argument that stays one.

    Their types have no formulas, so that source would hold the number of one value alone.
    """
    kept = set(program.arguments)
    for name, value in spec.let.items():
        if _names(value) & kept:
            kept.add(name)
    guards = [
        Guard("the size of an input", "", expression.span)
        for each in spec.more_inputs.values()
        for expression in (each.channels, *each.size)
        if _names(expression) & kept
    ]
    if guards:
        raise refusal(guards, program)


def _names(expression: Expression) -> set[str]:
    return {node.id for node in ast.walk(expression.node) if isinstance(node, ast.Name)}


@contextmanager
def refusing(program: Program) -> Iterator[None]:
    """Within, an argument that decides what an op becomes is refused at its place."""
    try:
        yield
    except DecidedByKept as decided:
        raise refusal([decided.guard], program) from None


def refusal(guards: Iterable[Guard], program: Program) -> NetspecError:
    """The error of what arguments decide, once for each place."""
    names = " or ".join(f"`{name}`" for name in program.arguments)
    found = {
        (guard.what, guard.span): Diagnostic(
            "NS704",
            f"source is written for every value of {names}, and {guard.what} depends on it here",
            guard.span,
            f"take {names} out of `arguments`, or do without it here",
        )
        for guard in guards
    }
    return NetspecError(sorted(found.values(), key=by_position))
