"""Steps whose results nothing uses: they would be parameters without a gradient, and Keras has no place
for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from netspec.errors import Diagnostic, NetspecError
from netspec.ir import Node, Program, Region
from netspec.ir.program import MERGING, read_values


def check_liveness(program: Program) -> None:
    """Raise :class:`NetspecError`, with every such step, unless all that is computed reaches an output."""
    unused = [
        Diagnostic(
            "NS409", f"nothing uses the input `{name}`", span, f"take it with `from: {name}`"
        )
        for (name, span), value in zip(program.input_names.items(), program.inputs, strict=False)
        if not program.uses[value.id] and value not in program.outputs.values()
    ]
    if unused:
        raise NetspecError(unused)
    dead = _dead(program)
    used = {value.id for node in dead for value in read_values(node)}
    ends = [node for node in dead if not any(value.id in used for value in node.outputs)]
    problems = [*_unused_parts(program, set(dead))]
    if ends:
        words = {
            program.producers[region.result.id].path: region.kind
            for region in program.main.regions(*MERGING)
        }
        of_blocks = _results_of_blocks(program)
        for node in ends:
            found = of_blocks.get(node.outputs[0].id)
            word = words.get(node.path, node.op.kind)
            problems.append(_unused(node, word) if found is None else _unused_result(node, found))
    if problems:
        raise NetspecError(problems)


def _dead(program: Program) -> list[Node]:
    """The ops from which no way leads to an output."""
    live = program.leading_to(program.outputs.values(), read_values)
    return [node for node in program.nodes if node not in live]


def _unused_parts(program: Program, dead: set[Node]) -> Iterator[Diagnostic]:
    """Of ops that are used, the results that nothing uses: what is cut off could be left out ahead of it."""
    outputs = {value.id for value in program.outputs.values()}
    for node in program.nodes:
        if len(node.outputs) == 1 or node in dead:
            continue
        for number, value in enumerate(node.outputs, 1):
            takers = [node for node in program.uses[value.id] if value in read_values(node)]
            if value.id not in outputs and all(taker in dead for taker in takers):
                name = next(iter(program.names.get(value.id, {}).values()), "")
                yield Diagnostic(
                    "NS409",
                    f"nothing uses {f'`{name}`, ' if name else ''}result {number} of this `{node.op.kind}`",
                    node.span,
                    "each result is to be used: a later step takes it with `from`",
                    node.path,
                )


def _results_of_blocks(program: Program) -> dict[int, tuple[Region, int]]:
    """What blocks give besides what flows on, by the value's id: the outermost block, and which result it is."""
    found: dict[int, tuple[Region, int]] = {}
    for region in program.main.regions("block", "inline"):
        for number, value in enumerate(region.outputs[1:], 2):
            found.setdefault(value.id, (region, number))
    return found


def _unused_result(node: Node, found: tuple[Region, int]) -> Diagnostic:
    region, number = found
    assert region.definition is not None
    return Diagnostic(
        "NS409",
        f"nothing uses result {number} of this `{region.definition.name}`, for which `{node.path}` is computed",
        region.span,
        "take it with `from`, or compute it under a `when` that an argument turns off",
        region.path or node.path,
    )


def _unused(node: Node, kind: str) -> Diagnostic:
    word = "concatenation" if kind == "branches" and node.op.kind == "concat" else kind
    return Diagnostic(
        "NS409",
        f"nothing uses the result of this `{word}`",
        node.span,
        "a step with `from` takes named results instead of what flows in; name this result with `as` "
        "and take it too, or leave the step out",
        node.path,
    )
