"""Which classes the blocks of a network become, what they are called, and what they take."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest

import netspec
from netspec import api
from netspec.backends.base import get_backend
from netspec.codegen.classes import local_names
from netspec.codegen.flow import BRANCH
from netspec.codegen.identifiers import Namespace
from tests.support.generated import build_generated, import_source
from tests.support.witnesses import check

HEAD = "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 10]}\n"

UNIT = """\
blocks:
  unit:
    title: MyUnit
    params: {width: int, stride: 1, wide: false, act2: {type: steps, default: [relu]}}
    body:
      - conv: {out: "width * 2 if wide else width", kernel: 3, stride: stride}
      - act2
"""


def class_names(text: str) -> list[str]:
    return re.findall(
        r"^class (\w+)\(nn\.(?:Module|Sequential)\)", api.loads(text).generate("torch"), re.M
    )


def test_one_class_serves_other_numbers() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, wide: true}\n"
    assert class_names(HEAD + UNIT + stages) == ["MyUnit", "Net"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[{drop_path: {rate: 0.1}}]", "[{drop_path: {rate: 0.2}}]"),
        ("[]", "[{drop_path: {rate: 0.2}}]"),
        ("[{scaled: {gamma: 0.0}}]", "[{scaled: {gamma: 0.3}}]"),
        ("[{scaled: {gamma: 1.0, then: [{dropout: {rate: 0.1}}]}}]", "[{scaled: {gamma: 0.0}}]"),
        ("[{held: {s: [{dropout: {rate: 0.1}}]}}]", "[{held: {s: [{dropout: {rate: 0.3}}]}}]"),
        ("[{conv: {out: 4, kernel: 3}}]", "[{conv: {out: 6, kernel: 5}}]"),
    ],
)
def test_one_class_serves_other_numbers_in_a_slot(one: str, other: str) -> None:
    stages = f"stages: [{{block: unit, post: {one}}}, {{block: unit, post: {other}}}]\n"
    compiled = api.loads(HEAD + SLOTTED + stages)
    for backend in ("torch", "keras"):
        source = compiled.generate(backend)
        assert len(re.findall(r"^class Unit|^def unit", source, re.M)) == 1
    check(compiled)


SLOTTED = """\
blocks:
  scaled:
    inline: true
    params: {gamma: 0.5, then: {type: steps, default: []}}
    body: [{scale: {init: {constant: gamma}}}, then]
  held: {params: {s: {type: steps, default: []}}, body: [{conv: {out: 4, kernel: 1}}, s]}
  unit:
    params: {post: {type: steps, default: []}}
    body: [{residual: {body: [{conv: {out: 4, kernel: 1}}, norm]}}, post]
"""


def test_one_class_serves_scales_that_start_at_zero_and_at_one() -> None:
    stages = "stages: [{block: bottleneck, width: 2, repeat: 2, last_gamma: {each: [0.0, 1.0]}}]\n"
    assert class_names(HEAD + stages) == ["Bottleneck", "Net"]


def test_a_second_class_is_named_for_what_differs() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, act2: [norm]}\n"
    assert class_names(HEAD + UNIT + stages) == ["MyUnit", "MyUnitNorm", "Net"]


CHOSEN = """\
blocks:
  unit:
    title: ConvNeXtUnit
    params: {s: {type: steps}}
    body: [{conv: {out: 4, kernel: 1}}, s, {conv: {out: 4, kernel: 1}}, s]
  outer: {params: {s: {type: steps}}, body: [{unit: {s: s}}, s]}
