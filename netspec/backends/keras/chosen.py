"""Layers that a function of source is given: an activation by its name, another by its class."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from netspec.backends.keras.lowered import Lowered, Made, is_layer
from netspec.backends.keras.plan import lower
from netspec.codegen.calls import Call
from netspec.codegen.cases import Case, by_cases
from netspec.codegen.factories import argument_of, chosen_call, give, options
from netspec.codegen.nodes import filled
from netspec.codegen.printing import Printer
from netspec.ir import Node
from netspec.ir.template.chosen import Chosen
from netspec.ir.template.data import Column
from netspec.lang.expression.symbolic import Diverges, Varying
from netspec.ops import Op

_NAMED: Mapping[str, str] = {"layers.ReLU": "relu", "layers.Softmax": "softmax"}
"""What `layers.Activation` calls what has a layer of its own."""


def calls_of(layer: Node, printer: Printer) -> Lowered | Case[Lowered]:
    """The calls of a layer of a template, which may be one that the function is given."""
    if not isinstance(layer.op, Chosen):
        return by_cases(lower, layer)
    held = (each for op in layer.op.options for each in op.parameters(layer.source))
    if any(parameter.role == "frozen" for parameter in held):
        raise Diverges(layer.op.choice)  # what is frozen is no matter of how a layer is made
    names = _activations(layer)
    if names is None:
        made = chosen_call(layer, _single, printer)
        return (("", Made(made.target, made.args, made.kwargs)),)
    give(layer.op.choice, {op: ast.Constant(name) for op, name in names.items()}, printer)
    return (("", Call("layers.Activation", (ast.Name(argument_of(layer.op)),))),)


def varied_name(layer: Node, paths: Column[str]) -> ast.expr:
    """The name of a layer that is called otherwise in other instances: after the activation that it is.

    Raises :class:`Diverges` where that is not all that differs.
    """
    op = layer.op
    if isinstance(op, Chosen):
        words = {
            i: name for each, name in (_activations(layer) or {}).items() for i in op.options[each]
        }
        rests = {paths[i].removeprefix(word) for i, word in words.items()}
        if len(rests) == 1 and all(paths[i].startswith(word) for i, word in words.items()):
            own = ast.Name(argument_of(op))
            return filled(f"{{name}}_{{own}}{rests.pop()}", name=ast.Name("name"), own=own)
    values = tuple(paths.get(i) for i in range(1 + max(paths)))
    raise Diverges(Varying(None, values, False))


def _single(layer: Node) -> Any:
    """The one call of a layer; all of them where there are several."""
    lowered = lower(layer)
    (_, made), *others = lowered
    return made if not others and is_layer(made) else lowered


def _activations(layer: Node) -> Mapping[Op, str] | None:
    """What `layers.Activation` calls each of the ops; None where it lacks one."""
    found: dict[Op, str] = {}
    for op, (_, made) in options(layer, _single).items():
        match made:
            case Call(target="layers.Activation", args=(str(word),), kwargs={**other}) if not other:
                found[op] = word
            case Call(target=target, args=(), kwargs={**other}) if target in _NAMED:
                if other != _KEYWORDS.get(target, {}):
                    return None
                found[op] = _NAMED[target]
            case _:
                return None
    return found


_KEYWORDS: Mapping[str, Mapping[str, Any]] = {"layers.Softmax": {"axis": -1}}
