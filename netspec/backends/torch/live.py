"""Live PyTorch models: ordinary modules whose keys are the network's paths.

The modules come from executing the rows' calls; how they are wired is a plan of plain objects, which
pickles, copies, compiles and exports. Generated source is never executed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netspec.backends.torch import support
from netspec.backends.torch.initial import init_call
from netspec.backends.torch.rows import module_of
from netspec.codegen.calls import Call, execute
from netspec.ir import Node, Program, Value
from netspec.ir.containers import Container, Unit, containers, units
from netspec.ops.base import Function
from netspec.ops.structure import ResizeLike, Split

_Named = tuple[Unit, tuple[str, ...]]
"""What runs as one, and its name from where it runs."""

Values = dict[int, Tensor]
"""The tensors that are still needed, by the ids of their values."""


@dataclass
class _Step:
    """What the plans have in common: they take values, give some, and forget what nothing takes any more."""

    inputs: tuple[int, ...]
    results: tuple[int, ...]
    last: tuple[int, ...]

    def run(self, owner: nn.Module, values: Values) -> None:
        made = self.made(owner, [values[id] for id in self.inputs])
        parts = (made,) if isinstance(made, Tensor) else made
        for id, part in zip(self.results, parts, strict=True):
            values[id] = part
        for id in self.last:
            del values[id]

    def made(self, owner: nn.Module, tensors: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """The step's result, or all of several."""
        raise NotImplementedError  # pragma: no cover


@dataclass
class _Through(_Step):
    """Send tensors through a module inside."""

    names: tuple[str, ...]

    def made(self, owner: nn.Module, tensors: list[Tensor]) -> Tensor | tuple[Tensor, ...]:
        """What the module gives."""
        module = owner
        for name in self.names:
            module = getattr(module, name)
        found: Tensor | tuple[Tensor, ...] = module(*tensors)
        return found


@dataclass
class _Merge(_Step):
    """Merge tensors; ``how`` is add, mul or concat."""

    how: str

    def made(self, owner: nn.Module, tensors: list[Tensor]) -> Tensor:
        """The tensors as one."""
        return _merged(tensors, self.how)


@dataclass
class _Split(_Step):
    """Part a tensor along the channels, by the method ``how`` of tensors."""

    how: str
    parts: int | list[int]

    def made(self, owner: nn.Module, tensors: list[Tensor]) -> tuple[Tensor, ...]:
        """The parts."""
        return tuple(getattr(tensors[0], self.how)(self.parts, dim=1))


@dataclass
class _ResizeLike(_Step):
    """Give a map the size of another."""

    mode: str

    def made(self, owner: nn.Module, tensors: list[Tensor]) -> Tensor:
        """The map at the size of the second tensor."""
        x, like = tensors
        return F.interpolate(x, size=like.shape[2:], mode=self.mode)


def _merged(tensors: list[Tensor], how: str) -> Tensor:
    if how == "concat":
        return torch.cat(tensors, dim=1)
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor if how == "add" else total * tensor
    return total


@dataclass
class _Plan:
    """How the modules inside a module are wired."""

    sources: tuple[int, ...]
    steps: tuple[_Step, ...]

    def run(self, owner: nn.Module, *given: Tensor) -> Values:
        """The values that are left when everything has run."""
        values = dict(zip(self.sources, given, strict=True))
        for step in self.steps:
            step.run(owner, values)
        return values


class BlockModule(nn.Module):
    """What stands under one name: its layers by name, and the plan that wires them.

    No layer's name starts with ``_``, so what is not a layer does.
    """

    _plan: _Plan
    _results: tuple[int, ...]

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map inputs, each (batch, channels, *size), to the block's result, or to a tuple of several."""
        values = self._plan.run(self, *inputs)
        first, *others = (values[id] for id in self._results)
        return (first, *others) if others else first


@dataclass
class _Results:
    """What a network gives in one mode.

    Attributes:
        plan: what runs for it.
        outputs: the ids of values by the names of outputs.
        is_named: whether they are given by name; else the only one is given by itself.
    """

    plan: _Plan
    outputs: dict[str, int]
    is_named: bool

    def of(self, owner: nn.Module, *given: Tensor) -> Tensor | dict[str, Tensor]:
        """The results for inputs (batch, channels, *size)."""
        values = self.plan.run(owner, *given)
        if not self.is_named:
            return values[self.outputs["output"]]
        return {name: values[id] for name, id in self.outputs.items()}


class NetworkModule(nn.Module):
    """A whole network. Returns the head's result, or a dict of all outputs where the spec names any."""

    _training_results: _Results
    _evaluation_results: _Results

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """Map (batch, channels, *size) to the head's result, or to the outputs by name.

        In evaluation, what is for training alone is neither computed nor returned.
        """
        return self._results().of(self, x)

    def _results(self) -> _Results:
        return self._training_results if self.training else self._evaluation_results


