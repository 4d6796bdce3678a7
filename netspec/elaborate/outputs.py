"""What a network takes and gives, by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping

from netspec.elaborate.scope import check_declared
from netspec.errors import Span, did_you_mean, fail
from netspec.ir import Value
from netspec.lang.expression.expr import Expression
from netspec.lang.schema.syntax import Output, Spec

OWN = "output"
"""What the head's result is called, in specs and by models of a network that names it no other way."""

_SOURCE = {
    *(OWN, "outputs", "inputs", "input_shape", "self", "model", "blocks", "shortcut"),
    *("keras", "layers", "initializers", "ops", "partial", "math", "torch", "nn", "F", "Tensor"),
}
_VARIABLE = r"y\d*|[zuvw]|branch\d*"
"""What generated functions call other things than their inputs, which they need to the end."""


def check_output(name: str, output: Output, known: Collection[str]) -> None:
    """Raise :class:`NetspecError` unless an output may be called ``name`` and is a result that is ``known``."""
    if name == OWN:
        message = f"`{OWN}` is the name of the network's own result"
        raise fail("NS214", message, output.key_span)
    if output.result not in known and output.result != OWN:
        raise fail(
            "NS214",
            f"output `{name}` takes `{output.result}`, which is no stage and no named result",
            output.span,
            help=did_you_mean(output.result, {*known, OWN}),
        )


def check_input_name(name: str, span: Span, declared: Collection[str]) -> None:
    """Raise :class:`NetspecError` unless an input may have this name, by which models are called.

    ``declared`` are the names of parameters and values, beside which the name stands in source.
    """
    check_declared(name, span, "input")
    if name in _SOURCE or re.fullmatch(_VARIABLE, name):
        raise fail("NS223", f"input `{name}` hides a name of generated source", span)
    if name in declared or f"{name}_shape" in declared:
        found = name if name in declared else f"{name}_shape"
        raise fail("NS223", f"input `{name}` hides the parameter or value `{found}`", span)


def kept_inputs(spec: Spec) -> tuple[Span | None, ...]:
    """Where the inputs behind the first depend on an argument that generated functions keep."""
    kept = set(spec.arguments)
    for name, value in spec.let.items():
        if _names(value) & kept:
            kept.add(name)
    numbers = (n for each in spec.more_inputs.values() for n in (each.channels, *each.size))
    return tuple(number.span for number in numbers if _names(number) & kept)


def _names(expression: Expression) -> set[str]:
    return {node.id for node in ast.walk(expression.node) if isinstance(node, ast.Name)}


def outputs_of(
    outputs: Mapping[str, Output],
    known: Mapping[str, Value],
    own: Value,
    inputs: Collection[str] = (),
) -> dict[str, Value]:
    """The values that a network gives, by name.

    Args:
        outputs: what the spec names; what :func:`check_output` refuses is left out.
        known: the results of stages and steps, by name. One that the spec itself calls ``output`` is meant
            by that word ahead of the head's.
        inputs: the names among them that are inputs, and no results.
        own: the head's result. It comes last, unless some other name gives it in evaluation too.
    """
    results = {OWN: own, **known}
    found = {
        name: results[output.result]
        for name, output in outputs.items()
        if name != OWN and output.result in results and output.result not in inputs
    }
    if not any(found[name] is own for name in found if not outputs[name].is_training):
        found[OWN] = own
    return found
