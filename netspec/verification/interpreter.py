"""The interpreter as a party: the network run in NumPy, which shares no code with any framework.

It needs nothing installed, and is slow. It runs networks as in evaluation alone: it neither starts nor trains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy

from netspec.backends.probe import Given, Held, Inside, Limit, Observed, Places
from netspec.backends.rows import Unsupported
from netspec.ir import Layer, Node, Program
from netspec.ir.analysis import weight_shapes
from netspec.ir.interpret import interpret, run_node
from netspec.ir.parameters import parameters_of
from netspec.ir.resize import resized
from netspec.ir.running import run
from netspec.ops import OPS
from netspec.ops.base import Op
from netspec.ops.structure import RandomDrop
from netspec.weights.canonical import check_weights

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays, Trained

NAME = "interpreter"
"""What ``--backend`` calls it; no backend is called so, for it builds nothing that anybody could use."""


@dataclass
class Model:
    """A network with weights by canonical name."""

    network: Program
    weights: dict[str, Array] = field(default_factory=dict)


def _op_of(layer: Layer) -> Op:
    return layer.op


def _has_function(op: type[Op]) -> bool:
    return run.dispatch(op) is not run.dispatch(object)


class Interpreter:
    """What a party asks of a backend; see :class:`netspec.backends.base.Backend`."""

    name = NAME
    requires: tuple[str, ...] = ()
    takes_named_inputs = True
    rows: Mapping[str, Any] = {
        kind: _op_of if _has_function(op) else Unsupported("it has no function in NumPy")
        for kind, op in OPS.items()
    }

    def build(self, network: Program, input_size: tuple[int | None, ...] | None = None) -> Model:
        """The network for an input of this size, its weights all zeros."""
        if input_size is not None:
            network = resized(network, tuple(n for n in input_size if n is not None))
        shapes = weight_shapes(network)
        return Model(network, {name: numpy.zeros(shape) for name, shape in shapes.items()})

    def owns(self, model: Any) -> bool:
        """Whether it is one of :meth:`build`."""
        return isinstance(model, Model)

    def read_weights(self, model: Model, network: Program) -> dict[str, Array]:
        """Every parameter and statistic, copied."""
        return {name: array.copy() for name, array in model.weights.items()}

    def write_weights(self, model: Model, network: Program, weights: Arrays) -> None:
        """Take over every parameter and statistic; raises ValueError when names or shapes differ."""
        check_weights(weight_shapes(model.network), weights)
        model.weights = dict(weights)

    def run(self, model: Model, inputs: Any) -> dict[str, Array]:
        """The outputs by name."""
        return interpret(model.network, inputs, model.weights)

    def probe(self) -> InterpreterProbe:
        """How its models are looked into."""
        return InterpreterProbe()


class InterpreterProbe:
    """See :class:`netspec.backends.probe.Probe`."""

    ordered = True
    one_graph = False
    trains = False
    gradients: Mapping[str, tuple[float, str]] = {}

    def versions(self) -> dict[str, str]:
        """None but NumPy's, which is always told."""
        return {}

    @contextmanager
    def precision(self, dtype: str) -> Iterator[None]:
        """It computes in float64, whatever it is given."""
        yield

    def limits(self, network: Program) -> list[Limit]:
        """None."""
        return []

    def tied(self, network: Program) -> str | None:
        """None."""
        return None

    def make(self, function: Callable[..., Any], network: Program) -> Any:
        """There is no source of it."""
        raise NotImplementedError

    def adopt(self, model: Any) -> Any:
        """All its models are netspec's."""
        raise NotImplementedError

    def spelled(self, path: str) -> str:
        """The path itself."""
        return path

    def expected(self, network: Program) -> list[Held]:
        """Every parameter and statistic, in order."""
        return [
            Held(layer.path, parameter.name, parameter.shape, parameter.trainable)
            for _, layer, parameter in parameters_of(network.layers)
        ]

    def held(self, model: Model) -> list[Held]:
        """The same of its own network."""
        return self.expected(model.network)

    def drop_rates(self, model: Model) -> dict[str, float]:
        """The rates of its own network; it drops nothing itself."""
        layers = model.network.layers
        return {one.path: one.op.rate for one in layers if isinstance(one.op, RandomDrop)}

    def seed(self, number: int) -> None:
        """It draws nothing."""

    def dropped(self, model: Model, name: str, inputs: Array, training: bool) -> Array:
        """It drops nothing."""
        raise NotImplementedError

    def places(self, model: Model, network: Program) -> Places:
        """The values at the ends of the stem and of each stage, by their ids."""
        ends = {stage.path: stage.result for stage in network.stages}
        if network.stages and network.stem.layers:
            ends["stem"] = network.stem.result
        return {name: value.id for name, value in ends.items() if value.id in network.producers}

    def observe(self, model: Model, places: Places, inputs: Given) -> Observed:
        """One pass."""
        seen: dict[int, Array] = {}
        wanted = set(places.values())

        def step(node: Node, operands: Sequence[Array], held: Arrays) -> tuple[Array, ...]:
            results = run_node(node, operands, held)
            pairs = zip(node.outputs, results, strict=True)
            seen.update((value.id, array) for value, array in pairs if value.id in wanted)
            return results

        outputs = interpret(model.network, inputs, model.weights, step)
        return Observed({name: seen[place] for name, place in places.items()}, outputs)

    def look_inside(
        self, model: Model, network: Program, inputs: Given, fed: Inside | None = None
    ) -> Inside:
        """What passes through every layer."""
        entered: dict[str, Array] = {}
        left: dict[str, Array] = {}
        layers = {layer.path for layer in network.layers}
        known = {} if fed is None else {p: fed.left[p] for p in fed.entered if p in fed.left}

        def step(node: Node, operands: Sequence[Array], held: Arrays) -> tuple[Array, ...]:
            if node.path not in layers or (fed is not None and node.path not in known):
                return run_node(node, operands, held)
            entered[node.path] = operands[0]
            given = operands if fed is None else [fed.entered[node.path]]
            results = run_node(node, given, held)
            left[node.path] = results[0]
            return results if fed is None else (known[node.path],)

        outputs = interpret(model.network, inputs, model.weights, step)
        return Inside(entered, left, outputs)

    def train(
        self,
        model: Model,
        network: Program,
        places: Places,
        inputs: Given,
        factors: Arrays,
        rate: float,
    ) -> Trained:
        """It has no training."""
        raise NotImplementedError
