"""Arguments that some instances have no use for: None says that what they are for is not there."""

from __future__ import annotations

from collections.abc import Mapping

from netspec.ir.template import Template
from netspec.lang.expression.symbolic import Varying, names_of


def presence(template: Template) -> Mapping[str, str]:
    """For flags the argument that is None exactly where the flag is false, which says it as well."""
    values = {name: parameter.value for name, parameter in template.parameters.items()}
    found: dict[str, str] = {}
    for flag, test in values.items():
        if isinstance(test, Varying) and not test.kept:
            told = [name for name, value in values.items() if _is_there(value) == test.values]
            if told:
                found[flag] = told[0]
    return found


def optional_arguments(template: Template) -> frozenset[str]:
    """The arguments that may be None: those that say so, and those that a block inside may be told so by."""
    passed = {
        name
        for call in template.calls.values()
        for value in call.arguments.values()
        if _is_there(value) is not None
        for name in names_of(value)
    }
    return frozenset({*presence(template).values(), *passed})


def _is_there(value: object) -> tuple[bool, ...] | None:
    """Where an argument has a value; None for one that has one everywhere."""
    if not isinstance(value, Varying) or value.kept or None not in value.values:
        return None
    return tuple(number is not None for number in value.values)
