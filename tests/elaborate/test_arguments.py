"""What a value means for a parameter of each type, and for attributes of ops."""

from __future__ import annotations

import pytest

from netspec.ops.convolution import Conv
from netspec.ops.geometry import Padding
from netspec.ops.initializers import Constant, Normal, Uniform, UniformFanIn, VarianceScaling
from netspec.ops.pooling import MaxPool
from tests.elaborate.conftest import compiled, marked, ops, problem, widths

BLOCK = "blocks:\n  b:\n    params: {p: %s}\n    body: [{conv: {out: %s, kernel: 1}}]\n"


def use(kind: str, out: str, value: str) -> str:
    """A block with one parameter, called with a value."""
    return BLOCK % (kind, out) + f"stem: [{{b: {{p: {value}}}}}]\n"


@pytest.mark.parametrize(
    ("kind", "out", "value", "expected"),
    [
        ("int", "p", "5", 5),
        ("int", "p", "channels * 2", 6),
        ("float", "round(p * 10)", "0.5", 5),
        ("float", "round(p * 10)", "1", 10),
        ("float", "round(p)", "9 / 2", 4),
        ("bool", "5 if p else 6", "true", 5),
        ("bool", "5 if p else 6", "channels > 3", 6),
        ("str", "5 if p == 'a' else 6", "a", 5),
        ("str", "5 if p == 'a' else 6", "1 + 1", 6),
        ("'list[int]'", "'p[1]'", "[4, 5]", 5),
        ("'list[int]'", "'p[1]'", "[4, channels + 3]", 6),
        ("'list[int]'", "len(p) + 1", "[]", 1),
        ("'list[float]'", "'round(p[0] + p[1])'", "[1, 2.75]", 4),
        ("'list[bool]'", "'5 if p[0] else 6'", "[false]", 6),
        ("'list[str]'", "'5 if p[1] == \"b\" else 6'", "[a, b]", 5),
        ("7", "p", "8", 8),
        ("true", "5 if p else 6", "false", 6),
        ("[1, 2]", "'p[0]'", "[9]", 9),
    ],
)
def test_values_of_every_type(kind: str, out: str, value: str, expected: int) -> None:
    assert list(widths(use(kind, out, value)).values()) == [expected]


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("int", "1.0", "NS205"),
        ("int", "true", "NS205"),
        ("int", "9 / 3", "NS205"),
        ("int", "'[1]'", "NS205"),
        ("int", "[1]", "NS205"),
        ("int", "{a: 1}", "NS103"),
        ("float", "true", "NS205"),
        ("bool", "1", "NS205"),
        ("str", "1", "NS205"),
        ("str", "true", "NS205"),
        ("'list[int]'", "3", "NS205"),
        ("'list[int]'", "[1, 2.5]", "NS205"),
        ("'list[int]'", "[1, [2]]", "NS205"),
        ("'list[float]'", "[true]", "NS205"),
        ("'list[str]'", "[1]", "NS205"),
        ("block", "3", "NS205"),
        ("block", "nonsense", "NS207"),
        ("7", "7.5", "NS205"),
        ("[1, 2]", "[1.5]", "NS205"),
    ],
)
def test_values_of_other_types(kind: str, value: str, code: str) -> None:
    text = use(kind, "5", value)
    assert problem(text).code == code


def test_the_position_is_that_of_the_item() -> None:
    text = use("'list[int]'", "1", "[1, 2.5, 3]")
    assert marked(text, problem(text)) == "2.5"


def test_a_fraction_where_a_whole_number_is_due_hints_at_division() -> None:
    assert (
        problem(use("int", "p", "9 / 3")).help
        == "use `//` to divide, or round: `round(…)`, `make_divisible(…, 8)`"
    )


def test_texts_and_words_come_from_parameters() -> None:
    text = (
        "params: {how: {type: str, default: same}}\n"
        "blocks:\n"
        "  b: {params: {p: str}, body: [{conv: {out: 4, kernel: 2, padding: {param: p}}}]}\n"
        "stem: [{b: {p: {param: how}}}]\n"
    )
    (op,) = ops(text).values()
    assert isinstance(op, Conv)
    assert op.padding.rule == "same"
    assert problem(text.replace("default: same", "default: reflect")).code == "NS204"
    assert problem(text.replace("{param: p}", "{param: q}")).code == "NS202"


