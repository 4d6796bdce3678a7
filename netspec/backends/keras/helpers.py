"""Keras source of what makes the stages of several networks: a function for stages of one pattern."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.backends.keras.lowered import channels_of
from netspec.backends.keras.passes import TENSOR
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.codegen.classes import Argument, SourceClass
from netspec.codegen.family import Style
from netspec.codegen.helper import INDEX, Helper
from netspec.codegen.nodes import Parameter, annotation, assign, for_, function, parameter
from netspec.codegen.printing import Printer

FACTORY = "Callable[..., layers.Layer]"
"""The type of an argument that makes a layer, as it is written."""

STACK = "stack"
"""What the function is called, as in keras.applications."""


def block_type(kinds: Sequence[SourceClass]) -> str:
    """The type of a parameter whose value is one of these functions."""
    return f"Callable[..., {TENSOR}]"


STYLE = Style(
    takes_channels=False,
    block_type=block_type,
    channels_of=channels_of,
    share=None,
    takes_depths=False,
)
"""The networks bind what they give to all blocks alike to the block's function."""


def declared_as(argument: Argument) -> Parameter:
    """An argument as a function declares it."""
    return argument.declared(FACTORY)


def stack(helper: Helper) -> ast.stmt:
    """The function: blocks in a row, each under the name of the stage and its own."""
    printer = Printer(SIGNATURE_DEFAULTS)
    declared = [(parameter("x", TENSOR), None), *map(declared_as, helper.parameters)]
    names = {"name": ast.Name("name")}
    x = ast.Name("x")
    named = helper.block_name("{name}_", **names)
    body: list[ast.stmt]
    if helper.has_first and helper.has_last:
        block = helper.block_call(printer, "each", [x], name=named)
        body = [for_(INDEX, helper.numbers(), [assign("x", block)]), ast.Return(x)]
    else:
        loop = helper.numbers(int(helper.has_first), int(helper.has_last))
        rest = helper.block_call(printer, "rest", [x], name=named)
        body = [for_(INDEX, loop, [assign("x", rest)])]
        if helper.has_first:
            own = helper.first_name("{name}_", **names)
            body.insert(0, assign("x", helper.block_call(printer, "first", [x], name=own)))
        last: ast.expr = x
        if helper.has_last:
            own = helper.last_name("{name}_", **names)
            last = helper.block_call(printer, "last", [x], name=own)
        body.append(ast.Return(last))
    doc = "The blocks of a stage, in a row."
    return function(
        helper.name,
        declared,
        body,
        doc=doc,
        returns=annotation(TENSOR),
        by_keyword=[(parameter("name", "str"), None)],
    )
