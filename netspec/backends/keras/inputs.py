"""Keras source of what a network's inputs are: the arguments for their shapes, and which shapes there may be."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from netspec.backends.keras.plan import (
    depends_on_size,
    lowered_ops,
    model_input_names,
    what_depends_on_size,
)
from netspec.codegen.nodes import Parameter, assign, call, constant, if_, parameter, reads
from netspec.codegen.printing import Printer
from netspec.ir import Program
from netspec.ir.template import Template

SHAPE = "tuple[int | None, ...]"
"""The type of a shape, as it is written."""


def inputs_of(program: Program) -> list[tuple[str, str, str]]:
    """For each input its variable, the argument that has its shape, and what Keras calls it."""
    names = model_input_names(program)
    if not program.input_names:
        return [("inputs", "input_shape", names[0])]
    own = program.input_names
    return [(name, f"{name}_shape", called) for name, called in zip(own, names, strict=True)]


def shapes_of(program: Program, template: Template, printer: Printer) -> dict[str, ast.expr]:
    """The shape that the spec has for each input, by its argument; channels may be another's number.

    Sizes in which networks of a template differ are those of ``program``.
    """
    pairs = zip(template.entering, program.inputs, strict=True)
    shapes = [(*own.type.size, value.type.channels) for value, own in pairs]
    arguments = [argument for _, argument, _ in inputs_of(program)]
    return {argument: printer.value(s) for argument, s in zip(arguments, shapes, strict=True)}


def given_shapes(shapes: Mapping[str, ast.expr]) -> list[ast.stmt]:
    """Shapes that hang on other arguments, where the caller gives none."""
    return [
        assign(argument, ast.BoolOp(ast.Or(), [ast.Name(argument), shape]))
        for argument, shape in shapes.items()
        if reads(shape)
    ]


def shape_parameter(argument: str, shape: ast.expr) -> Parameter:
    """The argument for a shape; it may be left out where it hangs on others."""
    if reads(shape):
        return parameter(argument, f"{SHAPE} | None"), constant(None)
    return parameter(argument, SHAPE), shape


def tied_to(program: Program) -> list[tuple[str, tuple[Any, ...], str]]:
    """Inputs whose size padding, or the factor of a `resize`, was worked out for: argument, size and what."""
    tied = [op for op in lowered_ops(program.nodes) if depends_on_size(op)]
    if not tied:
        return []
    what = "padding" if "padding" in map(what_depends_on_size, tied) else "resizing"
    return [
        (argument, (*value.type.size,), what)
        for (_, argument, _), value in zip(inputs_of(program), program.inputs, strict=True)
    ]


def size_check(program: Program) -> list[ast.stmt]:
    """Refuse other sizes than those that the spec's network is tied to."""
    checks: list[ast.stmt] = []
    for argument, size, what in tied_to(program):
        text = ast.Constant(f"the {what} is for a size of {size} in {argument} only")
        ahead = ast.Slice(upper=ast.UnaryOp(ast.USub(), ast.Constant(1)))
        given = call("tuple", [ast.Subscript(ast.Name(argument), ahead)])
        test = ast.Compare(given, [ast.NotEq()], [constant(size)])
        checks.append(if_(test, [ast.Raise(call("ValueError", [text]))]))
    return checks