def test_defaults_see_the_parameters_above_them() -> None:
    text = (
        "blocks:\n"
        "  b:\n"
        "    params: {w: int, v: {type: int, default: w * 2}}\n"
        "    body: [{conv: {out: v, kernel: 1}}]\n"
        "stem: [{b: {w: 4}}, {b: {w: 4, v: 5}}]\n"
    )
    assert list(widths(text).values()) == [8, 5]
    assert (
        problem(
            text.replace(
                "{w: int, v: {type: int, default: w * 2}}",
                "{v: {type: int, default: w * 2}, w: int}",
            )
        ).code
        == "NS202"
    )


def test_what_is_required_and_not_given() -> None:
    text = use("int", "p", "1").replace("{b: {p: 1}}", "b")
    found = problem(text)
    assert found.code == "NS209"
    assert "`p` (int)" in found.message


# Attributes of ops


def only(text: str, size: str = "[8, 12]") -> Conv:
    (op,) = ops(f"stem: [{{conv: {{out: 4, {text}}}}}]\n", size=size).values()
    assert isinstance(op, Conv)
    return op


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        ("kernel: 3", (3, 3)),
        ("kernel: [3, 5]", (3, 5)),
        ("kernel: channels", (3, 3)),
        ("kernel: [channels, 'size[0] // 2']", (3, 4)),
    ],
)
def test_axes(text: str, kernel: tuple[int, ...]) -> None:
    assert only(text).kernel == kernel


@pytest.mark.parametrize(
    ("text", "padding"),
    [
        ("padding: same", Padding("same")),
        ("padding: 1", Padding("explicit", ((1, 1), (1, 1)))),
        ("padding: 'channels - 2'", Padding("explicit", ((1, 1), (1, 1)))),
        ("padding: [1, 2]", Padding("explicit", ((1, 1), (2, 2)))),
        ("padding: [[0, 1], 'channels']", Padding("explicit", ((0, 1), (3, 3)))),
    ],
)
def test_paddings(text: str, padding: Padding) -> None:
    found = only(f"kernel: 3, {text}").padding
    assert (found.rule, found.pads) == (padding.rule, padding.pads)


@pytest.mark.parametrize(
    ("text", "init"),
    [
        ("zeros", Constant(0.0)),
        ("0.5", Constant(0.5)),
        ("{constant: 1 / 4}", Constant(0.25)),
        ("{kaiming_normal: fan_out}", VarianceScaling(2.0, "fan_out", "normal")),
        ("{normal: 0.01}", Normal(0.01)),
        ("{uniform: 0.1}", Uniform(0.1)),
        ("{uniform: fan_in}", UniformFanIn()),
        (
            "{variance_scaling: {scale: 1 / 4, mode: fan_avg, distribution: uniform}}",
            VarianceScaling(0.25, "fan_avg", "uniform"),
        ),
    ],
)
def test_initial_values(text: str, init: object) -> None:
    assert only(f"kernel: 3, init: {text}").init == init


@pytest.mark.parametrize(
    ("attribute", "code"),
    [
        ("kernel: [3, 3, 3]", "NS205"),
        ("kernel: 1.5", "NS205"),
        ("kernel: true", "NS205"),
        ("kernel: 3, bias: 1", "NS205"),
        ("kernel: 3, padding: [1, 2, 3]", "NS205"),
        ("kernel: 3, padding: [[1, 2, 3], 1]", "NS205"),
        ("kernel: 3, padding: 1.5", "NS103"),
        ("kernel: 3, padding: reflect", "NS103"),
        ("kernel: 3, init: {normal: true}", "NS205"),
        ("kernel: 3, groups: 2", "NS406"),
        ("kernel: 3, out: 8, stride: 0", "NS408"),
        ("kernel: 30, padding: valid", "NS407"),
    ],
)
def test_attributes_of_other_types(attribute: str, code: str) -> None:
    out = "" if "out:" in attribute else "out: 4, "
    assert problem(f"stem: [{{conv: {{{out}{attribute}}}}}]\n").code == code


def test_rank_spreads_numbers() -> None:
    assert only("kernel: 3", size="[9]").kernel == (3,)
    assert only("kernel: 3", size="[5, 6, 7]").kernel == (3, 3, 3)
    (pool,) = ops("stem: [{max_pool: {kernel: 2}}]\n").values()
    assert isinstance(pool, MaxPool)
    assert pool.step == (2, 2)


def test_spec_parameters_are_typed_alike() -> None:
    text = "params: {depths: [1, 2]}\nvariants: {v: {depths: [1, x]}}\nstem: [relu]\n"
    assert problem(text, variant="v").code == "NS202"
    assert compiled(text.replace("x]", "2]"), variant="v")
