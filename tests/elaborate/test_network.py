"""Stages, variants, inputs and outputs: from a spec to a network."""

from __future__ import annotations

import pytest

from netspec.errors import UsageError
from netspec.ops.convolution import Conv
from tests.elaborate.conftest import compiled, marked, ops, paths, problem

BLOCK = (
    "blocks:\n"
    "  b:\n"
    "    params: {w: 4, stride: 1}\n"
    "    body: [{conv: {out: w, kernel: 3, stride: stride}}]\n"
    "  c:\n"
    "    params: {w: 4, stride: 1}\n"
    "    body: [{conv: {out: w, kernel: 1, stride: stride}}]\n"
)


def convs(stages: str, more: str = "", **options: str) -> list[tuple[str, int, int]]:
    """Path, channels and stride of each convolution of these stages."""
    network = compiled(f"{more}{BLOCK}stages: {stages}\n", **options)
    return [
        (layer.path, layer.target.channels, layer.op.stride[0])
        for layer in network.layers
        if isinstance(layer.op, Conv)
    ]


def out(stages: str, more: str = "", **options: str) -> list[int]:
    return [channels for _, channels, _ in convs(stages, more, **options)]


def strides(stages: str) -> list[int]:
    return [stride for _, _, stride in convs(stages)]


@pytest.mark.parametrize("name", ["repeat", "first", "block_name", "stride_at"])
def test_a_parameter_that_no_stage_could_give_is_refused_where_it_is_declared(name: str) -> None:
    block = f"blocks: {{odd: {{params: {{{name}: 2}}, body: [tanh]}}}}\n"
    text = f"{block}stages: [{{block: odd}}]\n"
    found = problem(text)
    assert (found.code, marked(text, found)) == ("NS223", name)
    assert paths(f"{block}stem: [odd: {{{name}: 3}}]\n") == ["odd.tanh"]


def test_stages_and_blocks_are_numbered() -> None:
    found = convs("[{block: b, repeat: 2}, {block: c}]")
    assert [path for path, _, _ in found] == [
        "layer1.0.conv1",
        "layer1.1.conv1",
        "layer2.0.conv1",
    ]


def test_names_are_templates() -> None:
    stage = (
        "{block: b, repeat: 2, times: 2, name: 'conv{stage + 2}', block_name: 'block{index + 1}'}"
    )
    assert [path for path, _, _ in convs(f"[{stage}]")] == [
        "conv2.block1.conv1",
        "conv2.block2.conv1",
        "conv3.block1.conv1",
        "conv3.block2.conv1",
    ]
    deep = "{block: b, name: 'features.{stage}', block_name: 'unit-{running_index}'}"
    assert [path for path, _, _ in convs(f"[{deep}]")] == ["features.0.unit-0.conv1"]


def test_one_entry_makes_several_stages() -> None:
    text = "{times: len(d), block: b, repeat: 'd[stage]', w: 2 ** stage}"
    assert out(text, "params: {d: [1, 2, 1]}\n") == [1, 2, 2, 4]


@pytest.mark.parametrize(
    ("w", "expected"),
    [
        ("7", [7, 7, 7]),
        ("index + 1", [1, 2, 1]),
        ("running_index + 1", [1, 2, 3]),
        ("count", [2, 2, 1]),
        ("total", [3, 3, 3]),
        ("stage + 1", [1, 1, 2]),
        ("channels + 1", [4, 5, 6]),
        ("size[0]", [8, 8, 8]),
        ("round(10 * running_index / (total - 1)) + 1", [1, 6, 11]),
    ],
)
def test_values_are_expressions_of_the_place(w: str, expected: list[int]) -> None:
    assert out(f"[{{block: b, repeat: 2, w: '{w}'}}, {{block: b, w: '{w}'}}]") == expected


def test_a_value_for_each_block() -> None:
    assert out("[{block: b, repeat: 3, w: {each: [5, index + 5, 'channels * 2']}}]") == [5, 6, 12]


