"""The verifier of programs: what every consumer may rely on, in one sweep."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.errors import InternalError
from netspec.ir.program import Node, Program, Region, Value
from netspec.ops import Op, OpError
from netspec.ops.types import FlatLayout, TensorType


def check_program(program: Program, after: str = "elaboration") -> None:
    """Raise :class:`InternalError` where ``program`` is not sound, which only netspec can cause.

    Every value is given once, ahead of what takes it, with the type that the op gives, facts too; paths
    are unique; what flows through a region is there; all that is computed is used.

    Args:
        program: the program.
        after: what made it, for the message.
    """
    for problem in _problems(program):
        raise InternalError(f"after {after}: {problem}")


def _problems(program: Program) -> Iterator[str]:
    known = {value.id: value for value in program.inputs}
    if program.input_names and len(program.input_names) != len(program.inputs):
        yield f"{len(program.inputs)} inputs have {len(program.input_names)} names"
    paths: set[str] = set()
    sound: set[tuple[Op, tuple[TensorType, ...]]] = set()  # equal blocks share ops and types
    for node in program.nodes:
        for value in node.inputs:
            if known.get(value.id) is not value:
                yield f"`{node.path}` takes %{value.id}, which nothing ahead of it gives"
        key = (node.op, tuple([value.type for value in (*node.inputs, *node.outputs)]))
        if key not in sound:
            yield from _wrong_types(node)
            sound.add(key)
        for value in node.outputs:
            if value.id in known:
                yield f"%{value.id} is given twice, by `{node.path}` the second time"
            known[value.id] = value
        if node.path in paths:
            yield f"two ops are named `{node.path}`"
        paths.add(node.path)
    yield from _wrong_regions(program.main, known)
    if program.main.result not in program.evaluation_outputs.values():
        yield "there is no `output`: what flows out of the network is none of its outputs"
    for name in sorted(program.training_only - program.outputs.keys()):
        yield f"`{name}` is for training alone, and no output"
    for name, value in program.outputs.items():
        if known.get(value.id) is not value:
            yield f"the output `{name}` is %{value.id}, which nothing gives"
    outputs = {value.id for value in program.outputs.values()}
    for node in program.nodes:
        for value in node.outputs:
            if not (program.uses[value.id] or value.id in outputs):
                yield f"nothing uses what `{node.path}` gives: %{value.id}"


def _wrong_types(node: Node) -> Iterator[str]:
    try:
        expected = node.op.types(*(value.type for value in node.inputs))
    except (OpError, ValueError) as error:
        yield f"`{node.path}`: {node.op.kind}: {error}"
        return
    if len(expected) != len(node.outputs):
        yield f"`{node.path}` gives {len(node.outputs)} values, and its op {len(expected)}"
        return
    for value, type in zip(node.outputs, expected, strict=True):
        if value.type.shape != type.shape:
            yield f"`{node.path}` gives {value.type}, and its op {type}"
        elif not _follows(value.type, type):
            yield f"what is claimed of the result of `{node.path}` does not follow from its op"


def _follows(claimed: TensorType, inferred: TensorType) -> bool:
    """Whether the facts that are claimed are among those that the op gives."""
    if claimed.non_negative and not inferred.non_negative:
        return False
    return claimed.flat is None or (
        inferred.flat is not None and _layout(claimed.flat) == _layout(inferred.flat)
    )


def _layout(flat: FlatLayout) -> tuple[object, ...]:
    return (flat.order, flat.channels, flat.size)


def _wrong_regions(main: Region, known: dict[int, Value]) -> Iterator[str]:
    waiting: list[tuple[Region, str]] = [(main, "")]
    while waiting:
        region, owner = waiting.pop()
        for value in (region.source, region.result):
            if known.get(value.id) is not value:
                name = region.path or region.kind
                yield f"%{value.id} flows through `{name}`, and nothing gives it"
        if region.kind in ("block", "sequence") and region.path:
            owner = region.path
        for item in region.items:
            if owner and item.path and not item.path.startswith(f"{owner}."):
                yield f"`{item.path}` stands in `{owner}`, and is not named so"
            if isinstance(item, Region):
                waiting.append((item, owner))
