"""Small networks of given steps, and weights and inputs for any network. No framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from netspec.elaborate.network import elaborate
from netspec.ir import Program
from netspec.ir.analysis import for_inputs
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse

SIZES = {0: (), 1: (11,), 2: (9, 12), 3: (5, 6, 7)}
"""An input size for each rank, no two lengths alike; rank 0 is a vector."""


def network_of(steps: str, size: tuple[int, ...], channels: int = 6, more: str = "") -> Program:
    """A network of the steps given, one a line."""
    if not size:
        # A vector has to come from a map.
        size, steps = (2,), "global_avg_pool\n" + steps
    stem = "".join(f"  - {line}\n" for line in steps.strip().splitlines())
    text = f"netspec: 1\nname: n\ninput: {{channels: {channels}, size: {list(size)}}}\n{more}stem:\n{stem}"
    return elaborate(bind_spec(parse(text, "test.yaml")))


def random_weights(network: Program, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights away from zero and one that keep the size of what passes; variances positive."""
    random = np.random.default_rng(seed)
    found = {}
    for layer in network.layers:
        for parameter in layer.op.parameters(layer.source):
            kernel = len(parameter.shape) > 1
            values = random.normal(size=parameter.shape) * (
                parameter.fans[0] ** -0.5 if kernel else 0.5
            )
            if parameter.name == "running_var":
                values = np.abs(values) + 0.5
            found[f"{layer.path}.{parameter.name}"] = values
    return found


def input_of(network: Program, size: tuple[int, ...] | None = None, batch: int = 3) -> np.ndarray:
    """Normal values, many and far enough out to reach every branch of an activation."""
    shape = (batch, network.source.channels, *(size or network.source.size))
    return np.random.default_rng(1).normal(size=shape) * 3


def inputs_of(network: Program, dtype: str, batch: int = 2) -> Any:
    """The same for a network whose inputs may have names, by which they then come."""
    random = np.random.default_rng(1)
    return for_inputs(
        network, lambda shape: (random.normal(size=(batch, *shape)) * 3).astype(dtype)
    )
