"""The verifier of the IR: what every later stage may rely on."""

from __future__ import annotations

from netspec import ir
from netspec.errors import InternalError, fail
from netspec.ops import OpError

MAX_PARAMETERS = 10**12


def check_network(network: ir.Network) -> None:
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
            if total > MAX_PARAMETERS:
                raise fail("NS505", f"more than {MAX_PARAMETERS:,} parameters", node.span)


def _check_names(network: ir.Network) -> None:
    seen: dict[str, str] = {}
    for node in ir.walk(network):
        path = getattr(node, "path", None)
        if not path:
            continue
        flat = ir.flat_name(path)
        if flat in seen:
            other = seen[flat]
            what = f"two layers are named `{path}`"
            if other != path:
                what = f"`{path}` and `{other}` are one name once dots become underscores"
            raise fail("NS227", what, node.span, path=path)
        seen[flat] = path


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
            raise InternalError(
                f"{getattr(item, 'path', item)}: {current} enters, {item.source} expected"
            )
        current = item.target
    if row and current.shape != node.target.shape:
        raise InternalError(
            f"{getattr(node, 'path', node)}: {current} leaves, {node.target} expected"
        )
