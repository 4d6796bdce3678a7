"""Whole models: how nodes are wired, what layers are called, what stays independent of the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netspec.backends.base import Backend, build
from netspec.backends.keras import BACKEND
from netspec.elaborate.network import elaborate
from netspec.errors import NetspecError, UsageError
from netspec.ir import Program
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from tests.support.agreement import compare, precision
from tests.support.networks import input_of, network_of, random_weights

WIRED = [
    "residual: {body: [{conv: {out: 6, kernel: 3}}, batch_norm]}",
    "residual: {body: [{conv: {out: 4, kernel: 1}}], shortcut: [{conv: {out: 4, kernel: 3}}]}",
    "gate: {body: [{global_avg_pool: {keep_dims: true}}, {conv: {out: 6, kernel: 1}}, sigmoid]}",
    "gate: {body: [{conv: {out: 6, kernel: 3}}, sigmoid]}",
    "concat: {body: [{conv: {out: 4, kernel: 3}}, relu]}",
    "branches: {a: [{conv: {out: 5, kernel: 1}}], b: [{conv: {out: 3, kernel: 3}}], merge: concat}",
    "branches: {a: [tanh], b: [{conv: {out: 6, kernel: 3}}], c: [sigmoid], merge: add}",
    "branches: {a: [tanh], b: [{conv: {out: 6, kernel: 3}}], c: [sigmoid], merge: mul}",
    "squeeze_excite",
    "{conv: {out: 6, kernel: 3}, as: a}\n{relu: {}, as: b}\n{conv: {out: 6, kernel: 1}, from: a, as: c}\n{elu: {}, from: [b, c]}",
    "{conv: {out: 6, kernel: 3}, as: a}\n{tanh: {}, as: b}\n{gelu: {}, from: [a, b], merge: mul}",
    "{relu: {}, as: a}\n{conv: {out: 2, kernel: 1}, as: b}\n{elu: {}, from: [a, b], merge: concat}",
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("steps", WIRED)
def test_combinators_agree_with_torch(steps: str, training: bool) -> None:
    with precision("float64"):
        difference = compare(network_of(steps, (7, 10)), training=training)
    assert difference.output < 1e-12
    assert difference.input_gradient < 1e-12
    assert difference.weight_gradient < 1e-11
    assert difference.statistics < 1e-12


def resnet(variant: str) -> Program:
    """A network of the family in the zoo."""
    path = Path(__file__).parents[3] / "specs" / "resnet.yaml"
    return elaborate(bind_spec(parse(path.read_text(), path.name)), variant)


def test_resnet18_agrees_with_torch() -> None:
    network = resnet("resnet18")
    with precision("float64"):
        difference = compare(network, size=(34, 45))
    assert difference.output < 1e-11
    assert difference.input_gradient < 1e-11
    assert difference.weight_gradient < 1e-9


def test_names_and_order() -> None:
    names = [layer.name for layer in BACKEND.build(resnet("resnet18"), (32, 48)).layers]
    assert names[:7] == ["input", "conv1_pad", "conv1", "bn1", "relu", "maxpool_pad", "maxpool"]
    assert {"layer1_0_conv1", "layer2_0_downsample_1", "fc"} <= {*names}


def test_more_layers_in_a_row_than_keras_can_build() -> None:
    network = network_of("repeat: {times: 1200, body: [relu]}", (4, 5))
    with pytest.raises(UsageError, match="has to be a stage"):
        BACKEND.build(network)


def test_a_name_that_keras_needs_is_taken() -> None:
    steps = "conv: {out: 4, kernel: 3, stride: 2}\n{relu: {}, name: conv1_pad}"
    with pytest.raises(NetspecError, match=r"NS703.*`conv1_pad`"):
        build(BACKEND, network_of(steps, (8, 9)))


def test_nodes_of_expressions_meet_no_layer() -> None:
    steps = "max_pool: {kernel: 4, stride: 2, padding: 2}\n{relu: {}, name: pad}"
    for _ in range(2):
        names = [layer.name for layer in BACKEND.build(network_of(steps, (8, 9))).operations]
        assert names == ["input", "maxpool_pad", "maxpool", "pad"]


def test_sizes_that_the_weights_do_not_fit() -> None:
    network = network_of("flatten\nlinear: {out: 3}", (4, 5))
    with pytest.raises(UsageError, match="cannot be open"):
        BACKEND.build(network, (None, None))
    with pytest.raises(UsageError, match="gets 6×4×6"):
        BACKEND.build(network, (4, 6))
    with pytest.raises(UsageError, match="axes"):
        BACKEND.build(network, (4,))


def test_a_padding_that_needs_numbers() -> None:
    network = network_of("conv: {out: 3, kernel: 3, dilation: 2, stride: 2, padding: same}", (8, 9))
    with pytest.raises(NetspecError, match=r"NS702.*must be fixed"):
        BACKEND.build(network, (None, None))


def test_dropout_in_training() -> None:
    import keras

    keras.utils.set_random_seed(0)
    for steps, same_in in (("dropout: {rate: 0.25}", ()), ("drop_path: {rate: 0.25}", (1, 2, 3))):
        x = np.ones((400, 5, 6, 3), "float32")
        y = BACKEND.build(network_of(steps, (5, 6), channels=3))(x, training=True).numpy()
        np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-6)
        assert abs((y == 0).mean() - 0.25) < 0.1
        assert not same_in or (y == y[:, :1, :1, :1]).all()
        assert same_in or (y != y[:, :1, :1, :1]).any()


def test_the_backend_is_one() -> None:
    backend: Backend = BACKEND
    assert backend.name == "keras"
    model = backend.build(network_of("relu", (4, 5)))
    assert backend.owns(model)
    assert not backend.owns(object())
    found = backend.run(model, input_of(network_of("relu", (4, 5))))
    assert found["output"].shape == (3, 6, 4, 5)


STEPS = """
conv: {out: 4, kernel: 3, stride: 2}
batch_norm
avg_pool: {kernel: 2, stride: 1, padding: 1, count_include_pad: false}
softmax
flatten: {order: channels_first}
batch_norm
linear: {out: 3}
"""
HOSTILE = """
import sys
import numpy as np
from netspec.backends.keras import BACKEND
assert not BACKEND.owns(object())
assert not {"keras", "tensorflow"} & {*sys.modules}, "importing the backend imports a framework"
from tests.support.networks import input_of, network_of, random_weights
steps = sys.argv[2]
network = network_of(steps, (7, 10))
model = BACKEND.build(network)
BACKEND.write_weights(model, network, random_weights(network))
y = BACKEND.run(model, input_of(network))["output"]
import keras
print(keras.backend.backend(), y.dtype)
np.save(sys.argv[1], y)
"""


def test_no_file_in_a_home_directory_decides(tmp_path: Path) -> None:
    hostile = {
        "floatx": "float16",
        "epsilon": 0.1,
        "backend": "jax",
        "image_data_format": "channels_first",
    }
    (tmp_path / "keras.json").write_text(json.dumps(hostile))
    environment = {
        **os.environ,
        "KERAS_HOME": str(tmp_path),
        "KERAS_BACKEND": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE, str(tmp_path / "y.npy"), STEPS],
        cwd=Path(__file__).parents[3],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["tensorflow", "float32"]
    network = network_of(STEPS, (7, 10))
    model = BACKEND.build(network)
    BACKEND.write_weights(model, network, random_weights(network))
    expected = BACKEND.run(model, input_of(network))["output"]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected, rtol=1e-5, atol=1e-6)


def test_the_data_format_of_the_process_is_left_alone() -> None:
    import keras

    keras.config.set_image_data_format("channels_first")
    try:
        network = network_of("conv: {out: 4, kernel: 3, stride: 2}\nglobal_max_pool", (7, 10))
        y = BACKEND.run(BACKEND.build(network), input_of(network))["output"]
        assert keras.config.image_data_format() == "channels_first"
    finally:
        keras.config.set_image_data_format("channels_last")
    assert y.shape == (3, 4)
