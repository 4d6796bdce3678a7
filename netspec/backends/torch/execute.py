"""Executes what rows say: makes modules, and starts their parameters."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from netspec.backends.torch import channels, same, support
from netspec.backends.torch.initial import init_call
from netspec.codegen.calls import Call, execute
from netspec.ir import Layer


def resolve(target: str) -> Any:
    """The object behind a name in a row."""
    first, *rest = target.split(".")
    if not rest:
        return next(vars(each)[first] for each in (same, channels, support) if hasattr(each, first))
    found: Any = {"F": F, "nn": nn, "operator": operator, "torch": torch}[first]
    for name in rest:
        found = getattr(found, name)
    return found


def make_module(call: Call) -> nn.Module:
    """The module that a row's call describes."""
    return execute(call, resolve)


def initialise(model: nn.Module, layers: Iterable[Layer]) -> None:
    """Start every parameter of layers as the spec says, and statistics at zero and one."""
    with torch.no_grad():
        for layer in layers:
            parameters = layer.op.parameters(layer.source)
            if not parameters:
                continue
            module = model.get_submodule(layer.path)
            for parameter in parameters:
                tensor = getattr(module, parameter.name)
                execute(init_call(parameter, layer.source, tensor), resolve)
                if parameter.role == "frozen":
                    tensor.requires_grad_(False)
            if getattr(module, "num_batches_tracked", None) is not None:
                module.num_batches_tracked.zero_()
