"""`conv_transpose` where the frameworks part: what TensorFlow lacks is refused, and PyTorch has it."""

from __future__ import annotations

import numpy as np
import pytest

from netspec import api
from netspec.backends.base import get_backend
from netspec.errors import NetspecError
from netspec.ir.interpret import interpret
from tests.support.agreement import compare, precision
from tests.support.networks import SIZES, input_of, network_of, random_weights
from tests.support.op_cases import TORCH_ALONE

pytest.importorskip("torch")
pytest.importorskip("keras")

SPEC = """\
netspec: 1
name: n
input: {channels: 6, size: [8, 8]}
stem: [{conv_transpose: {out: 4, kernel: 3, STEP}, name: up}, global_avg_pool]
"""


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("attributes", TORCH_ALONE)
def test_torch_computes_what_keras_cannot(attributes: str, rank: int) -> None:
    network = network_of(f"conv_transpose: {{{attributes}}}", SIZES[rank])
    weights = random_weights(network)
    x = input_of(network).astype("float64")
    backend = get_backend("torch")
    with precision("float64"):
        model = backend.build(network)
        backend.write_weights(model, network, weights)
        found = backend.run(model, x)["output"]
    assert np.abs(interpret(network, x, weights)["output"] - found).max() < 1e-11


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        (
            "groups: 2",
            "Keras has no transposed convolution with `groups`, and this has 2",
        ),
        ("dilation: 2", "TensorFlow has no transposed convolution with `dilation` on a CPU"),
    ],
)
def test_keras_refuses_in_a_sentence(attributes: str, reason: str) -> None:
    network = api.loads(SPEC.replace("STEP", attributes))
    for attempt in (
        lambda: network.build("keras"),
        lambda: network.generate("keras"),
    ):
        with pytest.raises(NetspecError) as caught:
            attempt()
        (found,) = caught.value.diagnostics
        assert (found.code, found.path) == ("NS702", "up")
        assert reason in found.message
    assert "nn.ConvTranspose2d" in network.generate("torch")


@pytest.mark.parametrize("size", [(5, 8), (11, 4)])
@pytest.mark.parametrize(
    "attributes",
    ["stride: 2, padding: same", "stride: 4", "stride: 3, padding: [[0, 1], [2, 0]]"],
)
def test_open_sizes(attributes: str, size: tuple[int, ...]) -> None:
    network = network_of(f"conv_transpose: {{out: 4, kernel: 3, {attributes}}}", (6, 7))
    with precision("float64"):
        assert compare(network, size=size, open_size=True).output < 1e-9
