"""What must hold of an elaborated network as a whole: names, size, and that nothing is without use."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from netspec.backends.names import flat_name
from netspec.elaborate.bounds import RAISE_PARAMETERS, Bounds
from netspec.elaborate.liveness import check_liveness
from netspec.errors import NetspecError, Span, fail
from netspec.ir import Program, Region
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


class _Named(NamedTuple):
    """What has a name.

    Attributes:
        path: its name, dots between the levels.
        span: where it stands.
        owner: the path of the innermost module around it that this path begins with; empty for none.
        is_module: whether what is called ``path.…`` has to stand inside it.
    """

    path: str
    span: Span | None
    owner: str
    is_module: bool


def check_names(program: Program) -> None:
    """Raise :class:`NetspecError` unless names are unique in every backend's spelling, and name nothing
    inside a module that does not stand there.
    """
    names: list[_Named] = []
    _find_names(program.main, (), names)
    seen: dict[str, str] = {}
    for path, span, _, _ in names:
        flat = flat_name(path)
        if flat in program.input_names:
            what = f"`{path}` has the name of the input `{flat}`, once dots are underscores"
            raise fail("NS227", what, span, path=path)
        if flat in seen:
            raise _name_collision(path, seen[flat], span)
        seen[flat] = path
    modules = {node.path for node in names if node.is_module}
    holders = {"": ""}
    for path, span, owner, _ in names:
        holder = _holder(path.rpartition(".")[0], modules, holders)
        if holder != owner:
            what = f"`{path}` would be a part of `{holder}`, in which it does not stand"
            raise fail("NS227", what, span, path=path)


def _holder(path: str, modules: Collection[str], known: dict[str, str]) -> str:
    """The innermost module that ``path`` names or stands in; empty for none. Those found are ``known``."""
    above: list[str] = []
    while path not in known and path not in modules:
        above.append(path)
        path = path.rpartition(".")[0]
    holder = known.get(path, path)
    known.update(dict.fromkeys(above, holder))
    return holder


def _find_names(region: Region, owners: tuple[str, ...], found: list[_Named]) -> None:
    """Find what has a name in a region, inside the modules ``owners``, outermost first, a dot behind each.

    What merges the parts of a combinator comes ahead of them.
    """
    items = region.items
    if region.kind in ("residual", "gate", "branches"):
        items = (items[-1], *items[:-1])
    for item in items:
        path, inner = item.path, owners
        if path:
            if isinstance(item, Region):
                is_module = item.kind == "block"
            else:
                is_module = not item.op.is_function
            owner = next((name for name in reversed(owners) if path.startswith(name)), "")
            found.append(_Named(path, item.span, owner[:-1], is_module))
            inner = (*owners, f"{path}.") if is_module else owners
        if isinstance(item, Region):
            _find_names(item, inner, found)


def _name_collision(path: str, other: str, span: Span | None) -> NetspecError:
    """The error for a path that is an earlier one once it is a name of a Keras layer."""
    what = f"two layers are named `{path}`"
    if other != path:
        what = f"`{path}` and `{other}` are one name once dots become underscores"
    return fail("NS227", what, span, path=path)
