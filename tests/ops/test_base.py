"""What holds for every op: its declaration, and the errors that blame an attribute."""

from __future__ import annotations

import pytest

from netspec.ops import OPS, Op, attributes_of
from netspec.ops.base import OpError, RangeError, require, require_map, require_positive
from netspec.ops.convolution import Conv
from netspec.ops.types import TensorType

every_op = pytest.mark.parametrize("kind", sorted(OPS))


@every_op
def test_declares_what_documentation_and_schema_need(kind: str) -> None:
    op = OPS[kind]
    assert op.kind == kind
    assert op.label.isidentifier()
    assert op.__doc__
    for name, info in attributes_of(op).items():
        assert name == info.name
        assert info.doc, name


def test_labels_are_one_per_kind_but_for_global_pools() -> None:
    labels = [op.label for op in OPS.values()]
    assert sorted(label for label in labels if labels.count(label) > 1) == [
        "avgpool",
        "avgpool",
        "maxpool",
        "maxpool",
    ]


def test_attributes_come_in_the_order_of_declaration() -> None:
    found = attributes_of(Conv)
    assert list(found)[:4] == ["out", "kernel", "stride", "dilation"]
    assert found["kernel"].required
    assert not found["stride"].required
    assert found["stride"].default == 1


def test_the_base_is_no_op() -> None:
    with pytest.raises(TypeError):
        Op()  # type: ignore[abstract]


def test_ops_do_not_change() -> None:
    with pytest.raises(AttributeError):
        OPS["relu"]().kind = "other"  # type: ignore[misc]


def test_errors_blame_an_attribute() -> None:
    conv = Conv(out=4, kernel=(3, 0), stride=(1, 1), dilation=(1, 1))
    with pytest.raises(RangeError, match="`kernel` must be at least 1, got 0") as caught:
        require_positive(conv, "out", "kernel")
    assert caught.value.attribute == "kernel"
    with pytest.raises(OpError, match="message") as other:
        require(False, "message", "name", help="do this")
    assert (other.value.attribute, other.value.help) == ("name", "do this")
    require(True, "message")
    with pytest.raises(OpError, match=r"`x` needs a map .* vector of 7 features"):
        require_map(TensorType(7, ()), "x")


def test_ops_are_the_same_where_they_are_one() -> None:
    """Their numbers may vary over instances, so that comparing them would be a question without an answer."""
    found, waiting = [], [Op]
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].__subclasses__()
    assert len(found) > len(OPS)
    for op in found:
        assert op.__eq__ is object.__eq__
        assert op.__hash__ is object.__hash__
