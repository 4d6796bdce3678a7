"""Networks of the zoo equal the published ones: figures, weight names in order, outputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from netspec.backends.keras.instances import adapt
from netspec.backends.torch import BACKEND
from netspec.lang import library
from netspec.weights.checkpoints import Matching, load_weights
from tests.contract.reference import figures
from tests.zoo.held import HELD, QUICK, Held

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
    """Each of tier `must` is a network of the zoo; and every file is held."""
    must = {name for name, found in figures().items() if found["tier"] == "must"}
    names = [held.reference for held in HELD]
    assert len({*names}) == len(names)
    assert must <= {*names}
    files = {library.zoo_variants()[held.network][0] for held in HELD}
    assert files == {*library.zoo_files()}
    assert {*names} >= QUICK


BLIND = {
    "keras_MobileNet": "MobileNet",
    "keras_EfficientNetB0": "EfficientNetB0",
    "keras_MobileNetV3Large": "MobileNetV3Large",
}
"""References whose goldens tell hardly an input from another, with their names in keras.applications."""


def test_every_blind_reference_is_held_otherwise() -> None:
    assert {held.reference for held in HELD if held.is_blind} == BLIND.keys()


@pytest.mark.slow
@pytest.mark.parametrize("reference", BLIND)
def test_a_blind_reference_is_held_against_the_live_one(reference: str, tmp_path: Path) -> None:
    """On an input of large variance and weights that spread it; in float64, but for constants of Keras'."""
    keras = pytest.importorskip("keras")
    held = next(held for held in HELD if held.reference == reference)
    keras.backend.clear_session()  # layers without a name are counted over the whole process
    keras.config.set_floatx("float64")
    try:
        made = getattr(keras.applications, BLIND[reference])
        theirs = made(weights=None, classifier_activation=None)
    finally:
        keras.config.set_floatx("float32")
    random = np.random.default_rng(0)
    for weight in theirs.weights:
        if len(weight.shape) == 1:  # variances stay positive
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif len(weight.shape) > 1:
            taps = weight.shape[:-2] if weight.shape[-1] == 1 else weight.shape[:-1]
            weight.assign(random.normal(size=weight.shape) * (2 / np.prod(taps)) ** 0.5)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # what it computes with
        adapt(layer)  # whose own constants are float32
    theirs.save(tmp_path / "theirs.keras")
    compiled = held.compiled
    model = compiled.build("torch").double().eval()
    how = Matching(allow_unexpected=["normalization/count"])
    found = load_weights(compiled.compilation, tmp_path / "theirs.keras", how=how).weights
    BACKEND.write_weights(model, compiled.network, found)
    image = random.normal(size=(2, *held.figures["input_shape"])) * 1000
    expected = theirs(np.moveaxis(image, 1, -1), training=False).numpy()
    largest = np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() / largest > 1e-2
    output = BACKEND.run(model, image)["output"]
    assert np.abs(output - expected).max() / largest <= held.bound
