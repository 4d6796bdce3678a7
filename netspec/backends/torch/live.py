"""Live PyTorch models: ordinary modules whose keys are the network's paths.

The modules come from executing the rows' calls; how they are wired is a plan of plain objects, which
pickles, copies, compiles and exports. Generated source is never executed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from netspec import tree
from netspec.backends.torch import support
from netspec.backends.torch.initial import init_call
from netspec.backends.torch.rows import ROWS
from netspec.codegen.calls import Call, execute

Results = dict[str, Tensor]


@dataclass
class _Through:
    """Send the tensor through a child module."""

    names: tuple[str, ...]

    def run(self, owner: nn.Module, x: Tensor, results: Results) -> Tensor:
        module = owner
        for name in self.names:
            module = getattr(module, name)
        return module(x)


@dataclass
class _Row:
    """One plan after another."""

    plans: tuple[Any, ...]

    def run(self, owner: nn.Module, x: Tensor, results: Results) -> Tensor:
        for plan in self.plans:
            x = plan.run(owner, x, results)
        return x


@dataclass
class _Merge:
    """Several plans on one tensor, merged; ``how`` is add, mul or concat."""

    plans: tuple[Any, ...]
    how: str

    def run(self, owner: nn.Module, x: Tensor, results: Results) -> Tensor:
        return _merged([plan.run(owner, x, results) for plan in self.plans], self.how)


@dataclass
class _Take:
    """Named results in the place of the tensor."""

    names: tuple[str, ...]
    how: str

    def run(self, owner: nn.Module, x: Tensor, results: Results) -> Tensor:
        return _merged([results[name] for name in self.names], self.how)


@dataclass
class _Keep:
    """Run a plan and name its result."""

    plan: Any
    name: str

    def run(self, owner: nn.Module, x: Tensor, results: Results) -> Tensor:
        results[self.name] = self.plan.run(owner, x, results)
        return results[self.name]


def _merged(tensors: list[Tensor], how: str) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    if how == "concat":
        return torch.cat(tensors, dim=1)
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor if how == "add" else total * tensor
    return total


class BlockModule(nn.Module):
    """An instance of a block: its layers by name, and the plan that wires them.

    No layer's name starts with ``_``, so what is not a layer does.
    """

    _plan: Any

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, *size) to the block's output."""
        return self._plan.run(self, x, {})


class NetworkModule(nn.Module):
    """A whole network. Returns the head's result, or a dict of it and the declared outputs."""

    _plan: Any
    _outputs: dict[str, str]

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        """Map (batch, channels, *size) to the head's result, with outputs a dict of tensors."""
        results: Results = {}
        y = self._plan.run(self, x, results)
        if not self._outputs:
            return y
        return {**{name: results[key] for name, key in self._outputs.items()}, "output": y}


def build(network: tree.Network) -> NetworkModule:
    """A live model with fresh initial weights, in evaluation of whatever dtype is the default."""
    with torch.device("meta"):
        model = NetworkModule()
        _fill(model, network, "")
        model._plan = _network_plan(network)
        model._outputs = dict(network.outputs)
    model.to_empty(device=torch.get_default_device())
    initialise(model, network)
    return model


def initialise(model: nn.Module, network: tree.Network) -> None:
    """Start every parameter as the spec says, and statistics at zero and one."""
    with torch.no_grad():
        for layer in tree.layers(network):
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


def _fill(owner: nn.Module, node: tree.Node, prefix: str) -> None:
    """Register the modules of ``node`` in ``owner``, whose path is ``prefix``."""
    for item, module in _modules(node):
        path: str = item.path  # type: ignore[attr-defined]
        names = path[len(prefix) :].split(".")
        parent = owner
        for name in names[:-1]:
            if name not in parent._modules:
                parent.add_module(name, nn.Module())
            parent = parent._modules[name]
        parent.add_module(names[-1], module)


def _modules(node: tree.Node) -> Iterator[tuple[tree.Node, nn.Module]]:
    """The outermost nodes inside ``node`` that are modules of their own, each with its module."""
    for child in node.children:
        if isinstance(child, tree.Layer):
            yield child, make_module(ROWS[child.op.kind](child))
        elif isinstance(child, tree.Block):
            yield child, _block(child)
        elif isinstance(child, tree.Stage):
            yield from _modules(child.between)
            yield child, _stage(child)
        elif is_plain(child):
            yield child, nn.Sequential(*(module for _, module in _modules(child)))
        else:
            yield from _modules(child)


def is_plain(node: tree.Node) -> bool:
    """Whether a named sequence is nothing but modules in a row, with indices from 0."""
    if not isinstance(node, tree.Sequence) or node.path is None:
        return False
    rows = _opened(node)
    return bool(rows) and all(
        isinstance(item, tree.Layer | tree.Block) and item.path == f"{node.path}.{index}"
        for index, item in enumerate(rows)
    )


def _opened(node: tree.Sequence) -> list[tree.Node]:
    """The items of a sequence, unnamed sequences inside it opened."""
    items: list[tree.Node] = []
    for item in node.items:
        if isinstance(item, tree.Sequence) and item.path is None:
            items += _opened(item)
        else:
            items.append(item)
    return items


def _block(block: tree.Block) -> BlockModule:
    module = BlockModule()
    prefix = f"{block.path}."
    _fill(module, block.body, prefix)
    module._plan = _plan(block.body, prefix)
    return module


def _stage(stage: tree.Stage) -> nn.Sequential:
    container = nn.Sequential()
    for block in stage.blocks:
        name = block.path[len(stage.path) + 1 :]
        container.add_module(name, _block(block))
    return container


def _network_plan(network: tree.Network) -> _Row:
    plans: list[Any] = [_plan(network.stem, "")]
    for stage in network.stages:
        plans.append(_plan(stage.between, ""))
        plans.append(_Keep(_Through(tuple(stage.path.split("."))), stage.path))
    plans.append(_plan(network.head, ""))
    return _Row(tuple(plans))


def _plan(node: tree.Node, prefix: str) -> Any:
    """How the modules of ``node`` are wired."""
    match node:
        case tree.Layer() | tree.Block():
            return _Through(tuple(node.path[len(prefix) :].split(".")))
        case tree.Sequence() if is_plain(node) and node.path is not None:
            return _Through(tuple(node.path[len(prefix) :].split(".")))
        case tree.Sequence():
            return _Row(tuple(_plan(item, prefix) for item in node.items))
        case tree.Residual():
            return _Merge((_plan(node.body, prefix), _plan(node.shortcut, prefix)), "add")
        case tree.Gate():
            return _Merge((_Row(()), _plan(node.body, prefix)), "mul")
        case tree.Branches():
            return _Merge(tuple(_plan(path, prefix) for path in node.paths), node.merge)
        case tree.Reference():
            return _Take(node.names, node.merge)
        case tree.Tap():
            return _Keep(_plan(node.body, prefix), node.name)
    raise AssertionError(node)  # pragma: no cover
