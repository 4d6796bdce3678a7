"""What kept arguments decide of a program, and which of them it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from netspec.errors import Span
from netspec.ir.program import Program
from netspec.ir.template.data import Guard
from netspec.ir.template.divide import Templates, templates


def guards_of(found: Templates) -> list[Guard]:
    """The guards of all templates."""
    return [guard for each in (*found.networks, *found.blocks) for guard in each.guards]


def deciding(guards: Iterable[Guard], program: Program) -> Mapping[tuple[str, Span | None], str]:
    """The names of the kept arguments behind ``guards``, in words, by what is decided and where.

    Those are named that decide it where no other is kept; all, where none does.
    """
    found: dict[tuple[str, Span | None], dict[str, None]] = {(g.what, g.span): {} for g in guards}
    for name, value in program.arguments.items():
        for guard in guards_of(templates(replace(program, arguments={name: value}))):
            found.get((guard.what, guard.span), {})[name] = None
    return {
        key: " or ".join(f"`{name}`" for name in names or program.arguments)
        for key, names in found.items()
    }