"""


@pytest.mark.parametrize(
    ("block", "one", "other", "signature", "parts"),
    [
        (
            "unit",
            "[relu]",
            "[hard_swish]",
            "activation: Callable[..., nn.Module] = nn.ReLU",
            ["ConvNeXtUnit()", "ConvNeXtUnit(activation=nn.Hardswish)"],
        ),
        (
            "unit",
            "[relu]",
            "[{leaky_relu: {slope: 0.2}}]",
            "activation: Callable[..., nn.Module] = nn.ReLU",
            ["ConvNeXtUnit()", "ConvNeXtUnit(activation=partial(nn.LeakyReLU, 0.2))"],
        ),
        (
            "unit",
            "[{sequence: [norm], name: n}]",
            "[{sequence: [{group_norm: {groups: 2}}], name: n}]",
            "norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d",
            ["ConvNeXtUnit()", "ConvNeXtUnit(norm_layer=partial(nn.GroupNorm, 2))"],
        ),
        (
            "outer",
            "[relu]",
            "[tanh]",
            "activation: Callable[..., nn.Module] = nn.ReLU",
            ["ConvNeXtUnit(activation=activation)", "Outer()", "Outer(activation=nn.Tanh)"],
        ),
    ],
)
def test_layers_that_differ_are_arguments(
    block: str, one: str, other: str, signature: str, parts: list[str]
) -> None:
    if "sequence" in one:
        text = CHOSEN.replace(", s, {conv: {out: 4, kernel: 1}}, s]", ", s]")
    else:
        text = CHOSEN
    stages = f"stages: [{{block: {block}, s: {one}}}, {{block: {block}, s: {other}}}]\n"
    compiled = api.loads(HEAD + text + stages)
    source = compiled.generate("torch")
    assert len(re.findall(r"^class ", source, re.M)) == 2 + (block == "outer")
    for part in (signature, *parts):
        assert part in source
    check(compiled)


@pytest.mark.parametrize(
    ("one", "other", "parts"),
    [
        (
            "[relu]",
            "[silu]",
            [
                'activation: str = "relu"',
                'layers.Activation(activation, name=f"{name}_{activation}1")',
                'unit(x, activation="silu", name="layer2_0")',
            ],
        ),
        (
            "[{relu: {}, name: a}]",
            "[{leaky_relu: {slope: 0.2}, name: a}]",
            [
                "activation: Callable[..., layers.Layer] = layers.ReLU",
                'activation(name=f"{name}_a")(x)',
                "activation=partial(layers.LeakyReLU, negative_slope=0.2)",
            ],
        ),
        (
            "[{norm: {}, name: n}]",
            "[{group_norm: {groups: 2}, name: n}]",
            [
                "norm_layer: Callable[..., layers.Layer]",
                'norm_layer(name=f"{name}_n")(x)',
                "partial(layers.GroupNormalization, groups=2, epsilon=1e-5)",
            ],
        ),
        # Names of Keras' layers that are not said by the activation's: two functions.
        ("[{leaky_relu: {slope: 0.2}}]", "[relu]", ["def unit_leaky_relu(x", "def unit_relu(x"]),
    ],
)
def test_layers_that_differ_are_arguments_of_functions(
    one: str, other: str, parts: list[str]
) -> None:
    text = CHOSEN
    if "name" in one:
        text = CHOSEN.replace(", s, {conv: {out: 4, kernel: 1}}, s]", ", s]")
    stages = f"stages: [{{block: unit, s: {one}}}, {{block: unit, s: {other}}}]\n"
    compiled = api.loads(HEAD + text + stages)
    source = compiled.generate("keras")
    for part in parts:
        assert part in source
    check(compiled)


def test_none_says_that_a_part_is_not_there() -> None:
    rates = ("[]", "[{drop_path: {rate: 0.25}}]", "[{drop_path: {rate: 0.5}}]")
    stages = ", ".join(f"{{block: unit, s: {rate}}}" for rate in rates)
    text = CHOSEN.replace(", s, {conv: {out: 4, kernel: 1}}, s]", ", s]")
    compiled = api.loads(f"{HEAD}{text}stages: [{stages}]\n")
    source = compiled.generate("torch")
    assert "def __init__(self, drop_path_rate: float | None = None)" in source
    assert "if drop_path_rate is not None:" in source
    assert "ConvNeXtUnit()" in source
    assert "ConvNeXtUnit(drop_path_rate=0.25)" in source
    check(compiled)


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ("[norm, relu]", "[dropout]", ["ConvNeXtUnitNormRelu", "ConvNeXtUnitDropout"]),
        (
            "[relu, norm, dropout]",
            "[relu, drop_path, dropout]",
            ["ConvNeXtUnitNorm", "ConvNeXtUnitDropPath"],
        ),
        ("[squeeze_excite, dropout]", "[dropout]", ["ConvNeXtUnitSE", "ConvNeXtUnit"]),
    ],
)
def test_classes_are_named_for_what_is_theirs_alone(one: str, other: str, names: list[str]) -> None:
    text = CHOSEN.replace(
        ", s, {conv: {out: 4, kernel: 1}}, s]", ", {dropout: {}}, {repeat: {times: 2, body: [s]}}]"
    )
    found = class_names(
        f"{HEAD}{text}stages: [{{block: unit, s: {one}}}, {{block: unit, s: {other}}}]\n"
    )
    assert [name for name in found if name.startswith("ConvNeXt")] == names


NESTED = """\
blocks:
  held: {params: {t: {type: steps}}, body: [{conv: {out: 4, kernel: 1}}, t]}
  outer: {params: {s: {type: steps}}, body: [{held: {t: s}}, {held: {t: s}}, tanh]}
