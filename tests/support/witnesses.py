"""The six witnesses of a network: the IR and its interpreter in NumPy, live PyTorch and Keras, generated PyTorch and Keras.

They must agree on the shape of every output, on the parameters of every layer, and on numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from netspec.api import CompiledNetwork, loads
from netspec.backends.base import check_network, get_backend
from netspec.backends.keras.instances import adapt
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.weights import layers_of
from netspec.codegen.identifiers import safe_identifier
from netspec.ir import Program
from netspec.ir.analysis import count_parameters, evaluation_shapes, output_shapes
from netspec.ir.check import check_program
from netspec.ir.interpret import interpret
from netspec.verification.arguments import second_values
from tests.support.agreement import precision, relative
from tests.support.float32 import FLOAT32_BOUND, dtype_of
from tests.support.generated import IMPORTS, build_generated, imported_modules, style_problems
from tests.support.networks import inputs_of, random_weights

BACKENDS = ("torch", "keras")
FLOAT64_BOUND = 1e-9
FLOORS = {"float32": 1e-2, "float64": 1e-6}
"""What is smaller than this is nothing but rounding, as the mean behind a norm over positions."""
COUNTER = "num_batches_tracked"

Counts = dict[str, tuple[int, int]]
"""Trainable values and statistics of each layer that has any, by its flat name."""


def accepted(text: str) -> CompiledNetwork:
    """The network of a spec; raises :class:`NetspecError` where it is wrong, or where a backend refuses it."""
    found = loads(text)
    for backend in BACKENDS:
        check_network(get_backend(backend), found.network)
    return found


def declared_counts(network: Program) -> Counts:
    """As the ops declare them."""
    found = {}
    for layer in network.layers:
        counted = count_parameters([layer])
        if counted.total:
            rest = counted.frozen + counted.statistics
            found[flat_name(layer.path)] = (counted.trainable, rest)
    return found


def torch_counts(model: Any) -> Counts:
    """As PyTorch's modules hold them."""
    found = {}
    for path, module in model.named_modules():
        parameters = [*module.parameters(recurse=False)]
        trainable = sum(p.numel() for p in parameters if p.requires_grad)
        frozen = sum(p.numel() for p in parameters if not p.requires_grad)
        buffers = dict(module.named_buffers(recurse=False))
        statistics = sum(b.numel() for name, b in buffers.items() if name != COUNTER)
        if parameters or statistics:
            found[flat_name(path)] = (trainable, frozen + statistics)
    return found


def keras_counts(model: Any) -> Counts:
    """As Keras' layers hold them; the state of a dropout's seed is no parameter."""
    found = {}
    for layer in layers_of(model):
        trainable = sum(int(np.prod(v.shape)) for v in layer.trainable_variables)
        fixed = [
            v for v in layer.non_trainable_variables if not v.path.endswith("seed_generator_state")
        ]
        statistics = sum(int(np.prod(v.shape)) for v in fixed)
        if trainable + statistics:
            found[layer.name] = (trainable, statistics)
    return found


COUNTS = {"torch": torch_counts, "keras": keras_counts}


@dataclass(frozen=True)
class Witness:
    """What one model says of the network on the common weights and input."""

    counts: Counts
    outputs: Mapping[str, np.ndarray]


def ask(
    backend: str,
    model: Any,
    network: Program,
    weights: Mapping[str, np.ndarray],
    x: Any,
) -> Witness:
    """Give ``model`` the weights, check that it holds them, and run it in evaluation mode."""
    found = get_backend(backend)
    found.write_weights(model, network, weights)
    for name, value in found.read_weights(model, network).items():
        np.testing.assert_array_equal(value, weights[name], err_msg=name)
    return Witness(COUNTS[backend](model), found.run(model, x))


def check_live(compiled: CompiledNetwork) -> None:
    """IR, live PyTorch and live Keras agree."""
    check(compiled, generated=False)


