"""`resize` to the size of another result: U-Nets, at any size that the input may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.backends.base import get_backend
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import NetspecError, UsageError
from netspec.ir.interpret import interpret
from netspec.ir.resize import resized
from tests.support.networks import input_of, network_of, random_weights
from tests.support.saved import elsewhere, load_elsewhere, store
from tests.support.witnesses import check

pytest.importorskip("torch")
pytest.importorskip("keras")

UNET = """
netspec: 1
name: small_unet
input: {channels: 3, size: SIZE}
blocks:
  twice:
    params: {width: int}
    body: [{conv: {out: width, kernel: 3}}, act, {conv: {out: width, kernel: 3}}, act]
  down:
    params: {width: int}
    body: [{max_pool: {kernel: 2}}, {twice: {width: width}}]
stem:
  - {twice: {width: 4}, as: full}
stages:
  - {block: down, width: 6}
  - {block: down, width: 8}
head:
  - {resize: {like: layer1, mode: MODE}, as: up1}
  - {from: [layer1, up1], merge: concat}
  - twice: {width: 6}
  - {resize: {like: full, mode: MODE}, as: up2}
  - {from: [full, up2], merge: concat}
  - twice: {width: 4}
  - {conv: {out: 2, kernel: 1}, name: classify}
"""
SIDE = "{relu: {}, as: a}\n{max_pool: {kernel: 2}}\n{resize: {like: a}, as: b}\n{from: [b, a]}"


def unet(mode: str, size: list[int]) -> netspec.CompiledNetwork:
    return netspec.loads(UNET.replace("SIZE", str(size)).replace("MODE", mode))


@pytest.mark.parametrize(
    ("mode", "size"),
    [
        ("nearest", [16]),
        ("nearest", [12, 20]),
        ("nearest", [4, 8, 12]),
        ("bilinear", [12, 20]),
        ("bilinear", [13, 22]),  # factors that are not whole
    ],
)
def test_all_witnesses_agree(mode: str, size: list[int]) -> None:
    check(unet(mode, size))


def test_source_asks_for_the_size_where_it_runs() -> None:
    source = unet("bilinear", [12, 20]).generate("torch")
    assert "import torch.nn.functional as F\n" in source
    assert "size=layer1.shape[2:], mode=" in source
    assert "size=full.shape[2:])\n" in unet("nearest", [12, 20]).generate("torch")


def test_keras_source_is_for_one_size() -> None:
    source = unet("nearest", [12, 20]).generate("keras")
    assert 'ValueError("the resizing is for a size of (12, 20) in input_shape only")' in source
    assert "layers.UpSampling2D(size=2, data_format=" in source
    assert "layers.Resizing(13, 22, " in unet("bilinear", [13, 22]).generate("keras")


@pytest.mark.parametrize(("mode", "size"), [("nearest", (8, 4)), ("bilinear", (9, 14))])
def test_live_models_follow_the_size_of_the_input(mode: str, size: tuple[int, ...]) -> None:
    network = unet(mode, [12, 20]).network
    weights = random_weights(network)
    x = input_of(network, size).astype("float32")
    expected = interpret(network, x, weights)["output"]
    assert expected.shape[1:] == resized(network, size).target.shape
    for name in ("torch", "keras"):
        backend = get_backend(name)
        model = backend.build(network) if name == "torch" else backend.build(network, size)
        backend.write_weights(model, network, weights)
        np.testing.assert_allclose(backend.run(model, x)["output"], expected, rtol=1e-3, atol=1e-3)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        UsageError, match="`resize1`: at this input size, a map of 2×3 cannot become"
    ):
        resized(unet("nearest", [12, 20]).network, (10, 12))
    with pytest.raises(NetspecError, match="sizes that are known"):
        get_backend("keras").build(unet("nearest", [12, 20]).network, (None, None))


@pytest.mark.parametrize(
    ("steps", "code", "message"),
    [
        ("resize", "NS208", "`resize` needs `factor` or `like`"),
        (SIDE.replace("like: a", "like: a, factor: 2"), "NS401", "`factor` or `like`, not both"),
        (SIDE.replace("like: a", "like: z"), "NS225", "no earlier step of this block is named `z`"),
        (SIDE.replace("kernel: 2", "kernel: 3"), "NS401", "a map of 2×3 cannot become one of 8×10"),
        (SIDE.replace("like: a", "like: 3"), "NS103", "expected the name of an earlier result"),
    ],
)
def test_refusals(steps: str, code: str, message: str) -> None:
    with pytest.raises(NetspecError) as caught:
        network_of(steps, (8, 10))
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert message in found.message


def test_a_size_alone_is_no_use() -> None:
    """No gradient would reach the layers ahead of it, and Keras would leave them out."""
    steps = (
        "{tanh: {}, as: p}\n{conv: {out: 6, kernel: 1}, as: a}\n{max_pool: {kernel: 2}, from: p}"
    )
    with pytest.raises(NetspecError, match="nothing uses the result of this `conv`"):
        network_of(f"{steps}\n{{resize: {{like: a}}}}", (8, 10))


def test_defaults_have_no_results_to_name() -> None:
    with pytest.raises(NetspecError, match="`defaults` have none"):
        network_of(SIDE.replace("{like: a}", "{}"), (8, 10), more="defaults: {resize: {like: a}}\n")


def test_what_is_wrong_ahead_is_told_once() -> None:
    text = (
        "netspec: 1\nname: n\ninput: {channels: 6, size: [8, 8]}\nstem:\n"
        "  - {conv: {out: missing, kernel: 3}, as: a}\n"
        "  - max_pool: {kernel: 2}\n"
        "  - {resize: {like: a}, as: b}\n"
        "  - {from: [a, b]}\n"
    )
    found = check_content(text.encode(), "spec.yaml", None, Options())
    assert found is not None
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["NS202"]


def test_a_saved_model_loads_where_netspec_is_not(tmp_path: Path) -> None:
    expected = {}
    for mode, size in (("nearest", [12, 20]), ("bilinear", [13, 22])):
        expected[mode] = store(unet(mode, size).network, tmp_path, mode)
    load_elsewhere(tmp_path)
    for mode, outputs in expected.items():
        found = elsewhere(tmp_path, mode)["output"]
        np.testing.assert_allclose(found, outputs["output"], rtol=1e-4, atol=1e-4)
