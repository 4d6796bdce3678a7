"""Layers that a class of source is given: what the class makes of them, and what its callers pass."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netspec.codegen.calls import Call, same_call, varies
from netspec.codegen.cases import by_cases
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.nodes import call
from netspec.codegen.printing import Factories, Printer
from netspec.ir import Node
from netspec.ir.template.chosen import Chosen
from netspec.lang.expression.symbolic import Diverges, Varying, only
from netspec.ops import Op

PARTIAL = "partial"
"""The function of `functools` that binds what a layer, or a block's function, is given besides."""


def options(node: Node, make: Callable[[Node], Call]) -> dict[Op, tuple[Node, Call]]:
    """What a layer that is chosen may be, each with its call.

    Raises :class:`Diverges` where a backend makes more of one than a call.
    """
    assert isinstance(node.op, Chosen)
    found: dict[Op, tuple[Node, Call]] = {}
    for op, shapes in node.op.options.items():
        own = dataclasses.replace(node, op=op)
        with only(shapes):
            made = by_cases(make, own)
        if not isinstance(made, Call):
            raise Diverges(node.op.choice)
        found[op] = (own, made)
    return found


def chosen_call(node: Node, make: Callable[[Node], Call], printer: Printer) -> Call:
    """The call of the argument that is given a layer; notes what callers pass.

    The last positional arguments that all calls share, such as the channels of a normalisation, are the
    class's to give. Raises :class:`Diverges` where what is left is no constant.
    """
    assert isinstance(node.op, Chosen)
    choice = node.op.choice
    calls = {op: made for op, (_, made) in options(node, make).items()}
    first, *others = calls.values()
    if not others:
        return first
    shared = _shared([made.args for made in calls.values()])
    count = len(shared)
    own = {op: Call(m.target, m.args[: len(m.args) - count], m.kwargs) for op, m in calls.items()}
    if any(map(_is_special, own.values())):
        raise Diverges(choice)
    give(choice, {op: _factory(made, printer) for op, made in own.items()}, printer)
    return Call(argument_of(node.op), shared)


def argument_of(op: Chosen) -> str:
    """The argument for a layer that is chosen, as source calls it."""
    assert isinstance(op.choice.node, ast.Name)
    return safe_identifier(op.choice.node.id)


def give(choice: Varying, passed: Mapping[Op, ast.expr], printer: Printer) -> None:
    """Note what callers pass for a layer that is chosen.

    Raises :class:`Diverges` where another place needs that they pass something else.
    """
    assert isinstance(choice.node, ast.Name)
    printer.source(choice)
    known = printer.factories.setdefault(choice.node.id, {})
    for option, node in passed.items():
        if ast.dump(known.setdefault(option.key, node)) != ast.dump(node):
            raise Diverges(choice)


def hand_on(arguments: Mapping[str, Any], factories: Factories, printer: Printer) -> None:
    """Note the same for what a class is given and gives a block inside, which has ``factories``.

    Args:
        arguments: what the block is given.
        factories: what its own callers pass.
        printer: notes it for the class.
    """
    for name, passed in factories.items():
        value = arguments[name]
        if isinstance(value, Varying):
            ops = [op for op in value.values if op is not None]
            give(value, {op: passed[op.key] for op in ops}, printer)


def _shared(found: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The last arguments, as many as all calls have in common."""
    count = 0
    for column in zip(*map(reversed, found), strict=False):
        if not all(same_call(value, column[0]) for value in column):
            break
        count += 1
    return found[0][len(found[0]) - count :]


def _is_special(made: Call) -> bool:
    """Whether a call has arguments that vary, or that are calls: a layer's own, which none may share."""
    given = (*made.args, *made.kwargs.values())
    return varies(made) or any(isinstance(value, Call) for value in given)


def _factory(made: Call, printer: Printer) -> ast.expr:
    """What makes the layer of a call: its class, or a partial call of it."""
    node = printer.call(made)
    assert isinstance(node, ast.Call)
    if not node.args and not node.keywords:
        return node.func
    printer.targets.add(PARTIAL)
    return call(PARTIAL, [node.func, *node.args, *node.keywords])
