"""Where an attribute of a layer comes from: the step, the spec's defaults, the language's."""

from __future__ import annotations

import pytest

from netspec.ops.activation import LeakyRelu, Relu
from netspec.ops.convolution import Conv
from netspec.ops.initializers import GLOROT_UNIFORM, Constant, VarianceScaling
from netspec.ops.normalization import BatchNorm, GroupNorm
from tests.elaborate.conftest import compiled, marked, ops, problem


def conv(text: str) -> Conv:
    found = next(op for op in ops(text).values() if isinstance(op, Conv))
    return found


def norm(text: str) -> BatchNorm:
    found = next(op for op in ops(text).values() if isinstance(op, BatchNorm))
    return found


def test_the_step_wins_over_defaults_and_they_over_the_language() -> None:
    text = "defaults: {conv: {bias: false, stride: 2}}\nstem: [{conv: {out: 4, kernel: 3, stride: 1}}]\n"
    found = conv(text)
    assert (found.bias, found.stride, found.groups) == (False, (1, 1), 1)


def test_attributes_merge_one_by_one_and_an_init_is_replaced_whole() -> None:
    text = (
        "defaults: {conv: {init: {variance_scaling: {scale: 3.0, mode: fan_out}}}}\n"
        "stem: [{conv: {out: 4, kernel: 3, init: {variance_scaling: {mode: fan_in}}}}]\n"
    )
    assert conv(text).init == VarianceScaling(1.0, "fan_in", "truncated_normal")
    assert conv("stem: [{conv: {out: 4, kernel: 3}}]\n").init == GLOROT_UNIFORM


def test_defaults_are_evaluated_where_the_spec_stands() -> None:
    text = (
        "params: {w: 5}\n"
        "defaults: {conv: {out: w + channels}}\n"
        "blocks: {b: {params: {w: 1}, body: [{conv: {kernel: 1}}, {conv: {kernel: 1}}]}}\n"
        "stem: [b]\n"
    )
    assert [op.out for op in ops(text).values() if isinstance(op, Conv)] == [8, 13]


def test_defaults_reach_into_built_in_blocks() -> None:
    text = "defaults: {conv: {bias: false}, batch_norm: {eps: 0.5}}\nstem: [{basic: {width: 4}}]\n"
    found = ops(text)
    assert not any(op.bias for op in found.values() if isinstance(op, Conv))
    assert {op.eps for op in found.values() if isinstance(op, BatchNorm)} == {0.5}


def test_built_in_blocks_state_what_they_depend_on() -> None:
    text = "defaults: {conv: {bias: false}}\nstem: [squeeze_excite]\n"
    assert all(op.bias for op in ops(text).values() if isinstance(op, Conv))


def test_roles_of_the_language() -> None:
    found = ops("stem: [norm, act]\n")
    assert {path: type(op) for path, op in found.items()} == {"bn1": BatchNorm, "relu": Relu}


def test_a_role_is_replaced_whole_and_takes_attributes_of_its_op() -> None:
    text = (
        "defaults:\n"
        "  batch_norm: {momentum: 0.3}\n"
        "  norm: {batch_norm: {eps: 0.25}}\n"
        "stem: [{norm: {init: {constant: 2}}}]\n"
    )
    found = norm(text)
    assert (found.eps, found.momentum, found.init) == (0.25, 0.3, Constant(2))
    own = norm(text.replace("{init: {constant: 2}}", "{eps: 0.5}"))
    assert (own.eps, own.momentum) == (0.5, 0.3)


def test_a_role_may_be_another_op_or_steps() -> None:
    text = "defaults: {norm: {group_norm: {groups: 1}}, act: {leaky_relu: {slope: 0.2}}}\nstem: [norm, act]\n"
    assert [type(op) for op in ops(text).values()] == [GroupNorm, LeakyRelu]
    text = "defaults: {norm: {sequence: []}}\nstem: [norm, relu]\n"
    assert list(ops(text)) == ["relu"]
    text = "defaults: {act: {sequence: [relu, {dropout: {rate: 0.1}}]}}\nstem: [act]\n"
    assert list(ops(text)) == ["relu", "dropout"]


def test_a_role_sees_the_names_of_the_spec() -> None:
    text = (
        "params: {e: 0.25}\n"
        "defaults: {norm: {batch_norm: {eps: e}}}\n"
        "blocks: {b: {params: {e: 0.5}, body: [norm, {norm: {eps: e}}]}}\n"
        "stem: [b]\n"
    )
    assert [op.eps for op in ops(text).values() if isinstance(op, BatchNorm)] == [0.25, 0.5]


def test_arguments_of_a_role_that_is_no_op() -> None:
    text = "defaults: {act: {sequence: [relu]}}\nstem: [{act: {slope: 1}}]\n"
    assert problem(text).code == "NS206"


@pytest.mark.parametrize(
    ("step", "code", "message"),
    [
        ("conv: {out: 4}", "NS208", "`conv` needs `kernel`"),
        ("linear: {}", "NS208", "`linear` needs `out`"),
        ("linear: {out: 4}", "NS401", "needs a vector, got a map of 3×8×12"),
        ("norm: {slope: 1}", "NS101", "unknown key `slope`"),
    ],
)
def test_what_is_wrong_with_a_step(step: str, code: str, message: str) -> None:
    found = problem(f"stem: [{{{step}}}]\n")
    assert found.code == code
    assert message in found.message


def test_the_attribute_to_blame_is_marked_where_it_is_given() -> None:
    text = "stem:\n- conv: {out: 4, kernel: 3, stride: 0}\n"
    found = problem(text)
    assert (marked(text, found), found.path) == ("0", "conv1")


def test_bounds() -> None:
    assert problem("stem: [{conv: {out: 2 ** 40, kernel: 1}}]\n").code == "NS504"
    assert compiled("stem: [{conv: {out: 2 ** 24, kernel: 1}}]\n").target.channels == 2**24
