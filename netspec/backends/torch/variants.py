"""The calls that a layer of a template may be in source, each with the layer as it then is."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.backends.torch.rows import module_of
from netspec.codegen.calls import Call
from netspec.codegen.cases import Case
from netspec.codegen.factories import options
from netspec.ir import Node
from netspec.ir.template.chosen import Chosen


def variants(layer: Node, calls: Call | Case[Call]) -> Iterator[tuple[Node, Call]]:
    """What a layer may be: by the cases that its calls fall into, or one of those that the class is given."""
    if isinstance(layer.op, Chosen):
        yield from options(layer, module_of).values()
    elif isinstance(calls, Case):
        yield from variants(layer, calls.then)
        yield from variants(layer, calls.other)
    else:
        yield layer, calls
