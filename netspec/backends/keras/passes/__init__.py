"""Passes over the functions of generated Keras source: code in, code out, in the order of :data:`PASSES`,
behind those of every generator.

They go by what the code says, and know nothing of the network: two layers that are made alike are one idiom.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from netspec.backends.keras.passes.bounds import name_bounds
from netspec.backends.keras.passes.initializers import share_initializers
from netspec.backends.keras.passes.layers import TENSOR, say_layers_once
from netspec.codegen.identifiers import Namespace
from netspec.codegen.passes import tidied

__all__ = ["PASSES", "TENSOR", "rewrite"]

Definitions = Sequence[ast.stmt]

PASSES: tuple[Callable[[Definitions, Namespace], Definitions], ...] = (
    say_layers_once,
    share_initializers,
    name_bounds,
)


def rewrite(definitions: Definitions, names: Namespace) -> Definitions:
    """The definitions of a file after all passes; ``names`` are those that it has besides."""
    definitions = tidied(definitions)
    for definition in definitions:
        names.taken |= {each.id for each in ast.walk(definition) if isinstance(each, ast.Name)}
        names.taken |= {each.arg for each in ast.walk(definition) if isinstance(each, ast.arg)}
    for each in PASSES:
        definitions = each(definitions, names)
    return definitions
