"""What frameworks ask of names: refused where a framework cannot take them, and told by `validate`."""

from __future__ import annotations

import numpy
import pytest

import netspec
from netspec.backends.base import get_backend
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import Diagnostic, NetspecError
from netspec.ir.interpret import interpret

HEAD = "netspec: 1\nname: tiny\ninput: {channels: 3, size: [8, 8]}\n"
BLOCKS = "blocks: {b: {body: [relu]}, double: {body: [relu]}}\n"

RESERVED = [
    ("stem: [{relu: {}, name: forward}]", "forward", "forward"),
    ("stem: [{conv: {out: 3, kernel: 1}, name: x.parameters}]", "x.parameters", "parameters"),
    ("stem:\n  - relu:\n    name: T_destination", "T_destination", "T_destination"),
    ("stem: [{b: {}, name: train}]", "train", "train"),
    ("stem: [{sequence: [relu], name: apply}]", "apply", "apply"),
    ("stem: [{residual: {body: [relu]}, name: half}]", "half", "half"),
    ("stem: [{relu: {}, name: \"{'to' if channels == 3 else 'by'}\"}]", None, "to"),
    ("stages: [{block: b, name: eval}]", "eval", "eval"),
    ("stages: [{block: b, block_name: modules}]", "modules", "modules"),
    ("stem: [double]", "double", "double"),  # named by its label
]
"""A network that PyTorch refuses, what is marked (None: the whole value of ``name``), and the word."""


def told(text: str, backends: tuple[str, ...] | None = None) -> list[Diagnostic]:
    options = Options(lints=frozenset(), backends=backends)
    result = check_content(text.encode(), "spec.yaml", None, options)
    assert result is not None
    return list(result.diagnostics)


def refused(text: str, backend: str) -> list[Diagnostic]:
    """What both ways to use a backend say, which is the same."""
    found = []
    for act in (netspec.CompiledNetwork.build, netspec.CompiledNetwork.generate):
        with pytest.raises(NetspecError) as caught:
            act(netspec.loads(text, file="spec.yaml"), backend)
        found.append(list(caught.value.diagnostics))
    assert found[0] == found[1]
    return found[0]


def marked(found: Diagnostic) -> str:
    assert found.span is not None
    assert found.span.quoted is not None
    return found.span.quoted[found.span.column - 1 : found.span.end_column - 1]


@pytest.mark.parametrize(("network", "mark", "word"), RESERVED)
def test_a_word_of_pytorch_is_refused_at_its_place_and_told(
    network: str, mark: str | None, word: str
) -> None:
    text = HEAD + BLOCKS + network + "\n"
    (found,) = refused(text, "torch")
    assert found.code == "NS221"
    assert f"`{word}` is taken by PyTorch" in found.message
    assert mark is None or marked(found) == mark
    assert told(text) == [found]


@pytest.mark.parametrize(
    "word", ["forward", "train", "parameters", "to", "layers", "call", "input"]
)
def test_keras_takes_words_of_pytorch(word: str) -> None:
    text = HEAD + f"stem: [{{conv: {{out: 2, kernel: 3}}, name: {word}}}, relu]\n"
    found = netspec.loads(text)
    model = found.build("keras")
    found.start(model)
    x = numpy.ones((1, 3, 8, 8))
    assert get_backend("keras").run(model, x)["output"].shape == (1, 2, 8, 8)
    assert f'"{word}"' in found.generate("keras")


def test_a_place_that_many_blocks_share_is_told_once() -> None:
    text = HEAD + (
        "params: {depth: 2}\nblocks: {b: {body: [{relu: {}, name: forward}]}}\n"
        "variants: {small: {depth: 2}, large: {depth: 5}}\nstages: [{block: b, repeat: depth}]\n"
    )
    assert [d.code for d in told(text)] == ["NS221"]
    with pytest.raises(NetspecError) as caught:
        netspec.loads(text, "large", file="spec.yaml").build("torch")
    assert [d.span for d in caught.value.diagnostics] == [d.span for d in told(text)]


def test_words_are_told_beside_other_problems() -> None:
    text = HEAD + "stem: [{relu: {}, name: forward}, {conv: {out: nothing, kernel: 1}}]\n"
    assert [d.code for d in told(text)] == ["NS221", "NS202"]


