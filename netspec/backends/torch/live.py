"""Live PyTorch models: ordinary modules whose keys are the network's paths.

The modules come from executing the rows' calls; how they are wired is a plan of plain objects, from which
`torch.fx` writes their methods (`wiring.py`). Generated source is never executed here.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netspec.backends.torch.execute import initialise, make_module, resolve
from netspec.backends.torch.handles import (
    FEATURES,
    LOGITS,
    PRE_LOGITS,
    TAPS,
    ClassifierModule,
    NetworkModule,
)
from netspec.backends.torch.held import held_layers
from netspec.backends.torch.naming import HANDLES
from netspec.backends.torch.rows import X, module_of
from netspec.backends.torch.wiring import (
    EVALUATION,
    FORWARD,
    Operand,
    Plan,
    Step,
    WiredModule,
    wired,
)
from netspec.codegen.calls import Call
from netspec.codegen.identifiers import camel_case
from netspec.ir import Node, Program, Value
from netspec.ir.classifier import Classifier, classifier_of
from netspec.ir.containers import Container, Unit, containers, units
from netspec.ops.merge import Add, Concat, Mul
from netspec.ops.structure import ResizeLike, Split


class BlockModule(WiredModule):
    """A block: its layers by name."""

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Map inputs, each (batch, channels, *size), to the block's result, or to a tuple of several."""
        raise NotImplementedError  # pragma: no cover


def build(network: Program) -> NetworkModule:
    """A live model with fresh initial weights, in evaluation of whatever dtype is the default."""
    with torch.device("meta"):
        model = _Builder(network).model()
    model.to_empty(device=torch.get_default_device())
    initialise(model, network.layers)
    return model


MERGES = {"add": operator.add, "mul": operator.mul}
"""What merges two tensors, by the op's kind."""

_Named = tuple[Unit, str]
"""What runs as one, and its path from where it runs."""


