"""Functions, padding, initialisers and bounds, from the code that computes them."""

from __future__ import annotations

import ast
import dataclasses
import typing
from typing import Any

from netspec.backends.keras.initial import initializer as keras_initializer
from netspec.backends.torch.initial import init_call as torch_initializer
from netspec.elaborate import bounds
from netspec.lang import source
from netspec.lang.expression import arithmetic, expr, magnitude
from netspec.lang.expression.symbolic import named, to_text
from netspec.lang.schema import fields
from netspec.ops import OPS, geometry, initializers
from netspec.ops.types import Parameter
from reference.catalogue import sample
from reference.words import code, flow, print_call, table


def functions() -> str:
    """The functions of expressions."""
    rows = [(code(name), arithmetic.FUNCTION_DOCS[name]) for name in arithmetic.FUNCTIONS]
    return table(("function", "meaning"), rows)


def limits() -> str:
    """The bounds of files, expressions and networks."""
    rows = [
        ("a file", f"{source.MAX_BYTES:,} bytes"),
        ("nesting of a file", f"{source.MAX_DEPTH} levels"),
        ("values in a file", f"{source.MAX_NODES:,}"),
        ("digits of a number", f"{source.MAX_DIGITS}"),
        ("an expression", f"{expr.MAX_LENGTH} characters"),
        ("nesting of an expression", f"{magnitude.MAX_DEPTH} levels"),
        ("a number that an expression gives", f"±{magnitude.MAX_MAGNITUDE:,}"),
        ("a list or text that an expression gives", f"{magnitude.MAX_ITEMS:,} items"),
        ("repetitions: blocks of a stage, `repeat`, `times`", f"{bounds.MAX_LAYERS:,}"),
        ("layers of a network", f"{bounds.MAX_LAYERS:,}"),
        ("parameters of a network, statistics included", f"{bounds.MAX_PARAMETERS:,}"),
        ("channels of a map", f"{bounds.MAX_CHANNELS:,}"),
        ("features of a vector", f"{bounds.MAX_FEATURES:,}"),
        ("length of an axis", f"{bounds.MAX_LENGTH:,}"),
        ("nesting of steps, blocks within blocks included", f"{bounds.MAX_NESTING} levels"),
    ]
    return table(("bound of", "at most"), rows)


def varying(name: str, *values: int) -> Any:
    """A number that prints as ``name`` in the formulas that are computed with it."""
    return named(name, values)


def padding() -> str:
    """What each padding rule adds to an axis, and the size that a window op gives."""
    size, kernel = varying("size", 32, 45), varying("kernel", 3, 7)
    stride, dilation = varying("stride", 2, 3), varying("dilation", 2, 4)
    pads = ((varying("before", 1, 2), varying("after", 2, 1)),)
    shown = {
        "symmetric": "`symmetric`",
        "same": "`same`",
        "valid": "`valid`",
        "explicit": "numbers",
    }
    rows = []
    for rule in typing.get_args(geometry.PaddingRule):
        chosen = geometry.Padding(rule, pads if rule == "explicit" else ())
        found = geometry.explicit_pads(chosen, [kernel], [dilation])
        (target,) = geometry.output_size([size], [kernel], [stride], [dilation], chosen)
        sides = (
            "as many as the output size needs, in all"
            if found is None
            else (" and ".join(dict.fromkeys(code(to_text(side)) for side in found[0])))
        )
        rows.append((shown[rule], sides, code(to_text(target))))
    return table(("padding", "added before and after an axis", "output size"), rows)


INITIALIZERS: tuple[Any, ...] = (
    *fields.PLAIN_INITS,
    0.5,
    {"constant": 0.5},
    *({name: "fan_out"} for name in fields.FAN_INITS),
    {"variance_scaling": {"scale": "1 / 3", "mode": "fan_in", "distribution": "uniform"}},
    {"variance_scaling": {"scale": 1, "mode": "fan_in", "distribution": "truncated_normal"}},
    *({name: 0.02} for name in fields.NUMBER_INITS if name != "constant"),
    {"uniform": "fan_in"},
)
"""One example of each way to write an initialiser."""


def initialisers() -> str:
    """Every initialiser as written, with what each backend is told for the weight of a convolution."""
    layer = sample(OPS["conv"])
    fans = (varying("fan_in", 9, 18), varying("fan_out", 18, 36))
    rows = []
    for written in INITIALIZERS:
        value = fields._init(written).evaluate({})
        parameter = Parameter(
            "weight", layer.op.parameters(layer.source)[0].shape, value, fans=fans
        )
        torch = torch_initializer(parameter, layer.source, ast.Name("weight"))
        keras = keras_initializer(parameter, layer)
        rows.append((code(flow(written)), code(print_call(torch)), code(print_call(keras))))
    return table(("written", "PyTorch", "Keras"), rows)


def distributions() -> str:
    """What each kind of initial values is."""
    kinds = typing.get_args(initializers.Initializer)
    rows = []
    for kind in kinds:
        parameters_of = ", ".join(field.name for field in dataclasses.fields(kind))
        rows.append(
            (f"{kind.__name__}({parameters_of})", " ".join(kind.__doc__.split()).replace("``", "`"))
        )
    return table(("distribution", "meaning"), rows)
