"""Networks with other outputs: results of stages, and no head, for whoever builds something else on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from netspec.errors import UsageError, did_you_mean
from netspec.ir.analysis import stride_of
from netspec.ir.passes.kept import kept_attributes
from netspec.ir.passes.remove_dead import RemoveDead
from netspec.ir.program import MERGING, Node, Program, Region, Value


def with_outputs(program: Program, outputs: Sequence[str], headless: bool) -> Program:
    """The network with these outputs besides its own, or, ``headless``, with these alone.

    Args:
        program: the network.
        outputs: each the name of a result, of an output or of a stage, or ``c2`` for the last map of a quarter of the
            input's size ahead of the head (Lin et al., 2017, call them so), and so on; with ``name=`` ahead of it
            where the output has another name.
        headless: whether what leads to none of them goes.

    Raises:
        UsageError: there is no such result, two outputs would have one name, or nothing is asked for.
    """
    results = _results(program)
    found: dict[str, Value] = {} if headless else {**program.outputs}
    own = found.pop("output", None)
    if not outputs:
        raise UsageError("--headless: takes --outputs, which say what is left")
    for text in outputs:
        name, _, result = text.rpartition("=")
        value = _value(program, result, results)
        name = name or result.replace(".", "_")
        if not name.isidentifier() or name in found:
            raise UsageError(
                f"--outputs: `{name}` is no name for an output, or the second of that name"
            )
        found[name] = value
    if own is not None and own not in found.values():
        found["output"] = own
    kept = program.training_only & found.keys()
    changed = replace(program, outputs=found, training_only=frozenset() if headless else kept)
    if not headless:
        return changed
    trimmed = RemoveDead().run(changed).program
    if trimmed.main.result not in trimmed.outputs.values():
        raise UsageError("--headless: what is left ends in something that is none of the outputs")
    return replace(trimmed, arguments=_used(trimmed))


def _results(program: Program) -> dict[str, Value]:
    """Every result that an output may be, by its name."""
    found: dict[str, Value] = {}
    for value in _line(program):
        stride = stride_of(program, value)
        level = (stride or 0).bit_length() - 1
        if stride and stride == 2**level:
            found[f"c{level}"] = value
    found |= {stage.path: stage.result for stage in program.stages}
    for node in program.nodes:
        for value in node.outputs:
            name = program.names.get(value.id, {}).get("")
            if name is not None:
                found[name] = value
    return found | {**program.outputs}


def _line(program: Program) -> Iterator[Value]:
    """What steps and blocks of the stem and of the stages give, in order."""
    for part in program.main.items[:-1]:
        yield from _given(part)


def _given(item: Node | Region) -> Iterator[Value]:
    """What an item gives, or one after another all that stand in it, where they do so in a row."""
    if isinstance(item, Region) and item.kind not in ("block", *MERGING):
        for inner in item.items:
            yield from _given(inner)
    else:
        yield item.outputs[0]


def _value(program: Program, name: str, results: Mapping[str, Value]) -> Value:
    if name in results:
        return results[name]
    hint = did_you_mean(name, results) or "there are " + ", ".join(f"`{each}`" for each in results)
    raise UsageError(f"`{program.model_name}` has no result `{name}`; {hint}")


def _used(program: Program) -> dict[str, Any]:
    """The arguments that what is left depends on."""
    return {
        name: value
        for name, value in program.arguments.items()
        if kept_attributes(replace(program, arguments={name: value}))
    }
