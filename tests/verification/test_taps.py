"""No kernel is verified on a map that hides its taps, or those that saw only padding are named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import pytest

from netspec.api import loads
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ir.interpret import interpret
from netspec.ir.resize import resized
from netspec.ops.convolution import Conv
from netspec.ops.geometry import pads_at
from netspec.ops.pooling import Pool
from netspec.verification import sizes
from netspec.verification.run import Options, Origin, verify
from netspec.verification.sizes import choose_size, extra_sizes
from netspec.verification.taps import seen_taps, unseen_taps, windows
from tests.contract.command import netspec_command
from tests.support.networks import network_of
from tests.support.op_cases import AVG_POOLS, CONVS, MAX_POOLS, TORCH_ALONE, TRANSPOSED

LANGUAGE = Path(__file__).parents[1] / "contract" / "language"
HEAD = "netspec: 1\nname: net\n"

BLIND = (
    HEAD + "input: {channels: 3, size: [8, 12]}\nstem:\n  - conv: {out: 4, kernel: 3}\n"
    "  - conv: {out: 4, kernel: 3, dilation: 9}\nhead: [flatten, {linear: {out: 4}}]\n"
)
"""A network that takes one size alone, on which the taps ahead and behind of one axis see nothing."""
SAID = (
    "`conv2` (conv, kernel 3×3): on its map of 8×12, 6 of 9 taps saw only padding, and were not compared: "
    "0, 2 along axis 1"
)


def short(network: Program) -> list[str]:
    """The layers whose kernels reach beyond their map."""
    return [
        node.path
        for node, reach in windows(network)
        if any(length < far for length, far in zip(node.source.size, reach, strict=True))
    ]


def at_chosen_size(text: str) -> Program:
    network = loads(text).network
    return resized(network, choose_size(network))


@pytest.mark.parametrize("size", [(3,), (7,)])
@pytest.mark.parametrize(
    "step",
    [
        *(f"conv: {{{text}}}" for text in CONVS if "valid" not in text),
        *(f"conv_transpose: {{{text}}}" for text in (*TRANSPOSED, *TORCH_ALONE)),
        "conv: {out: 8, kernel: 5, dilation: 3}",
        "conv_transpose: {out: 4, kernel: 5, padding: 4}",
    ],
)
def test_a_tap_is_seen_where_a_result_depends_on_it(step: str, size: tuple[int, ...]) -> None:
    """The interpreter says so: with one tap alone, something comes out, or nothing does."""
    try:
        network = network_of(step, size, channels=18)
    except NetspecError:  # the window does not fit so small a map
        pytest.skip("no such network")
    (layer,) = network.layers
    (seen,) = seen_taps(layer.op, layer.source, layer.target) or ()
    (weight, *_) = layer.op.parameters(layer.source)
    x = numpy.random.default_rng(0).uniform(1, 2, (1, *layer.source.shape))
    found = []
    for tap in range(weight.shape[-1]):
        alone = numpy.zeros(weight.shape)
        alone[..., tap] = 1.0
        weights = {
            f"{layer.path}.{p.name}": numpy.zeros(p.shape)
            for p in layer.op.parameters(layer.source)
        }
        weights[f"{layer.path}.weight"] = alone
        found.append(bool(interpret(network, x, weights)["output"].any()))
    assert tuple(found) == seen


@pytest.mark.parametrize(
    "step",
    [f"max_pool: {{{text}}}" for text in MAX_POOLS]
    + [f"avg_pool: {{{text}}}" for text in AVG_POOLS],
)
def test_taps_of_a_pooling(step: str) -> None:
    """By the places of its windows, one by one."""
    (layer,) = network_of(step, (3,)).layers
    assert isinstance(layer.op, Pool)
    ((before, _),) = pads_at(
        layer.op.padding, layer.source.size, layer.op.kernel, layer.op.step, (1,)
    )
    (kernel,), (step_,), (count,) = layer.op.kernel, layer.op.step, layer.target.size
    places = {(tap, p * step_ + tap - before) for p in range(count) for tap in range(kernel)}
    expected = tuple(any((tap, at) in places for at in range(3)) for tap in range(kernel))
    assert seen_taps(layer.op, layer.source, layer.target) == (expected,)


def test_pads_are_what_convolutions_have() -> None:
    network = network_of("conv: {out: 4, kernel: 4, stride: 3, padding: same}", (11,))
    (layer,) = network.layers
    assert isinstance(layer.op, Conv)
    assert pads_at(layer.op.padding, (11,), (4,), (3,), (1,)) == ((1, 1),)
    assert pads_at(layer.op.padding, (12,), (4,), (3,), (1,)) == ((0, 1),)


# Sizes


@pytest.mark.parametrize(
    "text",
    [
        (LANGUAGE / "verify_dilation.yaml").read_text(encoding="utf-8"),
        HEAD
        + "input: {channels: 2, size: [64]}\nstem:\n  - conv: {out: 4, kernel: 3, stride: 8}\n  - conv: {out: 4, kernel: 8}\n",
        HEAD
        + "input: {channels: 2, size: [16, 16]}\nstem:\n  - conv: {out: 4, kernel: 3}\n  - max_pool: {kernel: 9, stride: 2, padding: 4}\n"
        "  - conv: {out: 4, kernel: [1, 5], dilation: [1, 6]}\nhead: [global_avg_pool]\n",
        HEAD
        + "input: {channels: 2, size: [8, 8, 8]}\nstem: [{conv: {out: 4, kernel: 3, dilation: 3}}]\n",
    ],
    ids=["two axes", "one axis", "a pooling", "three axes"],
)
def test_every_kernel_fits_into_its_map(text: str) -> None:
    network = at_chosen_size(text)
    assert short(network) == []
    assert unseen_taps(network) == []
    lengths = [node.source.size for node, reach in windows(network) if len(set(reach)) == 1]
    assert all(len(set(size)) == len(size) for size in lengths)  # no axis passes for another


def test_a_map_that_does_not_grow_ends_nothing() -> None:
    """Behind a global pooling there is one position, whatever the input's size is."""
    text = (
        HEAD
        + "input: {channels: 2, size: [16, 16]}\nstem:\n  - gate: {body: [{global_avg_pool: {keep_dims: true}}, {conv: {out: 2, kernel: 3}}]}\n"
        "  - conv: {out: 4, kernel: 3, dilation: 5}\nhead: [global_avg_pool]\n"
    )
    network = at_chosen_size(text)
    (gate,) = unseen_taps(network)
    assert short(network) == [gate.path] == ["conv1"]
    assert (gate.count, gate.axes) == (8, ((0, 2), (0, 2)))


