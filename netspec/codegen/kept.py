"""Arguments that generated functions keep: they may not decide what the functions are made of.

Source is written once, for every value of such an argument. What hangs on the value otherwise than by a
formula is refused at its place, since source could follow one value alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from netspec.codegen.cases import DecidedByKept
from netspec.errors import Diagnostic, NetspecError, by_position
from netspec.ir import Program
from netspec.ir.template import (
    Guard,
    Template,
    Templates,
    deciding,
    family_templates,
    guards_of,
)


def source_templates(
    programs: Sequence[Program],
    accept: Callable[[Template], None],
    accept_family: Callable[[Template], None],
) -> Templates:
    """The templates that source is printed from; for the arguments see :func:`family_templates`.

    Raises:
        NetspecError: something is decided by an argument that stays one.
    """
    found = family_templates(programs, accept, accept_family, choose=True)
    guards = guards_of(found)
    for program in programs:
        guards += [Guard("the size of an input", "", span) for span in program.kept_inputs]
    if guards:
        raise refusal(guards, programs[0])
    return found


@contextmanager
def refusing(program: Program) -> Iterator[None]:
    """Within, an argument that decides what an op becomes is refused at its place."""
    try:
        yield
    except DecidedByKept as decided:
        raise refusal([decided.guard], program) from None


def refusal(guards: Iterable[Guard], program: Program) -> NetspecError:
    """The error of what arguments decide, once for each place."""
    found = [
        Diagnostic(
            "NS704",
            f"source is written for every value of {names}, and {what} depends on it here",
            span,
            f"take {names} out of `arguments`, or do without it here",
        )
        for (what, span), names in deciding(guards, program).items()
    ]
    return NetspecError(sorted(found, key=by_position))
