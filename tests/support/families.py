"""Families: every member's function of a file for all variants makes what the member's own network is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from netspec.api import CompiledNetwork, generate_family
from netspec.backends.base import get_backend
from netspec.codegen.identifiers import safe_identifier
from netspec.family import members_of
from tests.support.agreement import precision
from tests.support.float32 import dtype_of
from tests.support.generated import import_source
from tests.support.networks import inputs_of, random_weights
from tests.support.witnesses import (
    BACKENDS,
    adapt_layers,
    ask,
    check_sources,
    operation_names,
)


def check_family(network: CompiledNetwork, backends: Sequence[str] = BACKENDS) -> dict[str, str]:
    """All members by all backends; raises AssertionError. The sources, by backend."""
    sources = {backend: generate_family(network, backend) for backend in backends}
    for backend, source in sources.items():
        module = import_source(source)
        for member in members_of(network):
            check_member(member, backend, getattr(module, safe_identifier(member.name)))
    check_sources(sources)
    return sources


def check_member(member: CompiledNetwork, backend: str, function: object) -> None:
    """What a member's function makes has the names, shapes and results of the member's live model."""
    program = member.network
    dtype = dtype_of(program)
    with precision(dtype):
        weights = {name: w.astype(dtype) for name, w in random_weights(program).items()}
        x = inputs_of(program, dtype)
        live, model = get_backend(backend).build(program), function()  # type: ignore[operator]
        if backend == "torch":
            assert [*model.state_dict()] == [*live.state_dict()]
        else:
            assert model.name == member.name
            assert operation_names(model) == operation_names(live)
            adapt_layers(model)
        expected, found = (ask(backend, each, program, weights, x) for each in (live, model))
        assert found.counts == expected.counts
        assert found.outputs.keys() == expected.outputs.keys()
        for name, value in found.outputs.items():
            np.testing.assert_array_equal(value, expected.outputs[name], err_msg=name)
