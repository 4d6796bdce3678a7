"""Programs whose blocks say all that they take and give: what else has an edge is no block of a spec."""

from __future__ import annotations

from dataclasses import replace

from netspec.ir import Node, Program, Region


def with_closed_blocks(program: Program) -> Program:
    """``program`` without the blocks that other values enter or leave than the one that flows.

    What they hold stands in what holds them, under the names that it has.
    """
    given = {value.id for value in program.outputs.values()}
    main = _opened(program.main, program, given)
    return program if main is program.main else replace(program, main=main)


def _opened(region: Region, program: Program, outputs: set[int]) -> Region:
    items: list[Node | Region] = [
        _opened(item, program, outputs) if isinstance(item, Region) else item
        for item in region.items
    ]
    is_same = all(new is old for new, old in zip(items, region.items, strict=True))
    found = region if is_same else replace(region, items=tuple(items))
    if region.kind == "block" and not _is_closed(region, program, outputs):
        return Region(
            "sequence", found.items, region.inputs[:1], region.outputs[:1], span=region.span
        )
    return found


def _is_closed(block: Region, program: Program, outputs: set[int]) -> bool:
    inside = set(block.nodes)
    made = {value.id for node in inside for value in node.outputs}
    known = made | {value.id for value in block.inputs}
    given = {value.id for value in block.outputs}
    if any(value.id not in known for node in inside for value in node.inputs):
        return False
    inner = made - given
    if inner & outputs or not given <= known:
        return False
    return all(user in inside for id in inner for user in program.uses[id])
