"""How nodes of the IR become modules: what is a `nn.Sequential`. Needs no PyTorch."""

from __future__ import annotations

from netspec.codegen.second import tree


def sequential_items(node: tree.Node) -> list[tree.Layer | tree.Block | tree.Choice] | None:
    """The items of a named sequence that is a `nn.Sequential`, in order; None where it is not one.

    That is so where it holds nothing but modules in a row, with indices from 0. In the general form of
    a block, a choice between modules at one index, or a module and none, is an item too.
    """
    if not isinstance(node, tree.Sequence) or node.path is None:
        return None
    items: list[tree.Layer | tree.Block | tree.Choice] = []
    for item in opened(node):
        path = f"{node.path}.{len(items)}"
        if isinstance(item, tree.Choice):
            if any(
                single(branch, path) is None for branch in (item.then, item.other) if branch.items
            ):
                return None
        elif not isinstance(item, tree.Layer | tree.Block) or item.path != path:
            return None
        items.append(item)
    return items or None


def single(node: tree.Sequence, path: str) -> tree.Layer | tree.Block | None:
    """The one module that a branch consists of, if it is called ``path``."""
    inside = opened(node)
    if len(inside) != 1 or not isinstance(inside[0], tree.Layer | tree.Block):
        return None
    return inside[0] if inside[0].path == path else None


def opened(node: tree.Sequence) -> list[tree.Node]:
    """The items of a sequence, unnamed sequences inside it opened."""
    items: list[tree.Node] = []
    for item in node.items:
        if isinstance(item, tree.Sequence) and item.path is None:
            items += opened(item)
        else:
            items.append(item)
    return items
