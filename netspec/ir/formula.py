"""Formulas: what the spec says a number is made of, kept as syntax beside the number itself.

Numbers stay plain: a formula is never computed along with them. The elaborator notes, once for each place
in the text, what was written there and whose names it uses; everything else is worked out when somebody
asks. Names are qualified by the scope that they belong to, ``bottleneck.width`` for a parameter of that
block and ``.classes`` for one of the network, so that what is written in one block can stand in another,
as steps in a slot do. ``channels`` and ``size`` belong to no scope: they are what enters the step.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from netspec.lang.expression.expr import CONSTANT_NAMES, Expression

Indices = Mapping[str, int]
"""Values of the names that count (`index`, `stage`, …), by qualified name, where a step was expanded."""

NO_INDICES: Indices = MappingProxyType({})


def no_indices() -> Indices:
    """Where nothing counts."""
    return NO_INDICES


NETWORK_SCOPE = ""
"""The scope of a spec's own names."""

HERE = frozenset(("channels", "size"))
"""Names of what enters the step, in every scope."""


@dataclass(frozen=True, eq=False)
class Formula:
    """An expression as written, and the scope that its names belong to.

    Attributes:
        written: the expression's syntax.
        scope: the name of the block whose names it uses; empty for the network's own.
    """

    written: ast.expr
    scope: str

    @cached_property
    def node(self) -> ast.expr:
        """The syntax with qualified names; nobody changes it."""
        return _qualified(self.written, self.scope)

    @cached_property
    def names(self) -> frozenset[str]:
        """The qualified names that the formula mentions."""
        functions = {id(n.func) for n in ast.walk(self.node) if isinstance(n, ast.Call)}
        found = (n for n in ast.walk(self.node) if isinstance(n, ast.Name))
        return frozenset(
            n.id for n in found if id(n) not in functions and n.id not in CONSTANT_NAMES
        )

    @cached_property
    def key(self) -> str:
        """Equal for formulas that say the same."""
        return ast.dump(self.node)

    def evaluate(self, environment: Mapping[str, Any]) -> Any:
        """The value where qualified names have these values, which may vary.

        Raises:
            NetspecError: a name has no value, or the arithmetic fails.
            Diverges: the value depends on a decision that instances take differently.
        """
        return self._expression.evaluate(environment)

    def written_out(self, environment: Mapping[str, Any]) -> ast.expr | None:
        """The formula of the value, with every step that rounds left to be done; None without one."""
        return self._expression.written_out(environment)

    @cached_property
    def _expression(self) -> Expression:
        return Expression(ast.unparse(self.written), self.node)

    def __str__(self) -> str:
        return ast.unparse(self.node)


def qualify(scope: str, name: str) -> str:
    """A name of a scope as formulas mention it."""
    return name if name in HERE else f"{scope}.{name}"


def _qualified(node: ast.expr, scope: str) -> ast.expr:
    match node:
        case ast.Name(id=name):
            return node if name in CONSTANT_NAMES else ast.Name(qualify(scope, name), ast.Load())
        case ast.Call(func=function, args=args):
            return ast.Call(function, [_qualified(each, scope) for each in args], [])

    def inner(value: Any) -> Any:
        if isinstance(value, list):
            return [inner(item) for item in value]
        return _qualified(value, scope) if isinstance(value, ast.expr) else value

    return type(node)(**{name: inner(value) for name, value in ast.iter_fields(node)})


class Formulas(Mapping[str, Formula]):
    """The formulas of one place in the text by attribute or argument, read when they are asked for.

    All instances of the place share the object. What has no formula, such as steps, is not in it.
    """

    __slots__ = ("_found", "_groups", "_names", "_without")
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(self, *groups: tuple[Mapping[str, Any], str, Callable[[str, Any], Any]]) -> None:
        """Each group is what was written by name, its scope, and what makes syntax of it.

        Later groups go ahead of earlier ones where both have a name.
        """
        self._groups = groups
        self._found: dict[str, Formula] | None = None
        self._names: frozenset[str] | None = None
        self._without: dict[str, Formulas] = {}

    def without(self, name: str) -> Formulas:
        """These but for one; one object for all that share this one."""
        if name not in self._without:
            groups = (
                ({key: value for key, value in written.items() if key != name}, scope, read)
                for written, scope, read in self._groups
            )
            self._without[name] = Formulas(*groups)
        return self._without[name]

    @property
    def _formulas(self) -> Mapping[str, Formula]:
        if self._found is None:
            self._found = {}
            for written, scope, read in self._groups:
                for name, value in written.items():
                    self._found.pop(name, None)
                    node = read(name, value)
                    if node is not None:
                        self._found[name] = Formula(node, scope)
        return self._found

    @property
    def names(self) -> frozenset[str]:
        """The qualified names that any of the formulas mentions."""
        if self._names is None:
            self._names = frozenset[str]().union(*(f.names for f in self._formulas.values()))
        return self._names

    def __getitem__(self, name: str) -> Formula:
        return self._formulas[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._formulas)

    def __len__(self) -> int:
        return len(self._formulas)


NO_FORMULAS = Formulas()


IN_CHANNELS, IN_SIZE = "in_channels", "in_size"
"""Names of what enters a block, or the network."""
