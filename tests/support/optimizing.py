"""Optimized networks beside those that they were made of."""

from __future__ import annotations

import dataclasses

from netspec.api import CompiledNetwork
from netspec.ir import Program
from netspec.ir.interpret import interpret
from netspec.ir.passes import optimize
from netspec.ir.passes.base import Optimization
from tests.support.agreement import relative
from tests.support.networks import inputs_of, random_weights
from tests.support.witnesses import FLOAT64_BOUND, FLOORS


def checked(network: Program) -> Optimization:
    """``network`` optimized for inference; raises AssertionError unless the two give the same in float64."""
    found = optimize(network, "inference")
    weights, x = random_weights(network), inputs_of(network, "float64")
    before = interpret(network, x, weights)
    after = interpret(found.program, x, found.move(weights))
    assert list(after) == list(before)
    for name, values in before.items():
        assert relative(after[name], values, FLOORS["float64"]) <= FLOAT64_BOUND, name
    return found


def optimized(compiled: CompiledNetwork) -> CompiledNetwork:
    """The same as :func:`checked`, of a compiled network."""
    found = checked(compiled.network)
    compilation = dataclasses.replace(
        compiled.compilation, network=found.program, optimization=found
    )
    return CompiledNetwork(compilation)


def kinds(program: Program) -> list[str]:
    """What the ops of a program are, in order."""
    return [node.op.kind for node in program.nodes]


def told(found: Optimization, is_done: bool) -> list[str]:
    """What passes say that they did, or why they did not."""
    return [f"{note.path}: {note.text}" for note in found.notes if note.is_done == is_done]
