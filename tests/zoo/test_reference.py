"""Networks of the zoo equal the published ones: figures, weight names in order, outputs."""

from __future__ import annotations

import pytest
import torch

from netspec.backends.torch import BACKEND
from netspec.lang import library
from tests.contract.reference import figures
from tests.zoo.held import HELD, LACKING, QUICK, Held

every_reference = pytest.mark.parametrize("held", HELD, ids=str)


@every_reference
def test_figures(held: Held) -> None:
    summary = held.compiled.summary()
    expected = held.figures
    assert list(summary.input_shape) == expected["input_shape"]
    assert list(summary.output_shape) == expected["output_shape"]
    assert summary.parameters.trainable == expected["parameters"]["trainable"]
    assert summary.parameters.statistics == expected["parameters"]["statistics"]
    assert not expected["parameters"].get("frozen")
    assert summary.macs == expected["macs"]


@every_reference
def test_weight_names(held: Held) -> None:
    """Names and shapes are the reference's, those that are the network's own in order too."""
    ours = {name: slot.shape for name, slot in held.naming.slots.items()}
    assert ours == held.keys()
    if held.names == "torch":
        assert [*ours] == [*held.keys()]


@pytest.mark.parametrize(
    "held",
    [pytest.param(h, id=str(h), marks=() if str(h) in QUICK else pytest.mark.slow) for h in HELD],
)
def test_golden_output(held: Held) -> None:
    if held.is_blind:
        pytest.skip("its golden tells hardly an input from another")
    compiled = held.compiled
    with torch.device("meta"):
        model = compiled.build("torch").double().eval()
    model.to_empty(device="cpu")
    BACKEND.write_weights(model, compiled.network, held.weights())
    output = BACKEND.run(model, held.input())["output"]
    assert held.error(output) <= held.bound


def test_every_reference_is_counted() -> None:
    """Each of tier `must` is a network of the zoo, or it is said what it lacks; and every file is held."""
    must = {name for name, found in figures().items() if found["tier"] == "must"}
    names = [held.reference for held in HELD]
    assert len({*names}) == len(names)
    assert must == (must & {*names}) | LACKING.keys()
    assert not LACKING.keys() & {*names}
    files = {library.zoo_variants()[held.network][0] for held in HELD}
    assert files == {*library.zoo_files()}
    assert {*names} >= QUICK
