"""What must hold of an elaborated network as a whole: names, size, and that nothing is without use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from netspec import tree
from netspec.backends.names import flat_name
from netspec.elaborate.bounds import RAISE_PARAMETERS, Bounds
from netspec.elaborate.liveness import check_liveness
from netspec.errors import NetspecError, Span, fail
from netspec.ir import Program
from netspec.ir.check import check_program


def check_network(program: Program, bounds: Bounds) -> None:
    """The program must be sound, and its size within bounds.

    Raises :class:`NetspecError` for what a spec can cause: results that nothing uses, too many parameters;
    and :class:`InternalError` for what only netspec can.
    """
    total = 0
    for layer in program.layers:
        total += sum(parameter.count for parameter in layer.op.parameters(layer.source))
        if total > bounds.parameters:
            raise too_many_parameters(bounds, layer.span)
    check_liveness(program)
    check_program(program)


def check_paths(network: tree.Network) -> None:
    """Raise :class:`NetspecError` for names that collide; see :func:`check_names`."""
    check_names(list(_named(network)))


def too_many_parameters(bounds: Bounds, span: Span | None) -> NetspecError:
    """The error for a network beyond the bound on parameters."""
    message = f"more than {bounds.parameters:,} parameters"
    return fail("NS505", message, span, help=RAISE_PARAMETERS)


class NamedNode(NamedTuple):
    """A node that has a name.

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

    def inside(self, owner: str) -> NamedNode:
        """The same node of the module ``owner``, which its names are relative to."""
        inner = f"{owner}.{self.owner}" if self.owner else owner
        return self._replace(path=f"{owner}.{self.path}", owner=inner)


def named_node(node: tree.Node, path: str, owners: Sequence[str]) -> NamedNode:
    """A node called ``path``, inside the modules ``owners``, outermost first."""
    owner = next((owner for owner in reversed(owners) if path.startswith(f"{owner}.")), "")
    is_module = isinstance(node, tree.Layer | tree.Block | tree.Stage | tree.Sequence)
    return NamedNode(path, node.span, owner, is_module)


def check_names(names: Sequence[NamedNode]) -> None:
    """Raise :class:`NetspecError` unless names are unique in every backend's spelling, and name nothing
    inside a module that does not stand there.
    """
    seen: dict[str, str] = {}
    for path, span, _, _ in names:
        flat = flat_name(path)
        if flat in seen:
            raise name_collision(path, seen[flat], span)
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


def _named(node: tree.Node, owners: tuple[str, ...] = ()) -> Iterator[NamedNode]:
    path = getattr(node, "path", None)
    if path:
        found = named_node(node, path, owners)
        yield found
        if found.is_module:
            owners = (*owners, path)
    for child in node.children:
        yield from _named(child, owners)


def name_collision(path: str, other: str, span: Span | None) -> NetspecError:
    """The error for a path that is an earlier one once it is a name of a Keras layer."""
    what = f"two layers are named `{path}`"
    if other != path:
        what = f"`{path}` and `{other}` are one name once dots become underscores"
    return fail("NS227", what, span, path=path)