@pytest.mark.parametrize("values", ["[5]", "[5, 6, 7]", "[]", "5"])
def test_each_has_one_value_for_each_block(values: str) -> None:
    text = f"{BLOCK}stages: [{{block: b, repeat: 2, w: {{each: {values}}}}}]\n"
    assert problem(text).code == "NS215"


def test_a_list_is_a_value() -> None:
    text = "blocks: {b: {params: {w: 'list[int]'}, body: [{conv: {out: 'w[1]', kernel: 1}}]}}\n"
    network = compiled(text + "stages: [{block: b, repeat: 2, w: [4, 5]}]\n")
    assert [layer.target.channels for layer in network.layers] == [5, 5]


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("{block: b, repeat: 3, stride: 2}", [2, 1, 1]),
        ("{block: b, repeat: 3, stride: 2, stride_at: last}", [1, 1, 2]),
        ("{block: b, repeat: 1, stride: 2, stride_at: last}", [2]),
        ("{block: b, repeat: 3}", [1, 1, 1]),
        ("{block: b, repeat: 3, stride: 2, last: {stride: 2}}", [2, 1, 2]),
        ("{block: b, repeat: 3, stride: 2, first: {stride: 1}}", [1, 1, 1]),
        ("{times: 2, block: b, repeat: 2, stride: '1 if stage == 0 else 2'}", [1, 1, 2, 1]),
    ],
)
def test_the_stride_goes_to_one_block(stage: str, expected: list[int]) -> None:
    assert strides(f"[{stage}]") == expected


def test_first_and_last_blocks_differ() -> None:
    stage = "{block: b, repeat: 3, w: 5, first: {w: 6}, last: {block: c, w: 7}}"
    network = compiled(f"{BLOCK}stages: [{stage}]\n")
    assert [layer.target.channels for layer in network.layers] == [6, 5, 7]
    assert [block.definition.name for block in network.main.regions("block")] == ["b", "b", "c"]
    assert out("{block: b, w: 5, first: {w: 6}, last: {w: 7}}") == [7]


def test_steps_between_stages_count_with_stem_and_head() -> None:
    text = (
        f"stem: [{{conv: {{out: 4, kernel: 1}}}}, {{max_pool: {{kernel: 1}}}}]\n{BLOCK}"
        "stages:\n"
        "- {block: b}\n"
        "- {block: b, between: [{conv: {out: 6 + stage, kernel: 1}}, {max_pool: {kernel: 1}}]}\n"
        "head: [{conv: {out: 4, kernel: 1}}, global_avg_pool]\n"
    )
    assert paths(text) == [
        "conv1",
        "maxpool1",
        "layer1.0.conv1",
        "conv2",
        "maxpool2",
        "layer2.0.conv1",
        "conv3",
        "avgpool",
    ]
    network = compiled(text)
    assert network.stages[1].items[0].target.channels == 7


def test_a_stage_without_blocks_is_nothing() -> None:
    assert out("[{block: b, repeat: 0}, {block: b, w: 5}]") == [5]


def test_the_block_may_be_a_parameter() -> None:
    more = "params: {kind: {type: block, default: c}}\nvariants: {v: {kind: b}, u: {}}\n"
    for variant, name in (("v", "b"), ("u", "c")):
        network = compiled(f"{more}{BLOCK}stages: {{block: kind}}\n", variant=variant)
        assert [block.definition.name for block in network.main.regions("block")] == [name]


@pytest.mark.parametrize(
    ("stage", "code", "help"),
    [
        ("{block: b, repaet: 2}", "NS206", "did you mean `repeat`?"),
        ("{block: b, widht: 2}", "NS206", None),
        ("{block: b, first: {repeat: 2}}", "NS206", None),
        ("{block: b, last: {name: x}}", "NS206", None),
        ("{block: b, repeat: 1.5}", "NS205", None),
        ("{block: b, repeat: -1}", "NS205", None),
        ("{block: b, times: -1}", "NS205", None),
        ("{block: b, repeat: index}", "NS202", None),
        ("{block: b, block_name: '{index / 1}'}", "NS222", None),
        ("{block: b, block_name: same, repeat: 2}", "NS227", None),
        ("{block: nonsense}", "NS207", None),
        ("{block: b, stride_at: middle}", "NS103", None),
    ],
)
def test_what_is_wrong_with_a_stage(stage: str, code: str, help: str | None) -> None:
    found = problem(f"{BLOCK}stages: [{stage}]\n")
    assert found.code == code
    if help is not None:
        assert found.help == help


