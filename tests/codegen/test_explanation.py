"""Why source is written as it is: each decision is told once, with its reason and its place in the spec."""

from __future__ import annotations

import pytest

import netspec

HEAD = "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 10]}\n"
UNIT = """\
blocks:
  unit:
    params: {s: {type: steps, default: []}, w: 4}
    body:
    - conv: {out: w, kernel: 1}
    - act
    - conv: {out: w, kernel: 1}
    - act
    - s
"""


def told(stages: str, backend: str = "torch") -> list[tuple[str, str, str]]:
    """The kind, the text and the place of each decision on a network of these stages."""
    found = netspec.explain(netspec.loads(f"{HEAD}{UNIT}stages:\n{stages}\n"), backend)
    places = [f"{d.span.line}:{d.span.column}" if d.span is not None else "" for d in found]
    return [
        (each.kind, f"{each.subject}: {each.reason}", place)
        for each, place in zip(found, places, strict=True)
    ]


SHARED = (
    "shared",
    "Unit.relu: one module for `relu1`, `relu2`, which hold nothing and have no names of their own",
    "",
)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("- {block: unit}", [SHARED]),
        (
            "- {block: unit, repeat: 4}",
            [SHARED, ("loop", "`layer1`, `0` to `3`: a loop, since the 4 calls are equal", "")],
        ),
        (
            "- {block: unit, repeat: 4, w: 4 + index}",
            [
                SHARED,
                (
                    "loop",
                    "`layer1`, `1` to `3`: a loop, since in the 3 calls"
                    " `in_channels` and `w` follow the index",
                    "",
                ),
            ],
        ),
        (
            "- {block: unit, s: [norm, dropout]}\n- {block: unit, s: [conv1]}".replace(
                "conv1", "{conv: {out: 4, kernel: 1}}"
            ),
            [
                (
                    "classes",
                    "UnitNormDropout and UnitConv: the block `unit` is 2 of them:"
                    " another list of steps: `normalization, dropout` or `conv`",
                    "12:7",
                ),
                ("shared", SHARED[1].replace("Unit", "UnitNormDropout"), ""),
                ("shared", SHARED[1].replace("Unit", "UnitConv"), ""),
            ],
        ),
        (
            "- {block: unit, s: [{dropout: {rate: 0.1}}]}\n- {block: unit, s: [{dropout: {rate: 0.2}}]}",
            [
                (
                    "argument",
                    "Unit(dropout_rate): `rate` of `dropout` differs, and the block has no name for it",
                    "14:22",
                ),
                SHARED,
            ],
        ),
        (
            "- {block: unit, s: [tanh]}\n- {block: unit, s: [silu]}",
            [
                ("argument", "Unit(activation): instances have `tanh` or `silu` in its place", ""),
                SHARED,
            ],
        ),
    ],
)
def test_decisions_of_torch(stages: str, expected: list[tuple[str, str, str]]) -> None:
    assert told(stages) == expected


def test_keras_shares_initializers() -> None:
    step = "{conv: {out: 4, kernel: 1, init: {kaiming_normal: fan_out}}}"
    text = f"{HEAD}stem: [{step}, {step}]"
    (decision,) = netspec.explain(netspec.loads(text), "keras")
    assert decision.kind == "shared"
    assert str(decision) == "he_normal_fan_out(): one for the 2 places that say the same"


def test_what_parts_a_block_in_one_framework_alone() -> None:
    """Keras' layers have names that a function cannot say here: `relu1` and `relu2`, or `relu`."""
    stages = "- {block: unit, s: [relu]}\n- {block: unit, s: [{leaky_relu: {slope: 0.2}}]}"
    assert [kind for kind, _, _ in told(stages)] == ["argument", "shared"]
    (kind, text, _), *_ = told(stages, "keras")
    assert kind == "classes"
    assert text.startswith("unit_relu and unit_leaky_relu: the block `unit` is 2 of them: ")