class _Builder:
    """Makes the modules of a network, and plans how they are wired."""

    def __init__(self, network: Program) -> None:
        self.network = network
        self.root = containers(network)
        self.held = held_layers(network, self.root)

    def model(self) -> NetworkModule:
        """The network's module, its layers on the default device."""
        modules = self._inside(self.root)
        network, root = self.network, self.root
        inputs = tuple(network.input_names) or ("x",)
        modes = {FORWARD: network.outputs}
        if network.training_only:
            modes[EVALUATION] = network.evaluation_outputs
        plans = {}
        for mode, outputs in modes.items():
            names = tuple(outputs) if network.has_outputs else ()
            plans[mode] = self._plan(root, inputs, [*outputs.values()], names)
        classifier = classifier_of(network)
        if classifier is None or HANDLES & modules.keys() or not self._parts(classifier):
            model = wired(NetworkModule, camel_case(network.title), tuple(plans.items()))()
            assert isinstance(model, NetworkModule)
            _add(model, modules)
            return model
        plans |= self._parts(classifier)
        maps = self._maps()
        if maps:
            taps = [classifier.features, *maps.values()]
            plans[TAPS] = self._plan(root, inputs, taps, cuts=taps[:1])
        model = wired(ClassifierModule, camel_case(network.title), tuple(plans.items()))()
        assert isinstance(model, ClassifierModule)
        _add(model, modules)
        model.give_handles(network, classifier, maps)
        return model

    def _parts(self, classifier: Classifier) -> dict[str, Plan]:
        """The plans of a network's parts; none where they do not stand apart."""
        root, network = self.root, self.network
        inputs = tuple(network.input_names) or ("x",)
        features, pooled = classifier.features, classifier.linear.inputs[0]
        cuts = (features, pooled)
        apart = {value.id for unit, _ in units(root, network, cuts) for value in unit.outputs}
        if not {features.id, pooled.id} <= apart:
            return {}
        return {
            FEATURES: self._plan(root, inputs, [features], cuts=cuts),
            PRE_LOGITS: self._plan(root, ("x",), [pooled], taken=[features], cuts=cuts),
            LOGITS: self._plan(root, ("x",), [network.main.result], taken=[pooled], cuts=cuts),
        }

    def _maps(self) -> dict[str, Value]:
        """The maps among the outputs that are there in evaluation."""
        outputs = self.network.evaluation_outputs
        return {name: value for name, value in outputs.items() if value.type.rank}

    # Modules

    def _inside(self, container: Container) -> dict[str, nn.Module]:
        """The modules that have a name in ``container``, by that name."""
        found: dict[str, nn.Module] = {}
        for name, child in container.children.items():
            if isinstance(child, Container):
                found[name] = self._module(child)
                continue
            held = self.held[child]
            own = held.path.rpartition(".")[2]
            if held.form.module is not None and own not in found:
                found[own] = make_module(held.form.module)
        return found

    def _module(self, container: Container) -> nn.Module:
        """The module of a container."""
        modules, region = self._inside(container), container.region
        module: nn.Module
        if container.is_unit and region is not None and region.kind == "block":
            definition = region.definition
            title = definition and (definition.title or camel_case(definition.name))
            count = len(container.inputs)
            inputs = ("x",) if count == 1 else tuple(f"x{number}" for number in range(count))
            plan = self._plan(container, inputs, container.outputs)
            module = wired(BlockModule, title or "Block", ((FORWARD, plan),))()
        elif container.is_row:
            places = map(str, range(container.length))
            modules = {name: modules.pop(name, None) or nn.Identity() for name in places} | modules
            module = nn.Sequential()
        elif _is_list(container):
            module = nn.ModuleList()
        else:
            module = nn.Module()  # it holds names, and is never called
        _add(module, modules)
        return module

    # Wiring

    def _plan(
        self,
        container: Container,
        inputs: tuple[str, ...],
        outputs: Sequence[Value],
        names: tuple[str, ...] = (),
        taken: Sequence[Value] | None = None,
        cuts: Sequence[Value] = (),
    ) -> Plan:
        """How the modules inside ``container`` are wired to give ``outputs``, of its inputs or what is ``taken``.

        Rows in which one of ``cuts`` is given run module by module.
        """
        given = container.inputs if taken is None else taken
        operands = {value.id: Operand(at) for at, value in enumerate(given)}
        skipped = len(container.path) + 1 if container.path else 0
        steps: list[Step] = []
        numbers = itertools.count(len(inputs))

        def step(target: Any, args: tuple[Any, ...], count: int = 1, **more: Any) -> list[Operand]:
            results = tuple(next(numbers) for _ in range(count))
            steps.append(Step(target, args, results=results, **more))
            return [Operand(number) for number in results]

        def called(call: Call, operand: Operand, count: int = 1) -> list[Operand]:
            args = tuple(operand if arg is X else arg for arg in call.args)
            kwargs = tuple(call.kwargs.items())
            method = call.target.removeprefix("Tensor.")
            if method != call.target:
                return step(method, args, count, kwargs=kwargs, is_method=True)
            return step(resolve(call.target), args, count, kwargs=kwargs)

        found_units = list(units(container, self.network, cuts))
        for unit, name in _needed(found_units, {v.id for v in outputs}, {*operands}):
            entering = tuple(operands[value.id] for value in unit.inputs)
            match unit:
                case Node(op=Split()):
                    found = called(module_of(unit), entering[0], len(unit.outputs))
                case Node(op=ResizeLike() as op):
                    shape = step(getattr, (entering[1], "shape"))
                    size = step(operator.getitem, (*shape, slice(2, None)))
                    kwargs = (("size", *size), ("mode", op.mode))
                    found = step(F.interpolate, entering[:1], kwargs=kwargs)
                case Node(op=Concat()):
                    found = step(torch.cat, ([*entering],), kwargs=(("dim", 1),))
                case Node(op=Add() | Mul() as op):
                    found = [entering[0]]
                    for other in entering[1:]:
                        found = step(MERGES[op.kind], (*found, other))
                case Node():
                    form, found = self.held[unit].form, [*entering]
                    if form.module is not None:
                        found = step(self.held[unit].path[skipped:], entering)
                    if form.function is not None:
                        found = called(form.function, found[0])
                case _:
                    found = step(name, entering, len(unit.outputs))
            operands.update((value.id, o) for value, o in zip(unit.outputs, found, strict=True))
        return Plan(inputs, tuple(steps), tuple(operands[value.id] for value in outputs), names)


def _is_list(container: Container) -> bool:
    """Whether it is a stage of blocks, called by their numbers, of which some take or give several values."""
    region, children = container.region, container.children
    if region is None or region.kind != "stage" or all(block.is_unary for block in region.blocks):
        return False
    return [*children] == [str(number) for number in range(len(region.blocks))]


def _add(module: nn.Module, inside: Mapping[str, nn.Module]) -> None:
    for name, child in inside.items():
        module.add_module(name, child)


def _needed(found: Sequence[_Named], kept: set[int], given: set[int]) -> list[_Named]:
    """The units that lead from ``given`` values to those that are ``kept``, in order."""
    wanted = kept - given
    needed = []
    for unit, name in reversed(found):
        # What a block hands on is there without it.
        if any(v.id in wanted and v not in unit.inputs for v in unit.outputs):
            needed.append((unit, name))
            wanted.update({value.id for value in unit.inputs} - given)
    return needed[::-1]
