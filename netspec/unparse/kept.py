"""Which parameters of a spec stay parameters in what is written of its network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from netspec.errors import UsageError, did_you_mean
from netspec.ir import Program
from netspec.lang.schema.syntax import Param


def with_kept(
    program: Program, params: Mapping[str, Param], keep: Collection[str]
) -> tuple[Program, dict[str, str]]:
    """The program whose arguments are the parameters to keep, and what these are for.

    Raises :class:`UsageError` where there is no such parameter, or it is no number.
    """
    for name in keep:
        if name not in params:
            known = ", ".join(f"`{each}`" for each in params) or "none"
            hint = did_you_mean(name, params) or f"it has {known}"
            raise UsageError(f"`{program.name}` has no parameter `{name}`; {hint}")
        if not params[name].is_number:
            numbers = ", ".join(f"`{each}`" for each, param in params.items() if param.is_number)
            known = f"numbers are {numbers}" if numbers else "it has no numbers"
            raise UsageError(f"`{name}` is no number, and cannot be kept; {known}")
    kept = {name: program.main.arguments[name] for name in params if name in keep}
    return replace(program, arguments=kept), {name: params[name].doc for name in kept}
