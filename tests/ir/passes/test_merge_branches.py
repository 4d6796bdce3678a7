"""Linear branches that are added become one layer, where its taps cover theirs."""

from __future__ import annotations

import pytest

import netspec
from tests.support.networks import network_of
from tests.support.optimizing import checked, kinds, told

REPVGG = (
    "branches: {merge: add, dense: [{conv: {out: 6, kernel: 3, bias: false}}, batch_norm], "
    "pointwise: [{conv: {out: 6, kernel: 1, bias: false}}, batch_norm], identity: [batch_norm]}"
)


def branches(*convs: str) -> str:
    named = ", ".join(f"b{number}: [{steps}]" for number, steps in enumerate(convs))
    return f"branches: {{merge: add, {named}}}"


def conv(**attributes: object) -> str:
    pairs = {"out": 6, "kernel": 3, **attributes}
    return f"{{conv: {{{', '.join(f'{name}: {value}' for name, value in pairs.items())}}}}}"


@pytest.mark.parametrize(
    "steps",
    [
        REPVGG,
        REPVGG.replace("bias: false", "bias: false, groups: 2"),
        branches(conv(), conv(kernel="[1, 3]"), conv(kernel="[3, 1]", bias="false")),
        branches(conv(stride=2), conv(kernel=1, stride=2)),
        branches(conv(kernel=5), conv(dilation=2), conv(kernel=2, padding="[[1, 0], [0, 1]]")),
        branches(conv(padding="same"), conv(), "scale"),
        branches(conv(stride=2, padding="same"), conv(stride=2, padding="same", bias="false")),
        branches(conv(kernel=3, padding="[[0, 2], [1, 1]]"), conv(kernel=1), ""),
        branches(
            "{conv: {kernel: 3, depthwise: true}}", "{conv: {kernel: 1, depthwise: true}}", ""
        ),
        "residual: {body: [{conv: {out: 6, kernel: 3, bias: false}}]}",
        "{conv: {out: 6, kernel: 3}, as: c}\nfrom: [c, c]",
        # A norm behind the sum goes too
        branches(conv(), conv(kernel=1)) + "\nbatch_norm",
    ],
)
def test_what_becomes_one_convolution(steps: str) -> None:
    found = checked(network_of("relu\n" + steps, (6, 9)))
    assert kinds(found.program) == ["relu", "conv"]
    assert not told(found, is_done=False)
    paths = {node.path for node in checked(network_of("relu\n" + steps, (6, 9))).original.nodes}
    assert all(node.path in paths for node in found.program.nodes)


def transposed(**attributes: object) -> str:
    return conv(**attributes).replace("conv:", "conv_transpose:")


@pytest.mark.parametrize(
    "steps",
    [
        branches(transposed(stride=2, kernel=4), transposed(stride=2, kernel=2, bias="false")),
        branches(transposed(stride=2, padding="same"), transposed(stride=2, padding="same")),
        branches(transposed(stride=2, output_padding=1), transposed(kernel=2, stride=2)),
        branches(transposed(groups=2, dilation=2), transposed(groups=2, kernel=1), "scale", ""),
    ],
)
def test_what_becomes_one_transposed_convolution(steps: str) -> None:
    found = checked(network_of("relu\n" + steps, (6, 9)))
    assert kinds(found.program) == ["relu", "conv_transpose"]
    assert not told(found, is_done=False)


