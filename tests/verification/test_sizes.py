"""The size of the input that a verification takes."""

from __future__ import annotations

import pytest

import netspec
from netspec.errors import UsageError
from netspec.ir.resize import resized
from netspec.verification.sizes import choose_size
from tests.support.zoo import zoo_compiled


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet50", (64, 97)),
        ("resnet20", (8, 13)),
        ("resnet50v2", (64, 97)),
        ("wrn_16_8", (8, 13)),
    ],
)
def test_small_and_with_no_two_lengths_alike(name: str, size: tuple[int, int]) -> None:
    network = zoo_compiled(name).network
    assert choose_size(network) == size
    sizes = [stage.target.size for stage in resized(zoo_compiled(name).network, size).stages]
    assert all(height != width for height, width in sizes)


def test_weights_that_fit_one_size_keep_it() -> None:
    assert choose_size(zoo_compiled("article_resnet").network) == (224, 224)
    with pytest.raises(UsageError, match="flattens a map"):
        resized(zoo_compiled("article_resnet").network, (64, 96))


def network_of(size: str, steps: str) -> netspec.CompiledNetwork:
    return netspec.loads(
        f"netspec: 1\nname: n\ninput: {{channels: 2, size: {size}}}\nstem: [{steps}]\n"
    )


def test_never_larger_than_the_spec() -> None:
    steps = "{conv: {out: 4, kernel: 3, stride: 2}}"
    assert choose_size(network_of("[3, 20]", steps).network) == (3, 7)


def test_one_axis_is_odd_where_a_pooling_rounds_up() -> None:
    pool = "{{max_pool: {{kernel: 2{}}}}}"
    assert choose_size(network_of("[64]", pool.format("")).network) == (4,)
    assert choose_size(network_of("[64]", pool.format(", ceil: true")).network) == (5,)


def test_resized_networks_are_typed_for_their_size() -> None:
    program = zoo_compiled("resnet20").network
    network = resized(program, (8, 13))
    assert network.source.shape == (3, 8, 13)
    assert network.stages[-1].target.size == (2, 4)
    assert resized(program, (32, 32)) is program