def check(compiled: CompiledNetwork, generated: bool = True, of_spec: bool = True) -> None:
    """All witnesses agree; raises AssertionError.

    Unless the network is ``of_spec``, there is none to hold it against where an argument has another value.
    """
    network = compiled.network
    dtype = dtype_of(network)
    with precision(dtype):
        weights = {name: w.astype(dtype) for name, w in random_weights(network).items()}
        x = inputs_of(network, dtype)
        models = {backend: get_backend(backend).build(network) for backend in BACKENDS}
        live = {b: ask(b, model, network, weights, x) for b, model in models.items()}
        for backend, witness in live.items():
            assert witness.counts == declared_counts(network)
            shapes = {name: y.shape[1:] for name, y in witness.outputs.items()}
            # A model of Keras is one graph, which gives what is for training alone too.
            of_mode = output_shapes if backend == "keras" else evaluation_shapes
            assert [*shapes.items()] == [*of_mode(network).items()]
        bound, floor = FLOAT32_BOUND if dtype == "float32" else FLOAT64_BOUND, FLOORS[dtype]
        for name, theirs in live["torch"].outputs.items():
            assert relative(live["keras"].outputs[name], theirs, floor) <= bound, name
        check_program(network)
        interpreted = interpret(network, x, weights)
        assert list(interpreted) == list(live["torch"].outputs)
        for name, theirs in live["torch"].outputs.items():
            assert relative(interpreted[name], theirs, floor) <= bound, name
        everything = interpret(replace(network, training_only=frozenset()), x, weights)
        for name in network.training_only:
            assert relative(live["keras"].outputs[name], everything[name], floor) <= bound, name
        if generated:
            _check_generated(compiled, models, live, weights, x)
            if of_spec:
                _check_second_values(compiled, x)


def _check_generated(
    compiled: CompiledNetwork,
    models: Mapping[str, Any],
    live: Mapping[str, Witness],
    weights: Mapping[str, np.ndarray],
    x: Any,
) -> None:
    """Generated models are the live ones, to the last bit, and their source is in order."""
    network = compiled.network
    for backend in BACKENDS:
        _check_called(compiled, backend, {}, models[backend], live[backend], network, weights, x)
    check_sources({backend: compiled.generate(backend) for backend in BACKENDS})


def _check_second_values(compiled: CompiledNetwork, x: Any) -> None:
    """Generated functions, called with another value of an argument that they keep, give what the spec says at it."""
    for name, value, other in second_values(compiled.compilation, []):
        its = {n: w.astype(dtype_of(other)) for n, w in random_weights(other).items()}
        for backend in BACKENDS:
            model = get_backend(backend).build(other)
            expected, arguments = ask(backend, model, other, its, x), {safe_identifier(name): value}
            _check_called(compiled, backend, arguments, model, expected, other, its, x)


def _check_called(
    compiled: CompiledNetwork,
    backend: str,
    arguments: Mapping[str, Any],
    live: Any,
    expected: Witness,
    network: Program,
    weights: Mapping[str, np.ndarray],
    x: Any,
) -> None:
    """The generated function gives the ``live`` model of ``network``: what it holds, in which order, and does."""
    model = build_generated(compiled, backend, **arguments)
    if backend == "torch":
        assert list(model.state_dict()) == list(live.state_dict())
    else:
        assert operation_names(model) == operation_names(live)
        adapt_layers(model)
    found = ask(backend, model, network, weights, x)
    assert found.counts == expected.counts
    assert found.outputs.keys() == expected.outputs.keys()
    for name, value in found.outputs.items():
        np.testing.assert_array_equal(value, expected.outputs[name], err_msg=name)


def operation_names(model: Any) -> list[str]:
    """What a Keras model calls its layers, and the nodes that are none, in order.

    A name that Keras gave by itself depends on what the process made before, so it is in no two models.
    """
    return [operation.name for operation in model.operations]


def adapt_layers(model: Any) -> None:
    """Let a generated Keras model compute grouped convolutions by the function that a live one has.

    It is another order of the same sums, so its last bits differ from those of the stock layers.
    """
    for layer in layers_of(model):
        adapt(layer)


def check_sources(sources: Mapping[str, str]) -> None:
    """Sources by backend import nothing else, pass a linter and stand as its formatter would have them."""
    for backend, source in sources.items():
        assert imported_modules(source) <= IMPORTS[backend]
    problems = style_problems(sources)
    assert not problems, problems