def test_merges_that_ask_for_multiples_are_respected() -> None:
    text = (
        HEAD
        + "input: {channels: 2, size: [64, 64]}\nstem:\n  - {conv: {out: 4, kernel: 3}, as: a}\n"
        "  - conv: {out: 4, kernel: 2, stride: 4}\n  - conv: {out: 4, kernel: 3, dilation: 8}\n"
        "  - {conv_transpose: {out: 4, kernel: 4, stride: 4, padding: 0}, as: b}\n  - {from: [a, b]}\n"
    )
    network = at_chosen_size(text)
    assert all(length % 4 == 0 for length in network.source.size)
    assert short(network) == []


def test_it_grows_no_further_than_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        HEAD
        + "input: {channels: 3, size: [8, 8]}\nstem: [{conv: {out: 4, kernel: 3, dilation: 30}}]\nhead: [global_avg_pool]\n"
    )
    assert unseen_taps(at_chosen_size(text)) == []
    monkeypatch.setattr(sizes, "MACS", 0)
    network = at_chosen_size(text)
    assert max(network.source.size) <= 9
    assert unseen_taps(network)


def test_further_sizes_are_no_smaller() -> None:
    network = loads((LANGUAGE / "verify_dilation.yaml").read_text(encoding="utf-8")).network
    first = choose_size(network)
    for size in extra_sizes(network, first):
        assert short(resized(network, size)) == []


# What is said


def test_taps_that_saw_only_padding_are_named_in_every_format(tmp_path: Path) -> None:
    spec = tmp_path / "blind.yaml"
    spec.write_text(BLIND, encoding="utf-8")
    options = (spec, "--level", "forward", "--backend", "torch")
    certificate = tmp_path / "c.json"
    text = netspec_command("verify", *options, "--report", certificate)
    assert text.status == 0
    assert f"note: {SAID}" in text.out.splitlines()
    verdict = "net: 2 models agree at level forward, but for taps of `conv2` that saw only padding"
    assert text.out.splitlines()[-1] == verdict
    (network,) = json.loads(certificate.read_text(encoding="utf-8"))["networks"]
    assert network["outcome"] == "agrees in part"
    (unseen,) = network["unseen"]
    assert (unseen["layer"], unseen["taps"], unseen["along_axes"]) == ("conv2", 6, [[0, 2], []])
    assert unseen["message"] == SAID
    assert unseen["place"].endswith("blind.yaml:6:5")
    held = netspec_command("verify", "--certificate", certificate)
    assert held.out.splitlines()[0] == "net: holds (level forward, but for taps of 1 layer)"
    assert (
        f"::warning file={spec},line=6,col=5,title=netspec verify net::{SAID}"
        in netspec_command("verify", *options, "--format", "github").out
    )
    assert (
        f"<system-out>{SAID}</system-out>"
        in netspec_command("verify", *options, "--format", "junit").out
    )
    several = netspec_command("verify", spec, *options)
    assert several.out.count("agrees in part") == 2
    assert f"net: note: {SAID}" in several.out


def test_the_page_names_them(tmp_path: Path) -> None:
    spec, page = tmp_path / "blind.yaml", tmp_path / "c.html"
    spec.write_text(BLIND, encoding="utf-8")
    netspec_command("verify", spec, "--level", "shapes", "--backend", "torch", "--report", page)
    html = page.read_text(encoding="utf-8")
    assert SAID in html
    assert "agrees in part" in html
    assert "All models of 1 network agree" not in html


def test_a_size_that_is_asked_for_is_taken_and_what_it_hides_is_named() -> None:
    compiled = loads((LANGUAGE / "verify_dilation.yaml").read_text(encoding="utf-8"))
    options = Options("shapes", ("torch",), size=(16, 25))
    result = verify(compiled.compilation, options, Origin("net.yaml"))
    assert [(one.path, one.count) for one in result.unseen] == [("conv2", 8)]
