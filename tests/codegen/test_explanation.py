"""Why source is written as it is: each decision is told once, with its reason and its place in the spec."""

from __future__ import annotations

import pytest

import netspec
from netspec.lang import library

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


def lines(
    stages: str, backend: str = "torch", variants: str = "", kinds: tuple[str, ...] = ("helper",)
) -> list[str]:
    """The decisions of these kinds on a network of these stages, or on all its variants, without places."""
    text = f"{HEAD}{variants}{UNIT}stages:\n{stages}\n"
    found = netspec.explain(netspec.loads(text), backend, all_variants=bool(variants))
    return [f"{each.subject}: {each.reason}" for each in found if each.kind in kinds]


THREE = "- {block: unit, repeat: 2, w: 4}\n- {block: unit, repeat: 3, w: 8}\n- {block: unit, w: 16}"


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            THREE,
            ["makes the blocks of `layer1`, `layer2` and `layer3`, which follow one pattern"],
        ),
        (
            THREE.replace("repeat: 2, ", "").replace("repeat: 3, ", ""),
            ["`layer1`, `layer2` and `layer3`: no helper, since each has one block"],
        ),
        (
            THREE.replace("w: 8", "w: 8 + index"),
            [
                "`layer2`: no helper, since `w` follows the index",
                "`layer1` and `layer3`: no helper, since no 3 stages follow one pattern",
            ],
        ),
        ("- {block: unit, repeat: 2}", []),
    ],
)
def test_which_stages_a_helper_makes(stages: str, expected: list[str]) -> None:
    for backend, name in (("torch", "Net._make_layer(): "), ("keras", "stack(): ")):
        told = [name + text if text.startswith("makes") else text for text in expected]
        assert lines(stages, backend) == told


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            "- {block: unit, repeat: 3, w: '[4, 6, 9][index]'}",
            "`layer1`, `0` to `2`: no loop, since no 3 in a row are equal, or follow the index, "
            "in `in_channels` and `w`",
        ),
        (
            "- {block: unit, repeat: 3, w: 4 + index * index}",
            "`layer1`, `0` to `2`: no loop, since no 3 in a row are equal, or follow the index, "
            "in `in_channels`",
        ),
        (
            "- {block: unit, repeat: 3, block_name: 'n{index * index}'}",
            "`layer1`, `n0` to `n4`: no loop, since their names do not count",
        ),
    ],
)
def test_which_blocks_are_no_loop(stages: str, expected: str) -> None:
    assert lines(stages, kinds=("loop",)) == [expected]


FAMILY = "params: {deep: [1, 2], e: 1}\ndefault: a\nvariants: {a: {}, b: {deep: [3, 1]}}\n"
STAGES = "- {block: unit, repeat: 'deep[0]'}\n- {block: unit, repeat: 'deep[1]', w: 8}"


def test_what_variants_share() -> None:
    kinds = ("classes", "helper", "loop")
    shared = "makes the blocks of `layer1` and `layer2`, which follow one pattern"
    assert lines(STAGES, "torch", FAMILY, kinds) == [
        "Net: one for `a` and `b`",
        f"Net._make_layer(): {shared}",
    ]
    assert lines(STAGES, "keras", FAMILY, kinds) == [
        "net: one for `a` and `b`",
        f"stack(): {shared}",
    ]


def test_what_parts_variants() -> None:
    variants = FAMILY.replace("[3, 1]}", "[3, 1]}, c: {e: 3}")
    stages = STAGES.replace("w: 8", "w: 8 + (0 if e == 1 else index)").replace("[1]", "[1] + e")
    assert lines(stages, "torch", variants, ("classes",)) == [
        "A, B and C: the networks are 3 of them: `w` follows the index at `layer2`"
    ]
    *_, loop = lines(stages, "torch", variants, ("loop",))
    assert loop.startswith("C, `layer2`, `1` to `4`: a loop, since in the 4 calls")


def test_numbers_that_variants_have_no_name_for() -> None:
    found = netspec.explain("efficientnet_v2", "torch", all_variants=True)
    (argument,) = (each for each in found if each.kind == "argument")
    assert str(argument).startswith(
        "ConvNormAct(groups): `groups` of `0` differs, and the block has no name for it"
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("", "", "a loop over `depths`, since between any two the same is done"),
        (
            "      test: stage > 0\n",
            "      test: stage > 1\n",
            "no loop, since more modules stand between some than between others",
        ),
        (
            "repeat: depths[stage]",
            "repeat: 2",
            "no loop, since their numbers of blocks are no one list",
        ),
        (
            "  growth: growth\n",
            "  growth: growth\n  bottleneck: 4 + stage // 2\n",
            "no loop, since between some is done what is not between others",
        ),
    ],
)
def test_stages_in_a_loop(right: str, wrong: str, said: str) -> None:
    text = library.zoo_text("densenet").replace(right, wrong, 1)
    found = netspec.explain(netspec.loads(text.split("checkpoints:")[0], "densenet121"), "torch")
    subject = "`features.denseblock1` to `features.denseblock4`"
    assert [each.reason for each in found if each.subject == subject] == [said]