@pytest.mark.parametrize(
    "stem",
    [
        "[{relu: {}, name: a.b}, {tanh: {}, name: a_b}]",
        "[{b: {}, name: a}, {tanh: {}, name: a_relu}]",
    ],
)
def test_names_that_keras_spells_alike_are_two_in_pytorch(stem: str) -> None:
    text = HEAD + BLOCKS + f"stem: {stem}\n"
    (found,) = refused(text, "keras")
    assert found.code == "NS227"
    assert "are one name in Keras" in found.message
    assert told(text) == [found]
    assert told(text, ("torch",)) == []
    network = netspec.loads(text)
    x = numpy.random.default_rng(0).normal(size=(2, 3, 8, 8))
    expected = numpy.tanh(numpy.maximum(x, 0))
    given = get_backend("torch").run(network.build("torch"), x)["output"]
    numpy.testing.assert_allclose(given, expected, atol=1e-6)
    space: dict[str, object] = {}
    exec(compile(network.generate("torch"), "tiny.py", "exec"), space)
    made = space["tiny"]()  # type: ignore[operator]
    numpy.testing.assert_allclose(get_backend("torch").run(made, x)["output"], expected, atol=1e-6)


TWO = (
    "netspec: 1\nname: tiny\n"
    "input:\n  colour: {channels: 3, size: [8, 8]}\n  depth: {channels: 1, size: [8, 8]}\n"
    "stem:\n  - {conv: {out: 3, kernel: 1}, name: first}\n"
    "  - {from: [colour, depth], merge: concat, name: both}\n"
)


def test_an_input_is_no_layer_of_keras() -> None:
    text = TWO.replace("name: first", "name: depth").replace("[colour,", "[colour, first,")
    text = text.replace("name: depth", "name: depth, as: first")
    (found,) = refused(text, "keras")
    assert (found.code, found.path) == ("NS227", "depth")
    assert netspec.loads(text).build("torch").depth is not None


@pytest.mark.parametrize(
    ("name", "backends"),
    [("self", {"torch"}), ("keras", {"keras"}), ("y2", {"torch", "keras"}), ("depth", set())],
)
def test_an_input_hides_no_name_of_source(name: str, backends: set[str]) -> None:
    text = TWO.replace("first}", "first, as: first}").replace("[colour,", "[first, colour,")
    text = text.replace("depth", name)
    for backend in ("torch", "keras"):
        if backend in backends:
            (found,) = refused(text, backend)
            assert (found.code, marked(found)) == ("NS223", name)
        else:
            assert name in netspec.loads(text).generate(backend)
    assert [d.code for d in told(text)] == (["NS223"] if backends else [])


@pytest.mark.parametrize("size", ["[7]", "[6, 9]", "[5, 6, 4]"])
def test_an_average_without_unequal_padding_is_for_keras_alone(size: str) -> None:
    pads = ", ".join(["[1, 0]", "[0, 1]", "[1, 1]"][: size.count(",") + 1])
    text = f"netspec: 1\nname: tiny\ninput: {{channels: 2, size: {size}}}\nstem:\n  - avg_pool: "
    text += f"{{kernel: 3, stride: 2, padding: [{pads}], count_include_pad: false}}\n"
    (found,) = refused(text, "torch")
    assert (found.code, marked(found)) == ("NS702", "avg_pool")
    network = netspec.loads(text)
    x = numpy.random.default_rng(0).normal(size=(2, *network.network.source.shape))
    expected = interpret(network.network, x, {})["output"]
    given = get_backend("keras").run(network.build("keras"), x)["output"]
    numpy.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)


POOL = "netspec: 1\nname: tiny\ninput: {channels: 2, size: [2, 4, 5]}\nstem:\n  - avg_pool: {kernel: 3, stride: 1, padding: 1}\n"


def test_what_else_a_backend_refuses_is_told_where_it_is_asked_of() -> None:
    (found,) = refused(POOL, "torch")
    assert (found.code, marked(found)) == ("NS702", "avg_pool")
    assert "its kernel is larger than the map of 2×4×5" in found.message
    assert told(POOL) == []
    assert told(POOL, ("keras",)) == []
    assert told(POOL, ("keras", "torch")) == [found]
    deeper = netspec.loads(POOL.replace("[2, 4, 5]", "[3, 4, 5]"))
    with pytest.raises(NetspecError, match=r"larger than the map of 2×4×5"):
        deeper.build("torch", (2, 4, 5))
    network = netspec.loads(POOL)
    x = numpy.ones((1, 2, 2, 4, 5))
    given = get_backend("keras").run(network.build("keras"), x)["output"]
    assert given.shape == (1, 2, 2, 4, 5)
    assert given[0, 0, 0, 0, 0] == pytest.approx(8 / 27)