def test_linear_layers_over_three_axes_and_none() -> None:
    steps = branches(
        "{linear: {out: 6}}", "{linear: {out: 6, bias: false}}, batch_norm", "scale", ""
    )
    assert kinds(checked(network_of("global_avg_pool\n" + steps, (6, 9))).program) == [
        "global_avg_pool",
        "linear",
    ]
    volume = branches(conv(kernel=3), conv(kernel="[1, 3, 1]"), "")
    assert kinds(checked(network_of(volume, (4, 5, 6))).program) == ["conv"]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (branches(conv(groups=2), conv(kernel=1)), "the groups differ"),
        (
            branches(conv(kernel="[1, 3]"), conv(kernel="[3, 1]")),
            "the taps of the one do not fall on taps of the other",
        ),
        (
            branches(conv(dilation=2), conv()),
            "the taps of the one do not fall on taps of the other",
        ),
        (
            branches(conv(), conv(padding="[[0, 2], [0, 2]]")),
            "the taps of the one do not fall on taps of the other",
        ),
        (
            branches(conv(), conv(padding="[[2, 0], [2, 0]]")),
            "the taps of the one do not fall on taps of the other",
        ),
        (
            branches(conv(), conv(kernel=1).replace("conv", "conv_transpose")),
            "one of the two is transposed",
        ),
        (
            branches(conv(stride=2, padding="same"), conv(kernel=1, stride=2)),
            "where `padding: same` begins depends on the size of the input",
        ),
    ],
)
def test_what_stays_and_why(steps: str, reason: str) -> None:
    found = checked(network_of("relu\n" + steps, (6, 10)))
    assert "add" in kinds(found.program)
    (text,) = told(found, is_done=False)
    assert text.endswith(reason)


def test_strides_that_differ_where_the_sizes_are_equal() -> None:
    found = checked(network_of(branches(conv(stride=2), conv(stride=3)), (1, 1)))
    assert told(found, is_done=False) == [
        "add: `conv2` is added to `conv1`, and the strides differ"
    ]
    found = checked(network_of(branches(conv(stride=2), ""), (1, 1)))
    assert told(found, is_done=False) == [
        "add: what enters is added to `conv1`, and the stride is not 1"
    ]


def test_what_has_another_use_or_another_input_stays() -> None:
    used = (
        "{conv: {out: 6, kernel: 3}, as: a}\nrelu\n{conv: {out: 6, kernel: 3}, as: b}\nfrom: [a, b]"
    )
    assert kinds(checked(network_of(used, (6, 9))).program) == ["conv", "relu", "conv", "add"]
    projected = "residual: {body: [relu, {conv: {out: 6, kernel: 3}}], shortcut: [{conv: {out: 6, kernel: 1}}]}"
    found = checked(network_of(projected, (6, 9)))
    assert "add" in kinds(found.program)
    assert not told(found, is_done=False)


def test_a_branch_that_is_an_output_stays() -> None:
    steps = "{conv: {out: 6, kernel: 1}, as: a}\n{from: x, conv: {out: 6, kernel: 3}, as: b}\nfrom: [a, b]"
    more = "outputs: {one: a, sum: output}\n"
    network = network_of("{relu: {}, as: x}\n" + steps, (6, 9), more=more)
    assert kinds(checked(network).program) == ["relu", "conv", "conv", "add"]


def test_the_rest_of_a_sum_stays_a_sum() -> None:
    steps = branches(conv(), conv(kernel=1), "relu", "{conv: {out: 6, kernel: 1}}, relu")
    found = checked(network_of(steps, (6, 9)))
    assert sorted(kinds(found.program)) == ["add", "conv", "conv", "relu", "relu"]


def test_no_branch_is_merged_by_a_number_that_functions_keep_open() -> None:
    text = """
netspec: 1
name: kept
input: {channels: 4, size: [8, 10]}
params: {d: 1, classes: 3}
arguments: [d, classes]
blocks:
  b:
    params: {e: int}
    let: {f: e}
    body: [{branches: {merge: add, a: [{conv: {out: 4, kernel: 3, dilation: f}}], b: [{conv: {out: 4, kernel: 3}}]}}]
  ahead: {params: {e: int}, body: [relu, batch_norm, {conv: {out: 4, kernel: e}}]}
stem:
- b: {e: d}
- ahead: {e: d}
- global_avg_pool
- branches: {merge: add, a: [{linear: {out: classes}}], b: [{linear: {out: classes}}]}
"""
    found = checked(netspec.loads(text).network)
    assert kinds(found.program).count("linear") == 1
    assert kinds(found.program).count("conv") == 3
    assert "batch_norm" in kinds(found.program)
    assert any("`dilation` of `b.conv1`" in reason for reason in told(found, is_done=False))
