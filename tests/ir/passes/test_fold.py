"""Norms and scales go into the layers beside them, and stay where that would be wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netspec.ir import Node, Value
from netspec.ir.check import check_program
from netspec.ir.passes import optimize
from netspec.ir.rewrite import rewrite
from netspec.ops import Op, attributes_of
from netspec.ops.convolution import Conv
from netspec.ops.normalization import BatchNorm
from tests.support.networks import network_of
from tests.support.optimizing import checked, kinds, told

CONV = "conv: {out: 8, kernel: 3, bias: false}"


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (f"{CONV}\nbatch_norm", ["conv"]),
        ("conv: {out: 8, kernel: 3}\nbatch_norm: {eps: 0.1}", ["conv"]),
        (f"{CONV}\nbatch_norm: {{affine: false}}\nrelu", ["conv", "relu"]),
        ("conv: {out: 8, kernel: 3, groups: 2, stride: 2}\nbatch_norm", ["conv"]),
        ("conv: {kernel: 3, depthwise: true, bias: false}\nbatch_norm", ["conv"]),
        ("conv: {out: 12, kernel: 3, depthwise: true, padding: same}\nbatch_norm", ["conv"]),
        ("conv_transpose: {out: 4, kernel: 3, stride: 2}\nbatch_norm", ["conv_transpose"]),
        (
            "conv_transpose: {out: 4, kernel: 2, stride: 3, output_padding: 2, bias: false, groups: 2}\nbatch_norm",
            ["conv_transpose"],
        ),
        ("global_avg_pool\nlinear: {out: 4}\nbatch_norm", ["global_avg_pool", "linear"]),
        (f"{CONV}\nbatch_norm\nbatch_norm\nscale\nbatch_norm", ["conv"]),
        (f"{CONV}\nscale\nscale", ["conv"]),
        ("scale\nscale", ["scale"]),
        ("scale\nbatch_norm", ["scale"]),
        (f"{CONV}\nbatch_norm: {{affine: false}}\nscale: {{bias: true}}", ["conv"]),
        ("scale: {bias: true}\nconv: {out: 8, kernel: 1}", ["conv"]),
        ("linear: {out: 8, pointwise: true}\nbatch_norm: {frozen: all}", ["linear"]),
        ("relu\nbatch_norm\nscale", ["relu", "batch_norm"]),
        ("relu\nbatch_norm: {affine: false}\nscale", ["relu", "batch_norm"]),
        ("layer_norm\nscale\nbatch_norm", ["layer_norm"]),
        ("group_norm: {groups: 2, affine: false}\nbatch_norm", ["group_norm"]),
        # From ahead, where no zero of a padding would need a shift
        ("batch_norm\nconv: {out: 8, kernel: 1, groups: 2}", ["conv"]),
        ("batch_norm\nconv: {out: 8, kernel: 3, padding: valid, bias: false}", ["conv"]),
        ("batch_norm\nconv: {out: 8, kernel: 1, stride: 2, padding: same}", ["conv"]),
        ("scale\nconv: {out: 8, kernel: 3, groups: 2}", ["conv"]),
        (
            "global_avg_pool\nbatch_norm\nlinear: {out: 4, bias: false}",
            ["global_avg_pool", "linear"],
        ),
        ("batch_norm\nconv: {out: 8, kernel: 1}\nbatch_norm", ["conv"]),
        # Behind a flatten, which then can be absorbed
        (
            "flatten: {order: channels_last}\nbatch_norm\nlinear: {out: 4}",
            ["flatten", "linear"],
        ),
    ],
)
def test_what_is_folded(steps: str, expected: list[str]) -> None:
    found = checked(network_of(steps, (6, 9)))
    assert kinds(found.program) == expected


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ("batch_norm", "bn1: it takes an input of the network"),
        ("relu\nbatch_norm", "bn1: `relu` ahead of it, `relu`, has no weight to take it in"),
        (
            f"{CONV}\npad_channels: {{after: 2}}\nbatch_norm",
            "bn1: `pad_channels` ahead of it, `pad_channels`, has no weight to take it in",
        ),
        (
            f"{{{CONV}, as: a}}\nbatch_norm\nfrom: [a, bn]",
            "bn1: what `conv1` ahead of it gives has another use",
        ),
        (
            "relu\nbatch_norm\nconv: {out: 8, kernel: 3}",
            "bn1: `relu` ahead of it, `relu`, has no weight to take it in; `conv1` behind it pads with "
            "zeros, which have no share in the shift",
        ),
        (
            "batch_norm\nconv: {out: 8, kernel: 2, padding: same}",
            "bn1: it takes an input of the network; `conv1` behind it pads with zeros, which have no "
            "share in the shift",
        ),
        (
            "batch_norm\nconv_transpose: {out: 8, kernel: 3}",
            "bn1: it takes an input of the network; `conv_transpose1` behind it is a transposed "
            "convolution, whose taps do not all reach the border",
        ),
    ],
)
def test_what_stays_and_why(steps: str, reason: str) -> None:
    steps = steps.replace("batch_norm\nfrom: [a, bn]", "{batch_norm: {}, as: bn}\nfrom: [a, bn]")
    network = network_of(steps, (6, 9))
    found = checked(network)
    assert "batch_norm" in kinds(found.program)
    assert reason in told(found, is_done=False)


def test_what_is_an_output_stays() -> None:
    more = "outputs: {raw: c, normed: output}\n"
    network = network_of(f"{{{CONV}, as: c}}\nbatch_norm", (6, 9), more=more)
    found = checked(network)
    assert kinds(found.program) == ["conv", "batch_norm"]
    assert "bn1: what `conv1` ahead of it gives is an output" in told(found, is_done=False)


def test_a_norm_whose_result_is_an_output_stays_ahead_of_a_convolution() -> None:
    more = "outputs: {normed: b, mixed: output}\n"
    network = network_of("{batch_norm: {}, as: b}\nconv: {out: 4, kernel: 1}", (6, 9), more=more)
    assert kinds(checked(network).program) == ["batch_norm", "conv"]


def test_ops_that_stay_keep_their_paths_and_say_what_changed() -> None:
    found = checked(network_of(f"{CONV}\nbatch_norm\nrelu\n{CONV}", (6, 9)))
    check_program(found.program)
    first, relu, second = found.program.layers
    assert [first.path, relu.path, second.path] == ["conv1", "relu", "conv2"]
    assert isinstance(first.op, Conv)
    assert isinstance(second.op, Conv)
    assert (first.op.bias, second.op.bias) == (True, False)
    assert "bias" not in first.formulas
    assert "bias" in second.formulas
    assert "out" in first.formulas


def test_instances_of_a_block_may_come_out_different() -> None:
    more = "blocks: {b: {body: [batch_norm, relu, {conv: {out: 8, kernel: 3}}]}}\n"
    found = checked(network_of(f"{CONV}\nb\nmax_pool: {{kernel: 2}}\nb", (6, 9), more=more))
    assert [n.path for n in found.program.nodes if isinstance(n.op, BatchNorm)] == ["b2.bn1"]


class Standardised(Conv):
    """What a distribution might make of a convolution: its weight is not what its values say."""

    kind = "standardised"


class Whitening(BatchNorm):
    """The same of a norm."""

    kind = "whitening"


@pytest.mark.parametrize(
    ("kind", "other", "left"),
    [
        (Conv, Standardised, ["standardised", "batch_norm", "relu", "conv"]),
        (BatchNorm, Whitening, ["conv", "whitening", "relu", "conv"]),
    ],
)
def test_nothing_is_known_of_ops_that_are_derived_from_these(
    kind: type[Op], other: type[Op], left: list[str]
) -> None:
    program = network_of(f"{CONV}\nbatch_norm\nrelu\n{CONV}", (6, 9))

    def change(node: Node, inputs: tuple[Value, ...]) -> Node:
        op = node.op
        if isinstance(op, kind) and node.path != "conv2":
            op = other(**{name: getattr(op, name) for name in attributes_of(kind)})
        return replace(node, op=op, inputs=inputs)

    assert kinds(optimize(rewrite(program, change), "inference").program) == left