def test_a_block_without_a_stride_takes_none() -> None:
    found = problem("blocks: {b: {body: [relu]}}\nstages: [{block: b, stride: 2}]\n")
    assert (found.code, "no parameter `stride`" in found.message) == ("NS206", True)


# Parameters and variants

FAMILY = (
    "params: {w: 4, v: {type: int, default: w + 1}, d: [1, 2]}\n"
    "let: {u: w + v}\n"
    "variants: {a: {w: 10}, b: {v: 20, d: [3, 4, 5]}}\n"
    "stem: [{conv: {out: u + len(d), kernel: 1}}]\n"
)


@pytest.mark.parametrize(("variant", "channels"), [(None, 11), ("a", 23), ("b", 27)])
def test_a_variant_sets_parameters(variant: str | None, channels: int) -> None:
    network = compiled(FAMILY, variant=variant)
    assert network.target.channels == channels
    assert network.variant == variant
    assert network.model_name == (variant or "n")


def test_the_default_variant() -> None:
    assert compiled("default: a\n" + FAMILY).variant == "a"
    assert problem("default: c\n" + FAMILY).code == "NS210"
    with pytest.raises(UsageError, match="no variant `c`"):
        compiled(FAMILY, variant="c")


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (("a: {w: 10}", "a: {x: 10}"), "NS206", None),
        (("a: {w: 10}", "a: {w: 1.5}"), "NS205", "1.5"),
        (("w: 4,", "w: int,"), "NS209", "w"),
    ],
)
def test_what_is_wrong_with_a_variant(
    change: tuple[str, str], code: str, place: str | None
) -> None:
    text = FAMILY.replace(*change)
    found = problem(text, variant="b" if code == "NS209" else "a")
    assert found.code == code
    if place is not None:
        assert marked(text, found) == place


def test_arguments_are_numbers() -> None:
    text = "params: {w: 4, d: [1]}\nstem: [{conv: {out: w, kernel: 1}}]\n"
    assert compiled(text + "arguments: [w]\n").arguments == {"w": 4}
    assert problem(text + "arguments: [d]\n").code == "NS211"
    assert problem(text + "arguments: [x]\n").code == "NS206"


# Inputs and outputs


def test_the_input_may_depend_on_parameters() -> None:
    text = (
        "netspec: 1\nname: n\nparams: {n: 5}\ninput: {channels: n, size: [n * 2]}\nstem: [relu]\n"
    )
    from netspec.api import loads

    assert loads(text).network.source.shape == (5, 10)


@pytest.mark.parametrize("size", ["[0]", "[8, -1]"])
def test_an_input_below_one(size: str) -> None:
    assert problem("stem: [relu]\n", size=size).code == "NS213"


@pytest.mark.parametrize("size", ["[1.5]", "['8 / 2']", "[true]"])
def test_an_input_of_no_whole_number(size: str) -> None:
    assert problem("stem: [relu]\n", size=size).code == "NS205"


def test_an_empty_network() -> None:
    assert problem("doc: nothing\n").code == "NS212"


def test_outputs() -> None:
    text = (
        f"stem: [{{relu: {{}}, as: early}}]\n{BLOCK}stages: [{{block: b, name: deep.one}}, {{block: b}}]\n"
        "head: [{tanh: {}, as: late}, global_avg_pool]\n"
        "outputs: {a: early, b: deep.one, c: layer2, d: late}\n"
    )
    network = compiled(text)
    one, two = network.stages
    early, late = network.by_path["relu"], network.by_path["tanh"]
    assert dict(network.outputs) == {
        "a": early.outputs[0],
        "b": one.result,
        "c": two.result,
        "d": late.outputs[0],
        "output": network.main.result,
    }


