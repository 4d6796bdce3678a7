"""What must hold of an elaborated network as a whole: names, size, and that nothing is without use."""

from __future__ import annotations

from collections.abc import Collection

from netspec.elaborate.bounds import RAISE_PARAMETERS, Bounds
from netspec.elaborate.liveness import check_liveness
from netspec.errors import fail
from netspec.ir import Program
from netspec.ir.names import names_of
from netspec.ops import Op
from netspec.ops.types import TensorType


def check_network(program: Program, bounds: Bounds) -> None:
    """Names must be unique, all that is computed must be used, and the size must be within bounds.

    Raises :class:`NetspecError`.
    """
    check_names(program)
    counts: dict[tuple[Op, TensorType], int] = {}
    total = 0
    for layer in program.layers:
        key = (layer.op, layer.source)  # of equal blocks these are the same
        if key not in counts:
            counts[key] = sum(p.count for p in layer.op.parameters(layer.source))
        total += counts[key]
        if total > bounds.parameters:
            message = f"more than {bounds.parameters:,} parameters"
            raise fail("NS505", message, layer.span, help=RAISE_PARAMETERS)
    check_liveness(program)


def check_names(program: Program) -> None:
    """Raise :class:`NetspecError` unless names are unique, and name nothing inside a module that does not
    stand there.
    """
    names = names_of(program)
    seen: set[str] = set()
    for named in names:
        if named.path in seen:
            message = f"two layers are named `{named.path}`"
            raise fail("NS227", message, named.span, path=named.path)
        seen.add(named.path)
    modules = {named.path for named in names if named.is_module}
    holders = {"": ""}
    for named in names:
        around = named.path.rpartition(".")[0]
        holder = named.owner if around == named.owner else _holder(around, modules, holders)
        if holder != named.owner:
            what = f"`{named.path}` would be a part of `{holder}`, in which it does not stand"
            raise fail("NS227", what, named.span, path=named.path)


def _holder(path: str, modules: Collection[str], known: dict[str, str]) -> str:
    """The innermost module that ``path`` names or stands in; empty for none. Those found are ``known``."""
    above: list[str] = []
    while path not in known and path not in modules:
        above.append(path)
        path = path.rpartition(".")[0]
    holder = known.get(path, path)
    known.update(dict.fromkeys(above, holder))
    return holder