class NamedInputsModule(NetworkModule):
    """A whole network whose inputs have names: it takes them in their order, or by name."""

    _inputs: tuple[str, ...]

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor | dict[str, Tensor]:
        """Map inputs, each (batch, channels, *size), to the head's result, or to the outputs by name.

        Raises :class:`TypeError` unless each input is there once.
        """
        given = {**dict(zip(self._inputs, inputs, strict=False)), **named}
        if len(inputs) + len(named) != len(self._inputs) or given.keys() != set(self._inputs):
            raise TypeError(f"the model takes {', '.join(self._inputs)}")
        return self._results().of(self, *(given[name] for name in self._inputs))


def build(network: Program) -> NetworkModule:
    """A live model with fresh initial weights, in evaluation of whatever dtype is the default."""
    with torch.device("meta"):
        model = NamedInputsModule() if network.input_names else NetworkModule()
        if isinstance(model, NamedInputsModule):
            model._inputs = tuple(network.input_names)
        root = containers(network)
        _register(model, root, network)
        model._training_results = _results(root, network, network.outputs)
        model._evaluation_results = _results(root, network, network.evaluation_outputs)
    model.to_empty(device=torch.get_default_device())
    initialise(model, network)
    return model


def initialise(model: nn.Module, network: Program) -> None:
    """Start every parameter as the spec says, and statistics at zero and one."""
    with torch.no_grad():
        for layer in network.layers:
            parameters = layer.op.parameters(layer.source)
            if not parameters:
                continue
            module = model.get_submodule(layer.path)
            for parameter in parameters:
                execute(init_call(parameter, getattr(module, parameter.name)), resolve)
            if getattr(module, "num_batches_tracked", None) is not None:
                module.num_batches_tracked.zero_()


def resolve(target: str) -> Any:
    """The object behind a name in a row."""
    first, *rest = target.split(".")
    if not rest:
        return getattr(support, first)
    found: Any = {"nn": nn, "torch": torch}[first]
    for name in rest:
        found = getattr(found, name)
    return found


def make_module(call: Call) -> nn.Module:
    """The module that a row's call describes."""
    return execute(call, resolve)


def _register(module: nn.Module, container: Container, network: Program) -> None:
    """Register what has a name in ``container`` in its module."""
    for name, child in container.children.items():
        if isinstance(child, Node):
            module.add_module(name, make_module(module_of(child)))
            continue
        inner = _module(child, network)
        _register(inner, child, network)
        module.add_module(name, inner)


def _module(container: Container, network: Program) -> nn.Module:
    """The module of a container, with nothing registered yet."""
    region = container.region
    if not container.is_unit:
        return nn.Module()  # it holds names, and is never called
    if container.is_row and (region is None or region.kind != "block"):
        return nn.Sequential()
    module = BlockModule()
    module._results = tuple(value.id for value in container.outputs)
    module._plan = _plan(container, network, {*module._results})
    return module


def _results(root: Container, network: Program, outputs: Mapping[str, Value]) -> _Results:
    ids = {name: value.id for name, value in outputs.items()}
    return _Results(_plan(root, network, set(ids.values())), ids, network.has_outputs)


def _needed(found: Sequence[_Named], kept: set[int]) -> list[_Named]:
    """The units that lead to a value that is ``kept``, in order."""
    wanted = set(kept)
    needed = []
    for unit, names in reversed(found):
        # What a block hands on is there without it.
        if any(v.id in wanted and v not in unit.inputs for v in unit.outputs):
            needed.append((unit, names))
            wanted.update(value.id for value in unit.inputs)
    return needed[::-1]


def _plan(container: Container, network: Program, kept: set[int]) -> _Plan:
    """How the modules inside ``container`` are wired; ``kept`` are the values that its caller wants."""
    found = _needed(list(units(container, network)), kept)
    last: dict[int, int] = {}
    for number, (unit, _) in enumerate(found):
        last.update((value.id, number) for value in unit.inputs)
        for value in unit.outputs:
            last.setdefault(value.id, number)
    done: dict[int, list[int]] = {}
    for id, number in last.items():
        if number >= 0 and id not in kept:
            done.setdefault(number, []).append(id)
    steps: list[_Step] = []
    for number, (unit, names) in enumerate(found):
        ids = tuple(value.id for value in unit.inputs)
        results = tuple(value.id for value in unit.outputs)
        free = tuple(done.get(number, ()))
        match unit:
            case Node(op=Split()):
                call = module_of(unit)
                how = call.target.removeprefix("Tensor.")
                steps.append(_Split(ids, results, free, how, call.args[1]))
            case Node(op=ResizeLike() as op):
                steps.append(_ResizeLike(ids, results, free, op.mode))
            case Node(op=Function() as op):
                steps.append(_Merge(ids, results, free, op.kind))
            case _:
                steps.append(_Through(ids, results, free, names))
    return _Plan(tuple(value.id for value in container.inputs), tuple(steps))