@pytest.mark.parametrize(
    ("outputs", "names", "training"),
    [
        ("{logits: output}", ["logits"], set()),
        ("{logits: last}", ["logits"], set()),
        ("{a: layer1, logits: last, b: output}", ["a", "logits", "b"], set()),
        ("{a: {from: layer1}}", ["a", "output"], set()),
        ("{a: {from: layer1, when: training}}", ["a", "output"], {"a"}),
        ("{a: {from: output, when: training}}", ["a", "output"], {"a"}),
        ("{a: {from: output, when: always}}", ["a"], set()),
    ],
)
def test_the_last_result_has_the_name_that_it_is_given(
    outputs: str, names: list[str], training: set[str]
) -> None:
    network = compiled(
        f"{BLOCK}stages: [{{block: b}}]\nhead: [{{tanh: {{}}, as: last}}]\noutputs: {outputs}\n"
    )
    assert (list(network.outputs), network.training_only) == (names, training)
    assert network.outputs[names[-1]] is network.main.result
    assert network.target is network.main.result.type
    assert network.has_outputs
    assert list(network.evaluation_outputs) == [name for name in names if name not in training]


def test_a_result_that_the_spec_calls_output_is_not_the_heads() -> None:
    network = compiled("stem: [{relu: {}, as: output}]\nhead: [tanh]\noutputs: {first: output}\n")
    (early,) = network.by_path["relu"].outputs
    assert dict(network.outputs) == {"first": early, "output": network.main.result}


def test_what_only_training_returns_is_used() -> None:
    text = f"{BLOCK}stages: [{{block: b}}]\nhead: [{{sigmoid: {{}}, as: aux}}, {{tanh: {{}}, from: layer1}}]\n"
    assert problem(text).code == "NS409"
    network = compiled(f"{text}outputs: {{aux: {{from: aux, when: training}}}}\n")
    assert network.by_path["sigmoid"] in network.nodes


@pytest.mark.parametrize(
    ("outputs", "help"),
    [("{a: layer2}", "did you mean `layer1`?"), ("{output: layer1}", None), ("{a: inner}", None)],
)
def test_outputs_that_do_not_exist(outputs: str, help: str | None) -> None:
    text = "blocks: {b: {body: [{relu: {}, as: inner}]}}\nstages: [{block: b}]\n"
    found = problem(f"{text}outputs: {outputs}\n")
    assert found.code == "NS214"
    if help:
        assert found.help == help


def test_the_title_is_the_name_unless_given() -> None:
    assert compiled("stem: [relu]\n").title == "N"
    assert compiled("title: ResNet\nstem: [relu]\n").title == "ResNet"


@pytest.mark.parametrize(
    ("block", "arguments"),
    [
        ("{params: {rate: 0.5}, body: [{dropout: {rate: rate}}]}", "rate: index / 10"),
        ("{params: {rate: 0.5}, body: [{dropout: {rate: rate}}]}", "rate: running_index / 10"),
        ("{params: {rate: 0.5}, body: [{dropout: {rate: rate}}]}", "rate: {each: [0.0, 0.1, 0.2]}"),
        (
            "{params: {rates: {type: 'list[float]'}}, body: [{dropout: {rate: 'rates[0]'}}]}",
            "rates: [index / 10]",
        ),
        ("{params: {s: steps}, body: [s]}", "s: [{dropout: {rate: index / 10}}]"),
    ],
)
def test_blocks_on_equal_inputs_see_their_own_index(block: str, arguments: str) -> None:
    found = ops(f"blocks: {{d: {block}}}\nstages: {{block: d, repeat: 3, {arguments}}}\n")
    assert [op.rate for op in found.values()] == [0.0, 0.1, 0.2]  # type: ignore[attr-defined]
