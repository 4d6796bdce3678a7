"""What a network is, in numbers, from the IR alone: shapes, parameters, MACs. No framework."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from netspec.ir import Layer, Program, Value
from netspec.ir.parameters import parameters_of
from netspec.ir.table import input_text, summary_text
from netspec.ops import Op
from netspec.ops.types import TensorType

T = TypeVar("T")


@dataclass(frozen=True)
class ParameterCount:
    """Numbers of values, by their role: what follows gradients, what follows the data, and what stays."""

    trainable: int
    statistics: int
    frozen: int = 0

    @property
    def total(self) -> int:
        """All values."""
        return self.trainable + self.statistics + self.frozen

    def __add__(self, other: ParameterCount) -> ParameterCount:
        return ParameterCount(
            self.trainable + other.trainable,
            self.statistics + other.statistics,
            self.frozen + other.frozen,
        )


@dataclass(frozen=True)
class StageSummary:
    """The stem, a stage with the steps ahead of its blocks, or the head.

    Attributes:
        name: ``stem``, the stage's path, or ``head``.
        output_shape: (channels, *size), no batch.
        parameters: all values: trainable and frozen ones, and statistics.
        macs: multiply-accumulates for one example in evaluation; convolutions and linear layers only.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class LayerSummary:
    """One op that PyTorch has a module for.

    Attributes:
        name: its path, by which weights, modules and Keras' layers are called.
        op: what it is, as in specs: ``conv``, ``batch_norm``.
        input_shape: (channels, *size) of what it takes, no batch; (features,) for a vector.
        output_shape: the same of what it gives.
        parameters: all values: trainable and frozen ones, and statistics.
        macs: multiply-accumulates for one example in evaluation; convolutions and linear layers only.
    """

    name: str
    op: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


@dataclass(frozen=True)
class OutputSummary:
    """An output of a network.

    Attributes:
        name: by which models give it.
        shape: (channels, *size), no batch; (features,) for a vector.
        stride: how many positions of the input, along its last axis, one of the map stands for; None for a vector.
    """

    name: str
    shape: tuple[int, ...]
    stride: int | None


@dataclass(frozen=True)
class Summary:
    """A network in numbers.

    Attributes:
        name: the spec's name.
        variant: the variant's name, None where the spec has none.
        input_shape: (channels, *size), no batch; of several inputs, the first one's.
        output_shape: (channels, *size) of the network's own result, (features,) for a vector.
        parameters: numbers of values over the whole network.
        macs: multiply-accumulates for one example in evaluation; convolutions and linear layers only.
        stages: the stem, the stages and the head, in order; they add up to the totals.
        layers: the number of primitive ops that the network runs once a step of any kind is
            expanded: every convolution, normalisation, activation, pooling, linear layer, flatten,
            dropout and so on counts as one, with or without parameters. The combinators (an addition
            at the end of a residual, a product, a concatenation) and blocks do not count.
        inputs: the shape of each input, (channels, *size), by name; empty where the one input has no name.
        outputs: what the network gives, in order.
    """

    name: str
    variant: str | None
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    parameters: ParameterCount
    macs: int
    stages: tuple[StageSummary, ...]
    layers: int
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    outputs: tuple[OutputSummary, ...] = ()

    def __str__(self) -> str:
        """The table that ``netspec summary`` prints."""
        title = f"{self.variant or self.name}: input {input_text(self)}"
        return summary_text(self, title)

    def to_json(self) -> dict[str, Any]:
        """The object that ``netspec summary --format json`` prints."""
        return {
            "name": self.name,
            "variant": self.variant,
            "input_shape": list(self.input_shape),
            **(
                {"inputs": {name: list(shape) for name, shape in self.inputs.items()}}
                if self.inputs
                else {}
            ),
            "output_shape": list(self.output_shape),
            "parameters": {
                "total": self.parameters.total,
                "trainable": self.parameters.trainable,
                "statistics": self.parameters.statistics,
                "frozen": self.parameters.frozen,
            },
            "macs": self.macs,
            "stages": [
                {
                    "name": stage.name,
                    "output_shape": list(stage.output_shape),
                    "parameters": stage.parameters,
                    "macs": stage.macs,
                }
                for stage in self.stages
            ],
            "layers": self.layers,
            "outputs": [
                {"name": output.name, "shape": list(output.shape), "stride": output.stride}
                for output in self.outputs
            ],
        }


