"""Weights outside a model: canonical names, PyTorch's layout, in a safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from netspec import ir


def check_weights(expected: Mapping[str, tuple[int, ...]], weights: Mapping[str, Any]) -> None:
    """Raise ValueError, with the whole list, unless ``weights`` are just the ``expected`` ones."""
    problems = [f"missing: {name}" for name in expected if name not in weights]
    problems += [f"unexpected: {name}" for name in weights if name not in expected]
    problems += [
        f"{name}: shape {tuple(weights[name].shape)}, expected {shape}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    if problems:
        raise ValueError("weights do not fit:\n  " + "\n  ".join(problems))


def to_safetensors(weights: Mapping[str, Any], network: ir.Network) -> bytes:
    """The bytes of a safetensors file that holds ``weights`` (canonical name to numpy array).

    Its metadata has one key, ``netspec``, a JSON object with the network's name and variant.
    """
    import numpy
    from safetensors.numpy import save

    # safetensors writes the buffer of a transposed array as it lies, in silence: copy into C order.
    arrays = {name: numpy.ascontiguousarray(array) for name, array in weights.items()}
    # The order of several metadata keys would differ from run to run, hence a single one.
    origin = json.dumps({"name": network.name, "variant": network.variant}, sort_keys=True)
    raw: bytes = save(arrays, metadata={"netspec": origin})
    return raw
