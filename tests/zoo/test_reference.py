"""Networks of the zoo equal the published ones: figures, weight names in order, outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.backends.torch import BACKEND
from netspec.lang import library
from netspec.weights.checkpoints import load_weights
from tests.contract.reference import figures
from tests.zoo.held import HELD, LACKING, QUICK, Held

every_reference = pytest.mark.parametrize("held", HELD, ids=str)


def evaluated(held: Held) -> set[str]:
    """The names of the outputs that there are in evaluation."""
    return {*held.compiled.network.evaluation_outputs}


@every_reference
def test_figures(held: Held) -> None:
    summary = held.compiled.summary()
    expected = held.figures
    assert list(summary.input_shape) == expected["input_shape"]
    shapes = [list(output.shape) for output in summary.outputs if output.name in evaluated(held)]
    assert shapes in (expected["output_shape"], [expected["output_shape"]])
    assert summary.parameters.trainable == expected["parameters"]["trainable"]
    assert summary.parameters.statistics == expected["parameters"]["statistics"]
    assert summary.parameters.frozen == held.frozen
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
    assert held.error() <= held.bound


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


@pytest.mark.slow
def test_a_blind_reference_is_held_against_the_live_one(tmp_path: Path) -> None:
    """On an input of large variance and weights that spread it; in float32, as Keras computes here."""
    keras = pytest.importorskip("keras")
    (held,) = [held for held in HELD if held.is_blind]
    assert held.reference == "keras_MobileNet"
    theirs = keras.applications.MobileNet(weights=None, classifier_activation=None)
    random = np.random.default_rng(0)
    for weight in theirs.weights:
        if len(weight.shape) == 1:  # variances stay positive
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        else:
            taps = weight.shape[:-2] if weight.shape[-1] == 1 else weight.shape[:-1]
            weight.assign(random.normal(size=weight.shape) * (2 / np.prod(taps)) ** 0.5)
    theirs.save(tmp_path / "theirs.keras")
    compiled = held.compiled
    model = compiled.build("torch").eval()
    found = load_weights(compiled.compilation, tmp_path / "theirs.keras").weights
    BACKEND.write_weights(model, compiled.network, found)
    image = random.normal(size=(2, *held.figures["input_shape"])).astype("float32") * 30
    expected = theirs(np.moveaxis(image, 1, -1), training=False).numpy()
    largest = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() / largest > 1e-2
    output = BACKEND.run(model, image)["output"]
    assert np.abs(output - expected).max() / largest <= held.bound
