"""What specs must not cause: names that collide, too many parameters."""

from __future__ import annotations

import pytest

from netspec.elaborate.bounds import Bounds
from netspec.elaborate.check import check_network
from tests.elaborate.conftest import compiled, problem


@pytest.mark.parametrize(
    "stem",
    [
        "[{relu: {}, name: a}, {tanh: {}, name: a}]",
        "[{relu: {}, name: conv1}, {conv: {out: 3, kernel: 1}}]",
        "[{residual: {body: [relu]}, name: a}, {tanh: {}, name: a}]",
        "[{relu: {}, name: layer1}]",
        "[{relu: {}, name: layer1.0}]",
    ],
)
def test_names_are_unique(stem: str) -> None:
    text = f"blocks: {{b: {{body: [relu]}}}}\nstem: {stem}\nstages: [{{block: b}}]\n"
    assert problem(text).code == "NS227"


@pytest.mark.parametrize(
    "stem",
    [
        "[{conv: {out: 3, kernel: 1}}, {relu: {}, name: conv1.act}]",
        "[{relu: {}, name: conv1.act}, {conv: {out: 3, kernel: 1}}]",
        "[{relu: {}, name: layer1.0.act}]",
        "[{b: {}, name: c}, {relu: {}, name: c.act}]",
        "[{b: {}, name: c.d}, {relu: {}, name: c.d.e.act}]",
    ],
)
def test_a_name_inside_a_block_or_a_layer_is_that_of_what_stands_there(stem: str) -> None:
    text = f"blocks: {{b: {{body: [relu]}}}}\nstem: {stem}\nstages: [{{block: b}}]\n"
    assert problem(text).code == "NS227"


@pytest.mark.parametrize(
    "stem",
    [
        "[{conv: {out: 3, kernel: 1}, name: a.b}, {relu: {}, name: a.act}]",
        "[{sequence: [{relu: {}, name: act}], name: a}]",
        "[{residual: {body: [relu]}, name: a}, {tanh: {}, name: a.b}]",
        "[{b: {}, name: a.b}, {tanh: {}, name: a.c}]",
    ],
)
def test_names_share_levels_that_are_no_modules(stem: str) -> None:
    compiled(f"blocks: {{b: {{body: [{{relu: {{}}, name: c.d}}]}}}}\nstem: {stem}\n")


def test_the_number_of_parameters_is_bounded() -> None:
    network = compiled("stem: [{conv: {out: 10, kernel: 1, bias: false}}]\n")
    check_network(network, Bounds(parameters=30))
    with pytest.raises(Exception, match="more than 29 parameters") as caught:
        check_network(network, Bounds(parameters=29))
    assert caught.value.diagnostics[0].code == "NS505"  # type: ignore[attr-defined]
