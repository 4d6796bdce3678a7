"""The general form of a block: one body for several of its instances, numbers that differ kept free.

The elaborator expands the block once, on varying numbers. Where instances differ by more than numbers
and choices can say, :class:`~netspec.symbolic.Diverges` is raised, and they become two classes.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netspec.codegen.second import tree
from netspec.codegen.second.meaning import canonical
from netspec.codegen.second.scope import BlockValue, Names, StepsValue
from netspec.codegen.second.steps import Elaborator
from netspec.errors import InternalError, NetspecError
from netspec.schema.syntax import BlockDefinition, Param
from netspec.symbolic import Diverges, Varying, named, value_at, vary
from netspec.types import TensorType

IN_CHANNELS = "in_channels"


@dataclass(frozen=True, eq=False)
class GeneralBlock:
    """One body for several instances of a block.

    Attributes:
        definition: the block.
        instances: the blocks of the network that it stands for, in order.
        arguments: the value of each parameter: plain, or varying under the parameter's name.
        source: the type that enters; its channels may vary.
        body: the steps, with paths relative to the instance's.
        local: values that the block names, in order, each with its formula.
    """

    definition: BlockDefinition
    instances: tuple[tree.Block, ...]
    arguments: Mapping[str, Any]
    source: TensorType
    body: tree.Sequence
    local: Mapping[str, Varying]


def generalise(
    definition: BlockDefinition, instances: Sequence[tree.Block], elaborator: Elaborator
) -> GeneralBlock:
    """The general form of ``instances``; raises :class:`Diverges` when they have none.

    Ensures that the form, taken at each instance, is that instance; else :class:`InternalError`.
    """
    ranks = [block.source.rank for block in instances]
    decide(ranks)
    channels = _numbers(IN_CHANNELS, [block.source.channels for block in instances])
    size = tuple(
        vary(None, [block.source.size[axis] for block in instances]) for axis in range(ranks[0])
    )
    source = TensorType(channels, size, all(block.source.non_negative for block in instances))
    hidden = frozenset((*definition.params, *definition.let))
    arguments = {
        name: _argument(param, [block.arguments[name] for block in instances], hidden)
        for name, param in definition.params.items()
    }
    local: dict[str, Varying] = {}
    outer = elaborator.environment
    elaborator.environment = _merged_environment([outer] * len(instances), hidden)
    elaborator.restart_counts()
    try:
        totals = elaborator.count_labels(definition.body, arguments)
        span = instances[0].span or definition.span
        body = elaborator.expand(definition, arguments, source, Names("", totals), (), span, local)
        general = GeneralBlock(definition, tuple(instances), arguments, source, body, local)
        _verify(general)
    except (NetspecError, InternalError):
        # Slots that say the same in other scopes were taken for one; they are not.
        decide([_scopes(block) for block in instances])
        # In a container that numbers its steps, a slot without steps shifts the names behind it.
        decide([_filled(block) for block in instances])
        raise
    finally:
        elaborator.environment = outer
    return general


def _scopes(block: tree.Block) -> tuple[str, ...]:
    """Which slots hold steps that the block itself declares, with its own names for a scope."""
    return tuple(
        name
        for name, value in block.arguments.items()
        if isinstance(value, StepsValue) and value.environment is None
    )


def _filled(block: tree.Block) -> tuple[bool, ...]:
    """Which slots hold steps."""
    values = block.arguments.values()
    return tuple(bool(value.steps) for value in values if isinstance(value, StepsValue))


def decide(values: Sequence[Any]) -> None:
    """Raise :class:`Diverges` unless all values are one."""
    if any(value != values[0] for value in values[1:]):
        raise Diverges(Varying(None, tuple(values), False))


def _numbers(name: str, values: list[Any]) -> Any:
    kept = any(isinstance(value, Varying) for value in values)
    return named(name, [value_at(value, 0) for value in values], kept)


def _argument(param: Param, values: list[Any], hidden: frozenset[str]) -> Any:
    first = values[0]
    if isinstance(first, StepsValue):
        return _slot(param, values, hidden)
    if isinstance(first, BlockValue):
        decide([value.definition.name for value in values])
        return first
    if isinstance(first, str):
        decide(values)
        return first
    if isinstance(first, list):
        return _list(param, values)
    return _numbers(param.name, values)


def _list(param: Param, values: list[list[Any]]) -> list[Any]:
    """A list with each element on its own: what differs is printed as an element of the parameter."""
    decide([len(value) for value in values])
    return [
        vary(ast.Subscript(ast.Name(param.name), ast.Constant(index)), list(elements))
        for index, elements in enumerate(zip(*values, strict=True))
    ]


def _slot(param: Param, values: list[StepsValue], hidden: frozenset[str]) -> StepsValue:
    """One list of steps; where some instances pass it and the others none, under a flag."""
    filled = [value for value in values if value.steps]
    if not filled:
        return values[0]
    decide([value.key if value.steps else filled[0].key for value in values])
    given = [value.environment for value in filled if value.environment is not None]
    environment = None
    if given:
        # Where nothing was passed there is no scope either; any does, since it is never read.
        scopes = [v.environment if v.steps and v.environment else given[0] for v in values]
        environment = _merged_environment(scopes, hidden)
    flag = named(param.name, [bool(value.steps) for value in values])
    merged = replace(filled[0], environment=environment)
    return merged if flag is True else replace(merged, flag=flag)


def _merged_environment(
    scopes: Sequence[Mapping[str, Any]], hidden: frozenset[str]
) -> dict[str, Any]:
    """The names that steps from outside a block see, over all instances.

    Numbers that differ have no formula here: they are not parameters of the block. Nor have arguments
    of the whole network under a name in ``hidden``, which means something else in the block.
    """
    merged: dict[str, Any] = {}
    for name in dict.fromkeys(name for scope in scopes for name in scope):
        values = [scope.get(name) for scope in scopes]
        first = next(value for value in values if value is not None)
        if isinstance(first, Varying):
            # An argument of the whole network: the same name wherever it is used.
            node = None if name in hidden else first.node
            merged[name] = Varying(node, tuple(value_at(v, 0) for v in values), first.kept)
        elif isinstance(first, bool | int | float):
            merged[name] = vary(None, values)
        elif isinstance(first, list) and all(
            isinstance(v, list) and len(v) == len(first) for v in values
        ):
            merged[name] = [vary(None, list(items)) for items in zip(*values, strict=True)]
        else:
            merged[name] = first
    return merged


def _verify(general: GeneralBlock) -> None:
    for index, block in enumerate(general.instances):
        prefix = f"{block.path}."
        if canonical(general.body, index, prefix) != canonical(block.body):
            raise InternalError(
                f"{block.path}: the general form of `{general.definition.name}` is not this instance"
            )
