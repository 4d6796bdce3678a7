"""The canonical form of a tree: the general form of a block is held against each of its instances by it."""

from __future__ import annotations

import dataclasses
from typing import Any

from netspec.codegen.second import tree
from netspec.symbolic import value_at

Canonical = list[Any]


def canonical(node: tree.Node, instance: int = 0, prefix: str = "") -> Canonical:
    """The canonical form of a node, plain enough for JSON.

    Of a block's general form (:mod:`netspec.codegen.general`) it is the form in one ``instance``:
    numbers and choices are taken there, and ``prefix`` is put ahead of the relative paths.
    """
    return _Canonical(instance, prefix).form(node)


class _Canonical:
    def __init__(self, instance: int, prefix: str) -> None:
        self.instance = instance
        self.prefix = prefix

    def form(self, node: tree.Node) -> Canonical:
        match node:
            case tree.Layer():
                return self._layer(node)
            case tree.Sequence():
                return ["sequence", self._path(node.path), *self._row(node)]
            case tree.Residual():
                return [
                    "residual",
                    self._path(node.path),
                    self.form(node.body),
                    self.form(node.shortcut),
                ]
            case tree.Gate():
                return ["gate", self._path(node.path), self.form(node.body)]
            case tree.Branches():
                return ["branches", self._path(node.path), node.merge, *map(self.form, node.paths)]
            case tree.Reference():
                return ["reference", self._path(node.path), node.merge, *node.names]
            case tree.Tap():
                return ["tap", node.name, self.form(node.body)]
            case tree.Choice():
                return self.form(self._taken(node))
            case tree.Block():
                return ["block", self._path(node.path), self.form(node.body)]
            case tree.Stage():
                inside = [self.form(child) for child in node.children]
                return ["stage", self._path(node.path), *inside]
            case tree.Network():
                return ["network", *(self.form(child) for child in node.children)]
        raise AssertionError(node)  # pragma: no cover

    def _row(self, node: tree.Sequence) -> list[Any]:
        """The items of a sequence, sequences without a path opened and choices taken."""
        forms: list[Any] = []
        for item in node.items:
            if isinstance(item, tree.Choice):
                item = self._taken(item)
            if isinstance(item, tree.Sequence) and item.path is None:
                forms += self._row(item)
            else:
                forms.append(self.form(item))
        return forms

    def _taken(self, choice: tree.Choice) -> tree.Sequence:
        return choice.then if value_at(choice.test, self.instance) else choice.other

    def _layer(self, layer: tree.Layer) -> Canonical:
        attributes = {
            field.name: self._plain(getattr(layer.op, field.name))
            for field in dataclasses.fields(layer.op)
        }
        return [layer.op.kind, self._path(layer.path), attributes, self._plain(layer.source.shape)]

    def _plain(self, value: Any) -> Any:
        value = value_at(value, self.instance)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            parts = {field.name: self._plain(getattr(value, field.name)) for field in fields}
            return {"type": type(value).__name__, **parts}
        if isinstance(value, tuple | list):
            return [self._plain(item) for item in value]
        return value

    def _path(self, path: str | None) -> str | None:
        return f"{self.prefix}{path}" if path else path
