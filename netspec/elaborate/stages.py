"""What a stage gives to each of its blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netspec.elaborate.combinators import named_result
from netspec.elaborate.reader import Reader
from netspec.elaborate.row import Row
from netspec.elaborate.scope import decided_by_template, stage_indices
from netspec.errors import did_you_mean, fail
from netspec.ir import Value
from netspec.ir.formula import NETWORK_SCOPE, Formula
from netspec.ir.program import Decided
from netspec.lang.expression.unknown import is_unknown
from netspec.lang.schema.models import OF_STAGES
from netspec.lang.schema.syntax import Argument, BlockDefinition, StageSyntax
from netspec.ops.types import TensorType


def check_keys(entry: StageSyntax) -> None:
    """Raise :class:`NetspecError` where `first` or `last` sets what belongs to the stage."""
    for group in (entry.first, entry.last):
        for name in group:
            if name in OF_STAGES - {"block"}:
                raise fail("NS206", f"`{name}` belongs to the stage", group[name].key_span)


def check_parameters(definition: BlockDefinition, given: Mapping[str, Argument]) -> None:
    """Raise :class:`NetspecError` for an argument that the block of a stage lacks, or that no stage can give."""
    for name in sorted(OF_STAGES & definition.params.keys()):
        message = f"`{name}` is a key of stages, and block `{definition.name}` stands in one"
        help = "call the parameter otherwise: a stage could not give it"
        raise fail("NS223", message, definition.params[name].span, help=help)
    for name, argument in given.items():
        if name not in definition.params:
            known = {*definition.params, *OF_STAGES, "stride"}
            message = f"block `{definition.name}` has no parameter `{name}`"
            raise fail("NS206", message, argument.key_span, help=did_you_mean(name, known))


def arguments_of_block(
    entry: StageSyntax, index: int, count: int, reader: Reader
) -> dict[str, Argument]:
    """The arguments of block ``index`` of ``count``, before any of them is worked out."""
    given = dict(entry.arguments)
    if entry.stride is not None:
        at = 0 if entry.stride_at == "first" else count - 1
        given["stride"] = entry.stride if index == at else reader.stride_elsewhere(entry.stride)
    if index == 0:
        given |= entry.first
    if index == count - 1:
        given |= entry.last
    return given


def entering(
    entry: StageSyntax,
    definition: BlockDefinition,
    index: int,
    row: Row,
    results: Mapping[str, Value],
) -> tuple[Value, ...]:
    """What a block of a stage takes: what the one ahead of it gives, by position.

    The first takes what the stage lists behind `from`, among ``results``, or what flows into the stage.
    """
    count = definition.input_count
    what = f"block `{definition.name}` takes {count} input{'s' * (count > 1)}"
    if entry.inputs and index == 0:
        if len(entry.inputs) != count:
            message = f"{what}, and `from` names {len(entry.inputs)}"
            hint = "name a result for each input; what is to be merged is merged in `between`"
            raise fail("NS229", message, entry.spans.find(("from",)), help=hint)
        return tuple(named_result(name, results, place) for name, place in entry.inputs)
    given = row.values
    if count == 1 or len(given) == count:
        return given[:count]
    if is_unknown(row.type.channels):  # something is wrong ahead of it
        return given[:1] * count
    listed = ", ".join(definition.inputs)
    hint = f"name a result for each with the stage's `from: [{listed}]`"
    if index:
        hint = f"let the block ahead of it give as many `results`, for {listed}"
    message = f"{what}, and what stands ahead of it gives {len(given)}"
    raise fail("NS229", message, entry.block_span, help=hint)


def key_of_call(
    definition: BlockDefinition,
    arguments: Mapping[str, Argument],
    source: TensorType,
    reader: Reader,
) -> tuple[Any, ...] | None:
    """Equal for blocks of a stage whose arguments come to the same; None where each has to be worked out."""
    for name, argument in arguments.items():
        is_plain = isinstance(argument.value, str | int | float)
        if definition.params[name].type == "steps" or not is_plain:
            return None
        if reader.is_of_each_block(argument):
            return None
    return (definition, *arguments.values(), source.channels, source.size)


def repeated(entry: StageSyntax, count: int, environment: Mapping[str, Any]) -> dict[str, Any]:
    """What the region of a stage notes of its number of blocks."""
    formula = Formula(entry.repeat.node, NETWORK_SCOPE)
    return {"test": formula, "outcome": count, "indices": stage_indices(environment)}


def decided_by(entry: StageSyntax) -> Iterator[Decided]:
    """What decides how many stages and blocks an entry makes, and what they are called."""
    for what, expression in (("number of stages", entry.times), ("number of blocks", entry.repeat)):
        if expression is not None:
            formula = Formula(expression.node, NETWORK_SCOPE)
            yield Decided(f"a {what}", formula, expression.span)
    for key, name in (("name", entry.name), ("block_name", entry.block_name)):
        if name is not None:
            yield from decided_by_template(name, NETWORK_SCOPE, entry.spans.find((key,)))
