"""What published weights call the layers, as a spec that was written says it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.lang.schema.syntax import Checkpoint
from netspec.unparse.document import Braces, Brackets, is_short
from netspec.weights.published import published_names, published_tensors


def checkpoints_data(
    checkpoints: Mapping[str, Checkpoint], program: Program, again: Program
) -> dict[str, Any]:
    """The entries of ``checkpoints`` that mean for ``again``, which was written, what they do for ``program``.

    They tell layers by paths, by their order and by the stages that they are in, and a fingerprint only says
    that paths are the same.
    """
    found = {}
    for name, checkpoint in checkpoints.items():
        meaning = _meaning(program, checkpoint)
        if meaning is not None and meaning == _meaning(again, checkpoint):
            found[name] = _entry(checkpoint)
    return found


def _meaning(program: Program, checkpoint: Checkpoint) -> Any:
    """What it calls the layers, and which sums it turns round; None where it has no names for them."""
    try:
        names = published_names(program, checkpoint), published_tensors(program, checkpoint)
    except NetspecError:
        return None
    joins = {program.producers[r.result.id].path for r in program.main.regions("residual")}
    return names, joins if checkpoint.shortcut_first else None


def _entry(checkpoint: Checkpoint) -> dict[str, Any]:
    entry = {
        "framework": checkpoint.framework,
        "doc": checkpoint.doc,
        "layers": dict(checkpoint.layers),
        "tensors": {
            pattern: Braces(name=each.name, shape=Brackets(each.shape)) if each.shape else each.name
            for pattern, each in checkpoint.tensors.items()
        },
        "counted": Braces(checkpoint.counted),
        "shortcut_first": checkpoint.shortcut_first,
    }
    found = {key: value for key, value in entry.items() if value}
    is_one_line = not (checkpoint.layers or checkpoint.tensors) and is_short(found)
    return Braces(found) if is_one_line else found
