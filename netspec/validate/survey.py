"""What concerns a whole network and not one step: colliding names, the number of parameters, dead steps.

Blocks that were expanded once for several places (:mod:`netspec.validate.checker`) are looked at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from netspec import tree
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.check import NamedNode, check_names, named_node, too_many_parameters
from netspec.elaborate.liveness import check_liveness
from netspec.errors import Span
from netspec.ir.from_tree import program_of


@dataclass(frozen=True)
class Content:
    """What a subtree holds, wherever it stands."""

    names: tuple[NamedNode, ...]
    parameters: int
    has_reference: bool


@dataclass
class Origin:
    """Where the body of a block was expanded first, and what it holds once that is known."""

    path: str
    content: Content | None = None


_ORIGINS: WeakKeyDictionary[tree.Sequence, Origin] = WeakKeyDictionary()


def remember_origin(block: tree.Block) -> None:
    """The block has been expanded where it stands; its body may come to stand elsewhere too."""
    _ORIGINS[block.body] = Origin(block.path)


class Survey:
    """Looks over the networks of a file, which are to stay within ``bounds``."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def check(self, network: tree.Network) -> None:
        """Raise :class:`NetspecError` for what is wrong with the network as a whole."""
        names: list[NamedNode] = []
        parameters, has_reference = 0, False
        for part in network.children:
            content = self._content(part, "", ())
            names += content.names
            parameters += content.parameters
            has_reference |= content.has_reference
        check_names(names)
        if parameters > self._bounds.parameters:
            raise too_many_parameters(self._bounds, self._last_straw(network))
        if has_reference:
            check_liveness(program_of(network))

    def _content(self, node: tree.Node, prefix: str, owners: tuple[str, ...]) -> Content:
        """What ``node`` holds.

        ``prefix`` is the path of the block around it, ``owners`` are the modules around it in that block.
        """
        names: list[NamedNode] = []
        parameters, has_reference = 0, isinstance(node, tree.Reference)
        path = getattr(node, "path", None)
        if path:
            names.append(named_node(node, path[len(prefix) :], owners))
            if names[0].is_module:
                owners = (*owners, names[0].path)
        if isinstance(node, tree.Layer):
            parameters = sum(p.count for p in node.op.parameters(node.source))
        elif isinstance(node, tree.Block):
            inside = self._body(node)
            names += [name.inside(names[0].path) for name in inside.names]
            parameters, has_reference = inside.parameters, inside.has_reference
        else:
            for child in node.children:
                inside = self._content(child, prefix, owners)
                names += inside.names
                parameters += inside.parameters
                has_reference |= inside.has_reference
        return Content(tuple(names), parameters, has_reference)

    def _body(self, block: tree.Block) -> Content:
        origin = _ORIGINS.setdefault(block.body, Origin(block.path))
        if origin.content is None:
            origin.content = self._content(block.body, f"{origin.path}.", ())
        return origin.content

    def _last_straw(self, network: tree.Network) -> Span | None:
        """The layer with which the parameters exceed the bound."""
        total = 0
        for layer in tree.layers(network):
            total += sum(p.count for p in layer.op.parameters(layer.source))
            if total > self._bounds.parameters:
                return layer.span
        return network.span
