"""The verifier of the IR: what every later stage may rely on."""

from __future__ import annotations

from netspec import ir
from netspec.elaborate.bounds import RAISE_PARAMETERS, Bounds
from netspec.elaborate.liveness import check_liveness
from netspec.errors import InternalError, NetspecError, Span, fail
from netspec.ops import OpError


def check_network(network: ir.Network, bounds: Bounds) -> None:
    """Names must be unique in every backend's spelling; types must fit along every edge.

    Raises :class:`NetspecError` for colliding names and for sizes out of bounds, which a spec can
    cause, and :class:`InternalError` for a broken type, which only netspec can.
    """
    _check_names(network)
    total = 0
    for node in ir.walk(network):
        _check_edges(node)
        if isinstance(node, ir.Layer):
            total += sum(p.count for p in node.op.parameters(node.source))
            if total > bounds.parameters:
                raise too_many_parameters(bounds, node.span)
    check_liveness(network)


def too_many_parameters(bounds: Bounds, span: Span | None) -> NetspecError:
    """The error for a network beyond the bound on parameters."""
    message = f"more than {bounds.parameters:,} parameters"
    return fail("NS505", message, span, help=RAISE_PARAMETERS)


def _check_names(network: ir.Network) -> None:
    seen: dict[str, str] = {}
    for node in ir.walk(network):
        path = getattr(node, "path", None)
        if not path:
            continue
        flat = ir.flat_name(path)
        if flat in seen:
            raise name_collision(path, seen[flat], node.span)
        seen[flat] = path


def name_collision(path: str, other: str, span: Span | None) -> NetspecError:
    """The error for a path that is an earlier one once it is a name of a Keras layer."""
    what = f"two layers are named `{path}`"
    if other != path:
        what = f"`{path}` and `{other}` are one name once dots become underscores"
    return fail("NS227", what, span, path=path)


def _check_edges(node: ir.Node) -> None:
    if isinstance(node, ir.Layer):
        try:
            expected = node.op.infer(node.source)
        except OpError as error:
            raise InternalError(f"{node.path}: {node.op.kind}: {error.message}") from None
        if expected.shape != node.target.shape:
            raise InternalError(f"{node}: the op gives {expected}")
    row: tuple[ir.Node, ...] = ()
    if isinstance(node, ir.Sequence):
        row = node.items
    elif isinstance(node, ir.Network | ir.Stage):
        row = node.children
    current = node.source
    for item in row:
        if not isinstance(item, ir.Reference) and item.source.shape != current.shape:
            raise InternalError(f"{_name(item)}: {current} enters, {item.source} expected")
        current = item.target
    if row and current.shape != node.target.shape:
        raise InternalError(f"{_name(node)}: {current} leaves, {node.target} expected")


def _name(node: ir.Node) -> str:
    """The path of a node; its kind and place where it has none."""
    path = getattr(node, "path", None)
    return path or f"{type(node).__name__} at {node.span}"
