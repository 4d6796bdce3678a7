"""A class of modules, in PyTorch source."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from netspec.backends.torch.helpers import FACTORY
from netspec.codegen.classes import Argument
from netspec.codegen.nodes import call, class_, function, parameter


def module_class(
    name: str,
    doc: str | None,
    arguments: Sequence[Argument],
    ahead: Sequence[ast.stmt],
    registration: Sequence[ast.stmt],
    methods: Sequence[ast.stmt],
    attributes: Sequence[ast.stmt] = (),
    row: Sequence[ast.expr] | None = None,
) -> ast.stmt:
    """A class of modules, or of a ``row`` of them; what stands ``ahead`` knows nothing of the module."""
    start = ast.Expr(call(ast.Attribute(call("super"), "__init__"), row or ()))
    parameters = [(parameter("self"), None), *(each.declared(FACTORY) for each in arguments)]
    none = ast.Constant(None)
    body = [start, *ahead, *registration] if row is None else [*ahead, start, *registration]
    inits = [function("__init__", parameters, body, returns=none)] if len(body) > 1 or row else []
    base = "nn.Module" if row is None else "nn.Sequential"
    return class_(name, base, doc, [*attributes, *inits, *methods])


def forward_of(inputs: Sequence[str], body: Sequence[ast.stmt], result: ast.expr) -> ast.stmt:
    """The method ``forward``, which takes tensors called ``inputs`` and returns ``result``, a type."""
    tensors = [(parameter(name, "Tensor"), None) for name in inputs]
    return function("forward", [(parameter("self"), None), *tensors], body, returns=result)
