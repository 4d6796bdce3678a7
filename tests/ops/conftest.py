"""What the tests of single ops share."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.elaborate.arguments import default_attribute
from netspec.ops import OPS, Op, OpError, attributes_of
from netspec.ops.types import TensorType

MAP = TensorType(6, (9, 12), non_negative=True)
VECTOR = TensorType(10, (), non_negative=True)


def make(kind: str, source: TensorType = MAP, **attributes: Any) -> Op:
    """An op of ``kind`` on ``source``; a number stands for all axes where an attribute is per axis."""
    rank = source.rank
    values = {
        name: default_attribute(info.type, info.default, rank)
        for name, info in attributes_of(OPS[kind]).items()
        if not info.required
    }
    values |= {
        name: default_attribute(attributes_of(OPS[kind])[name].type, value, rank)
        for name, value in attributes.items()
    }
    return OPS[kind](**values).resolve(source)


def refusal(kind: str, source: TensorType = MAP, **attributes: Any) -> OpError:
    """The error that an op raises on ``source``."""
    with pytest.raises(OpError) as caught:
        make(kind, source, **attributes).infer(source)
    return caught.value


def shapes(op: Op, source: TensorType = MAP) -> dict[str, tuple[int, ...]]:
    """The shape of each parameter by name, in order."""
    return {p.name: p.shape for p in op.parameters(source)}