"""


@pytest.mark.parametrize(
    "steps",
    [
        "[{when: {test: running_index > 0, then: relu}}]",
        "[{when: {test: running_index > 0, then: {drop_path: {rate: 0.1 * running_index}}}}]",
        "[{when: {test: running_index > 0, then: {drop_path: {rate: 0.1}}}}]",
        "[{when: {test: running_index > 1, then: relu, else: tanh}}]",
        "[{when: {test: running_index > 1, then: silu, else: silu}}]",
    ],
)
def test_what_is_not_there_is_not_there_further_in_either(steps: str) -> None:
    """That an argument is None goes through the blocks between."""
    stages = (
        f"stages:\n- {{block: outer, repeat: 3, s: {steps}}}\n- {{block: held, t: {steps}}}\n"
        "- {block: held, t: [relu]}\n"
    )
    check(api.loads(HEAD + NESTED + stages))


def test_a_test_of_the_block_around_stays_one() -> None:
    text = (
        "blocks:\n  held: {params: {t: {type: steps}}, body: [{conv: {out: 4, kernel: 1}}, t]}\n"
        "  outer:\n    params: {n: int}\n"
        "    body: [{held: {t: [{when: {test: n > 5, then: relu}}]}}, {conv: {out: n, kernel: 1}}]\n"
        "stages: [{block: outer, n: 4}, {block: outer, n: 6}]\n"
    )
    assert "if n > 5:" in api.loads(HEAD + text).generate("torch")


def test_an_initial_value_of_some_options_alone_parts_a_block() -> None:
    """A class cannot say how the weights of what it is given start."""
    steps = ("{norm: {init: zeros}, name: n}", "{group_norm: {groups: 2}, name: n}")
    stages = ", ".join(f"{{block: unit, s: [{step}]}}" for step in steps)
    text = CHOSEN.replace(", s, {conv: {out: 4, kernel: 1}}, s]", ", s]")
    compiled = api.loads(f"{HEAD}{text}stages: [{stages}]\n")
    assert "norm_layer" not in compiled.generate("torch")
    check(compiled)


def test_a_function_has_the_name_of_its_block() -> None:
    source = api.loads(HEAD + CHOSEN + "stages: [{block: unit, s: []}]\n").generate("keras")
    assert "def unit(x: KerasTensor" in source


def test_names_are_unique_and_leave_the_function_its_own() -> None:
    text = HEAD.replace("name: net", "name: unit") + UNIT.replace("title: MyUnit", "title: Unit")
    source = api.loads(text + "stages: [{block: unit, width: 4}]\n").generate("keras")
    assert re.findall(r"^def (\w+)", source, re.M) == ["unit2", "unit"]


def test_arguments_come_with_the_defaults_of_the_block() -> None:
    stages = "stages:\n  - {block: unit, width: 4}\n  - {block: unit, width: 6, stride: 2}\n"
    module = import_source(api.loads(HEAD + UNIT + stages).generate("torch"))
    parameters = inspect.signature(module.MyUnit).parameters
    assert list(parameters) == ["in_channels", "width", "stride"] or list(parameters) == [
        "width",
        "stride",
    ]
    assert parameters["stride"].default == 1


KEPT = """\
netspec: 1
name: net
params: {classes: 7, rate: 0.25, width: 8}
arguments: [classes, rate, width]
input: {channels: 3, size: [12, 15]}
defaults: {dropout: {rate: rate}}
blocks:
  top:
    params: {n: int}
    body: [global_avg_pool, dropout, {linear: {out: n}}]
  unit:
    params: {w: int}
    body:
      - residual:
          body: [{conv: {out: w, kernel: 3}}, dropout, norm]
          shortcut: [{projection: {out: w}}]
      - act
