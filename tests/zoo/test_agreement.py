"""Every family in PyTorch and in Keras: the same outputs, gradients and running statistics."""

from __future__ import annotations

import pytest

from netspec.backends.torch.precision import GRADIENTS
from netspec.lang import library
from netspec.verification.bounds import bounds_for
from tests.support.agreement import compare, precision
from tests.support.float32 import dtype_of
from tests.support.zoo import KINDS, SHRUNK, Shrunk

pytest.importorskip("keras")

OUTPUT_BOUND = 1e-9
GRADIENT_BOUND = 1e-8

CASES = [
    pytest.param(
        shrunk,
        size,
        marks=[] if shrunk.name in KINDS else [pytest.mark.slow],
        id=f"{shrunk}-{'x'.join(map(str, size))}",
    )
    for shrunk in SHRUNK
    for size in shrunk.sizes
]


def test_every_file_of_the_zoo_is_here() -> None:
    assert {s.file for s in SHRUNK} == {*library.zoo_files()}
    for shrunk in SHRUNK:
        even, odd = shrunk.sizes
        assert not any(n % 2 for n in even)
        assert all(n % 2 for n in odd)
        assert len({*even}) == len(even)
        assert len({*odd}) == len(odd)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("shrunk", "size"), CASES)
def test_torch_and_keras_agree(shrunk: Shrunk, size: tuple[int, ...], training: bool) -> None:
    network = shrunk.compiled(size, taps=True).network
    assert dtype_of(network) == "float64"
    with precision("float64"):
        found = compare(network, training)
    assert found.output <= OUTPUT_BOUND
    # An op whose gradients a framework gives in float32 has a bound of its own, with its reason.
    own = bounds_for(network, "float64", GRADIENTS)["weight gradient"]
    bound = own.value if own.reason.startswith("`") else GRADIENT_BOUND
    assert found.input_gradient <= bound
    assert found.weight_gradient <= bound
    assert found.statistics <= OUTPUT_BOUND