def summarise(network: Program) -> Summary:
    """The numbers of a concrete network."""
    parts = [("stem", network.stem), *((s.path, s) for s in network.stages), ("head", network.head)]
    macs_of = _macs_of(network)
    parameters = ParameterCount(0, 0)
    stages = []
    for name, part in parts:
        found = count_parameters(part.layers)
        macs = sum(map(macs_of, part.layers))
        stages.append(StageSummary(name, part.target.shape, found.total, macs))
        parameters += found
    return Summary(
        name=network.name,
        variant=network.variant,
        input_shape=network.source.shape,
        output_shape=network.target.shape,
        parameters=parameters,
        macs=sum(stage.macs for stage in stages),
        stages=tuple(stages),
        layers=len(network.layers),
        inputs={name: value.type.shape for name, value in network.named_inputs.items()},
        outputs=tuple(
            OutputSummary(name, value.type.shape, stride_of(network, value))
            for name, value in network.outputs.items()
        ),
    )


def stride_of(network: Program, value: Value) -> int | None:
    """How many positions of the input, along its last axis, one of a map stands for; None for a vector."""
    if not value.type.rank or value.type.rank != network.source.rank:
        return None
    return max(1, round(network.source.size[-1] / value.type.size[-1]))


def layers_of(network: Program) -> tuple[LayerSummary, ...]:
    """Every layer, in the order of registration."""
    macs_of = _macs_of(network)
    return tuple(
        LayerSummary(
            name=layer.path,
            op=layer.op.kind,
            input_shape=layer.source.shape,
            output_shape=layer.target.shape,
            parameters=sum(parameter.count for parameter in layer.op.parameters(layer.source)),
            macs=macs_of(layer),
        )
        for layer in network.layers
    )


def _macs_of(network: Program) -> Callable[[Layer], int]:
    """What counts a layer's MACs: none where only what training returns needs it."""
    if not network.training_only:
        return lambda layer: layer.op.macs(layer.source, layer.target)
    run = network.leading_to(network.evaluation_outputs.values())
    return lambda layer: layer.op.macs(layer.source, layer.target) if layer in run else 0


def count_parameters(layers: Iterable[Layer]) -> ParameterCount:
    """The values that ``layers`` hold: trainable ones, statistics and frozen ones apart."""
    counts: dict[tuple[Op, TensorType], ParameterCount] = {}  # equal blocks share ops and types
    total = ParameterCount(0, 0)
    for layer in layers:
        key = (layer.op, layer.source)
        if key not in counts:
            by_role = dict.fromkeys(("trained", "statistic", "frozen"), 0)
            for parameter in layer.op.parameters(layer.source):
                by_role[parameter.role] += parameter.count
            counts[key] = ParameterCount(*by_role.values())
        total += counts[key]
    return total


def weight_shapes(network: Program) -> dict[str, tuple[int, ...]]:
    """The canonical name of every parameter and statistic, with its shape in canonical layout."""
    return {name: parameter.shape for name, _, parameter in parameters_of(network.layers)}


def for_inputs(network: Program, make: Callable[[tuple[int, ...]], T]) -> T | dict[str, T]:
    """What ``make`` gives for the shape of the input, (channels, *size); by name where inputs have one."""
    if not network.input_names:
        return make(network.source.shape)
    return {name: make(value.type.shape) for name, value in network.named_inputs.items()}


def output_shapes(network: Program) -> dict[str, tuple[int, ...]]:
    """The shape of every output by its name, (channels, *size); those for training alone too."""
    return {name: value.type.shape for name, value in network.outputs.items()}


def evaluation_shapes(network: Program) -> dict[str, tuple[int, ...]]:
    """The shape of every output that the network gives in evaluation, (channels, *size), by its name."""
    return {name: value.type.shape for name, value in network.evaluation_outputs.items()}