stem: [{conv: {out: width, kernel: 3}}]
stages: [{block: unit, repeat: 3, w: width * 2 ** stage, times: 2}]
head: [{top: {n: classes}}]
"""


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_arguments_that_are_kept_reach_every_block(backend: str) -> None:
    values: dict[str, Any] = {"classes": 3, "rate": 0.5, "width": 4}
    other = api.loads(KEPT, overrides=values)
    model = build_generated(api.loads(KEPT), backend, **values)
    netspec.transfer_weights(other.build(backend), model, other)
    layers = model.modules() if backend == "torch" else model.layers
    rates = {getattr(layer, "p", getattr(layer, "rate", None)) for layer in layers}
    assert rates - {None} == {0.5}
    assert get_backend(backend).owns(model)


def test_a_name_that_python_needs_is_changed() -> None:
    text = HEAD + (
        "blocks:\n  unit:\n    params: {input: int, sum: false}\n    let: {filter: input * 2}\n"
        "    body:\n      - conv: {out: filter, kernel: 1}\n        name: class\n"
        "      - when: {test: sum, then: [relu]}\n"
        "stages:\n  - {block: unit, input: 4}\n  - {block: unit, input: 5, sum: true}\n"
    )
    compiled = api.loads(text)
    for backend in ("torch", "keras"):
        source = compiled.generate(backend)
        assert "input_" in source
        assert "sum_=False" in source or "sum_: bool = False" in source
        netspec.transfer_weights(
            compiled.build(backend), build_generated(compiled, backend), compiled
        )


def test_a_block_of_one_kind_inside_blocks_of_another() -> None:
    text = HEAD + (
        "blocks:\n"
        "  inner:\n    params: {n: int, f: {type: steps, default: [relu]}}\n"
        "    body: [{conv: {out: n, kernel: 1}}, f]\n"
        "  outer:\n    params: {n: int, f: {type: steps, default: [relu]}}\n"
        "    body: [{inner: {n: n, f: f}}, {inner: {n: n * 2}}]\n"
        "stages:\n  - {block: outer, n: 3}\n  - {block: outer, n: 4, f: [norm]}\n"
    )
    assert class_names(text) == ["Inner", "InnerNorm", "Outer", "OuterNorm", "Net"]
    compiled = api.loads(text)
    netspec.transfer_weights(compiled.build("torch"), build_generated(compiled, "torch"), compiled)


def test_what_branches_are_called_nothing_else_is() -> None:
    """A function of that name could not be called where a variable has it."""
    network = api.loads(HEAD + "stem: [relu]\n").network
    names = local_names(network)
    assert {BRANCH, f"{BRANCH}2", f"{BRANCH}3"} <= names
    found = Namespace()
    assert {found.add(BRANCH) for _ in range(3)} <= names
