"""Ops that other distributions bring, under the entry points ``netspec.ops``: checked before anything uses them."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Mapping

from netspec.ops.base import Op, attributes_of
from netspec.ops.words import COMBINATORS, META, ROLES
from netspec.plugins import broken, load, plugins

GROUP = "netspec.ops"


def with_plugins(own: Mapping[str, type[Op]]) -> dict[str, type[Op]]:
    """``own`` ops and those of other distributions; raises :class:`UsageError` for one that is broken."""
    found = dict(own)
    for name, point in plugins(GROUP).items():
        if name in own or name in (*META, *COMBINATORS, *ROLES):
            raise broken(point, "the language has this word itself")
        op = load(point)
        problem = _problem(name, op)
        if problem:
            raise broken(point, problem)
        found[name] = op
    return found


def _problem(name: str, op: object) -> str | None:
    """What makes ``op`` no op called ``name``."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        return "this is no name for an op: lower-case letters, digits and `_`"
    if not (isinstance(op, type) and issubclass(op, Op)):
        return "it is no class derived from `netspec.ops.Op`"
    if inspect.isabstract(op):
        return f"`{op.__name__}` lacks {', '.join(sorted(op.__abstractmethods__))}"
    if getattr(op, "kind", None) != name or not isinstance(getattr(op, "label", None), str):
        return f"`{op.__name__}` has to have `kind = {name!r}` and a `label`"
    try:
        attributes_of(op)
    except Exception as error:  # annotations are the distribution's own code
        return f"its attributes cannot be read: {type(error).__name__}: {error}"
    return None
