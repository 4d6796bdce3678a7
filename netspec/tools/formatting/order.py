"""The order of keys: that of the models where the language fixes the keys, the author's elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from netspec.lang.schema import models
from netspec.lang.schema.parameters import ParamModel
from netspec.ops import OPS, attributes_of
from netspec.ops.initializers import VarianceScaling
from netspec.tools.formatting.tree import Collection, Entry


@dataclass(frozen=True)
class Shape:
    """What a mapping, or each item of a list, is in the language.

    Attributes:
        keys: the fixed keys, in their order; those of the author follow ``ahead_of_rest`` of them.
        children: the names of the shapes of values, by key.
        others: the name of the shape of values under other keys.
    """

    keys: tuple[str, ...] = ()
    children: Mapping[str, str] = field(default_factory=dict)
    others: str = "any"
    ahead_of_rest: int | None = None


def _keys(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _shapes() -> dict[str, Shape]:
    sections = {"params": "params", "body": "step"}
    block_keys = _keys(models.BlockBody)
    # `stride` is an argument of a block, and stands where the author puts it among the others
    stage_keys = tuple(key for key in _keys(models.Stage) if key != "stride")
    combinators = {
        name: Shape(_keys(model), dict.fromkeys(_keys(model), "step"), others="step")
        for name, model in models.COMBINATOR_TYPES.items()
        if name != "sequence"
    }
    ops = {kind: Shape(tuple(attributes_of(op)), others="initializer") for kind, op in OPS.items()}
    kinds = {kind: kind for kind in (*ops, *combinators)} | {"sequence": "step"}
    scaling = tuple(field.name for field in dataclasses.fields(VarianceScaling))
    return {
        "any": Shape(),
        "spec": Shape(
            _keys(models.SpecModel),
            {
                "params": "params",
                "variants": "variants",
                "input": "input",
                "defaults": "defaults",
                "blocks": "blocks",
                "stem": "step",
                "stages": "stage",
                "head": "step",
                "checkpoints": "checkpoints",
            },
        ),
        "block file": Shape(("netspec", "block", *block_keys), sections),
        "blocks": Shape(others="block"),
        "block": Shape(block_keys, sections),
        "params": Shape(others="parameter"),
        "parameter": Shape(_keys(ParamModel), {"default": "step"}),
        "variants": Shape(others="call"),
        "input": Shape(_keys(models.InputModel), others="input"),
        "checkpoints": Shape(others="checkpoint"),
        "checkpoint": Shape(_keys(models.CheckpointModel), {"tensors": "tensors"}),
        "tensors": Shape(others="tensor"),
        "tensor": Shape(_keys(models.TensorModel)),
        "defaults": Shape(
            (*_keys(models.DefaultsModel), *ops), {**kinds, "norm": "step", "act": "step"}
        ),
        "step": Shape(models.META, kinds, others="call"),
        "call": Shape(others="step"),
        "stage": Shape(
            stage_keys,
            {"between": "step", "first": "call", "last": "call"},
            others="step",
            ahead_of_rest=stage_keys.index("stride_at"),
        ),
        "initializer": Shape(others="scaling"),
        "scaling": Shape(scaling),
        **ops,
        **combinators,
    }


SHAPES: Mapping[str, Shape] = _shapes()


def root_shape(keys: Iterable[str]) -> str:
    """The shape of a file with these keys."""
    return "block file" if "block" in keys else "spec"


def ordered(collection: Collection, shape: str) -> list[Entry]:
    """The entries of a collection in their order."""
    known = SHAPES[shape]
    if not collection.mapping or not known.keys:
        return collection.entries
    rest = len(known.keys) if known.ahead_of_rest is None else known.ahead_of_rest
    places = {key: number for number, key in enumerate(known.keys)}

    def place(entry: Entry) -> float:
        return places.get(key_of(entry), rest - 0.5)

    return sorted(collection.entries, key=place)


def key_of(entry: Entry) -> str:
    """The key of an entry, where it is a plain one; quoted ones stand for themselves."""
    if entry.key is None or len(entry.key.lines) != 1:
        return ""
    text = entry.key.lines[0]
    return text[1:-1] if text[:1] in "'\"" else text


def shape_below(shape: str, entry: Entry) -> str:
    """The shape of the value of an entry."""
    if entry.key is None:
        return shape
    known = SHAPES[shape]
    return known.children.get(key_of(entry), known.others)
