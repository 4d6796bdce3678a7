"""What generated source calls what the spec has no name for, and what it says once."""

from __future__ import annotations

import pytest

from netspec.api import loads
from tests.support.witnesses import check

HEAD = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 8]}\n"
PARAMS = "{w: 4, s: 1, flag: false, activation: {type: steps, default: relu}}"


def source(steps: list[str], *calls: str) -> str:
    """PyTorch source of a network of blocks of these steps, each called with one of these arguments."""
    body = "".join(f"    - {step}\n" for step in steps)
    called = "".join(f"  - b: {{{call}}}\n" for call in calls)
    compiled = loads(f"{HEAD}blocks:\n  b:\n    params: {PARAMS}\n    body:\n{body}stem:\n{called}")
    check(compiled)
    return compiled.generate("torch")


CONV = "{conv: {out: channels, kernel: 3, depthwise: depthwise}}"
UNITS = f"""\
{HEAD}blocks:
  unit:
    inline: true
    title: Unit
    params: {{depthwise: false}}
    body: [BODY]
stem:
  - {{name: a, unit: {{}}}}
  - {{name: b, unit: {{depthwise: true}}}}
  - {{name: c, unit: {{}}}}
  - {{name: d, unit: {{depthwise: true}}}}
"""


@pytest.mark.parametrize(
    ("body", "argument"),
    [
        (f"{CONV}, norm", "groups: int = 1"),
        # Where two ops have groups, the name says whose.
        (f"{CONV}, {{group_norm: {{groups: 2}}}}", "conv_groups: int = 1"),
    ],
)
def test_an_attribute_that_one_op_has_needs_no_place(body: str, argument: str) -> None:
    assert argument in loads(UNITS.replace("BODY", body)).generate("torch")


def test_one_module_serves_layers_whose_label_ends_in_a_digit() -> None:
    made = source(["{conv: {out: w, kernel: 3}}", "relu6"] * 2, "", "w: 6")
    assert made.count("nn.ReLU6()") == 1
    assert made.count("self.relu6(") == 2


def test_an_activation_that_a_test_decides_is_an_argument() -> None:
    decided = "activation: {when: {test: TEST, then: relu, else: hard_swish}}"
    calls = [decided.replace("TEST", test) for test in ("1 > 0", "1 < 0")]
    made = source(["{conv: {out: w, kernel: 3}}", "activation"], *calls)
    assert "activation: Callable[..., nn.Module]" in made
    assert "has_" not in made


def test_a_test_that_is_asked_twice_is_kept_once() -> None:
    made = source(
        [
            "{conv: {out: w, kernel: 3}}",
            "{when: {test: s == 1 and w == 4, then: [{name: extra, conv: {out: w, kernel: 1}}]}}",
            "residual: {when: s == 1 and w == 4, body: [{name: last, conv: {out: w, kernel: 1}}]}",
        ],
        "",
        "w: 5",
    )
    assert "has_shortcut" not in made
    assert "x = y if self.extra is None else y + x\n" in made


def test_a_flag_says_what_hangs_on_it() -> None:
    made = source(
        [
            "residual: {body: [{conv: {out: w, kernel: 3, stride: s}}], shortcut: [{when: "
            "{test: s != 1 or w != in_channels, then: [{subsample: {stride: s}}, {pad_channels: {after: w - in_channels}}]}}]}"
        ],
        "",
        "s: 2, w: 8",
        "w: 8",
    )
    assert "self.changes_shape = " in made


def test_what_is_called_on_one_of_two_has_a_line_of_its_own() -> None:
    made = source(
        [
            "branches: {shortcut: [{when: {test: s != 1, then: [{avg_pool: {kernel: 2, stride: s}}]}}, norm], "
            "body: [{conv: {out: w, kernel: 3, stride: s}}]}"
        ],
        "",
        "s: 2",
    )
    assert "shortcut = x if self.avgpool is None else self.avgpool(x)\n" in made
    assert "shortcut_" not in made


def test_a_case_that_another_covers_is_none() -> None:
    """At kernel 1 a convolution of padding `same` pads nothing, whatever else decides how it is made."""
    text = UNITS.replace("depthwise: false", "kernel: 1, stride: 1").replace(
        "BODY", "{conv: {out: 4, kernel: kernel, stride: stride, padding: same}}, relu"
    )
    for before, after in (
        ("{depthwise: true}", "{kernel: 3}"),
        ("{depthwise: true}", "{kernel: 3, stride: 2}"),
    ):
        text = text.replace(before, after, 1)
    made = loads(text)
    check(made)
    assert "kernel == 1" not in made.generate("torch")
