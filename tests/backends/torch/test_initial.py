"""Initialisers as PyTorch is told them, and which ones a fresh module does by itself.

The distributions themselves are in ``tests/backends/test_initial.py``.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netspec.api import loads
from netspec.backends.torch import live
from netspec.backends.torch.execute import make_module, resolve
from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.rows import ROWS
from netspec.codegen.calls import Call, execute
from netspec.ops import OPS
from tests.support.generated import build_generated
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases


def calls(steps: str, size: tuple[int, ...] = (8, 9)) -> dict[str, Call]:
    """The initialising calls of the last layer, by parameter."""
    layer = network_of(steps, size).layers[-1]
    return {p.name: init_call(p, layer.source, "TENSOR") for p in layer.op.parameters(layer.source)}


def worked_out(value: Any) -> Any:
    """An argument of a call, its operators done."""
    if isinstance(value, tuple):
        return tuple(map(worked_out, value))
    return execute(value, resolve) if isinstance(value, Call) else value


@pytest.mark.parametrize(
    ("init", "target", "arguments", "keywords"),
    [
        (
            "{kaiming_normal: fan_out}",
            "nn.init.kaiming_normal_",
            (),
            {"mode": "fan_out", "nonlinearity": "relu"},
        ),
        (
            "{kaiming_uniform: fan_in}",
            "nn.init.kaiming_uniform_",
            (),
            {"mode": "fan_in", "nonlinearity": "relu"},
        ),
        ("glorot_uniform", "nn.init.xavier_uniform_", (), {}),
        (
            "{variance_scaling: {scale: 1, mode: fan_avg, distribution: normal}}",
            "nn.init.xavier_normal_",
            (),
            {},
        ),
        ("zeros", "nn.init.zeros_", (), {}),
        ("1", "nn.init.ones_", (), {}),
        ("0.5", "nn.init.constant_", (0.5,), {}),
        ("{normal: 0.02}", "nn.init.normal_", (), {"std": 0.02}),
        (
            "{truncated_normal: 0.02}",
            "nn.init.trunc_normal_",
            (),
            {"std": 0.02, "a": -0.04, "b": 0.04},
        ),
        ("{uniform: 0.1}", "nn.init.uniform_", (-0.1, 0.1), {}),
        ("{uniform: fan_in}", "nn.init.uniform_", (-(54**-0.5), 54**-0.5), {}),
    ],
)
def test_calls(
    init: str, target: str, arguments: tuple[float, ...], keywords: dict[str, object]
) -> None:
    call = calls(f"conv: {{out: 4, kernel: 3, init: {init}}}")["weight"]
    assert (call.target, worked_out(call.args)) == (target, ("TENSOR", *arguments))
    assert call.kwargs == keywords


def test_pytorch_counts_the_fans_that_the_op_declares() -> None:
    """Kaiming's and Xavier's functions read them off the tensor."""
    from torch.nn.init import _calculate_fan_in_and_fan_out

    for steps, rank in cases():
        for layer in network_of(steps, SIZES[rank]).layers:
            for parameter in layer.op.parameters(layer.source):
                if parameter.name == "weight" and layer.op.kind in ("conv", "linear"):
                    fans = _calculate_fan_in_and_fan_out(torch.empty(parameter.shape))
                    assert fans == parameter.fans, layer


NATIVE = {
    "conv": "out: 512, kernel: 3, init: WEIGHT, bias_init: {uniform: fan_in}",
    "conv_transpose": "out: 512, kernel: 3, init: WEIGHT, bias_init: {uniform: fan_in}",
    "linear": "out: 512, init: WEIGHT, bias_init: {uniform: fan_in}",
    "batch_norm": "",
    "layer_norm": "",
    "group_norm": "groups: 4",
    "instance_norm": "",
    "prelu": "",
    "scale": "",
}
_WEIGHT = "{variance_scaling: {scale: 1 / 3, mode: fan_in, distribution: uniform}}"


def test_the_table_of_what_modules_do_by_themselves_is_whole() -> None:
    with_weights = set()
    for steps, rank in cases():
        for layer in network_of(steps, SIZES[rank]).layers:
            if layer.op.parameters(layer.source):
                with_weights.add(layer.op.kind)
    with_weights -= {
        "channel_conv"
    }  # a convolution over one axis, where there is none in these networks
    assert with_weights == NATIVE.keys() <= OPS.keys()


@pytest.mark.parametrize("kind", NATIVE)
def test_a_fresh_module_starts_as_the_call_would(kind: str) -> None:
    torch.manual_seed(0)
    steps = f"{kind}: {{{NATIVE[kind].replace('WEIGHT', _WEIGHT)}}}"
    steps = f"global_avg_pool\n{steps}" if kind == "linear" else steps
    network = network_of(steps, (8, 9), channels=64)
    layer = list(network.layers)[-1]
    module = make_module(ROWS[kind](layer))
    told = live.build(network).get_submodule(layer.path)
    for parameter in layer.op.parameters(layer.source):
        assert is_native(layer, parameter), parameter.name
        own, expected = (getattr(m, parameter.name).detach() for m in (module, told))
        if float(expected.std()) == 0:
            assert torch.equal(own, expected)
            continue
        assert float(own.std() / expected.std()) == pytest.approx(1, abs=7 / own.numel() ** 0.5)
        assert float(own.abs().max() / expected.abs().max()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    "steps",
    [
        "conv: {out: 4, kernel: 3}",
        "conv: {out: 4, kernel: 3, init: {kaiming_normal: fan_out}, bias_init: ones}",
        "batch_norm: {init: zeros, bias_init: ones}",
        "prelu: {init: {constant: 0.2}}",
        "scale: {init: {constant: 1e-6}}",
    ],
)
def test_other_starts_are_told(steps: str) -> None:
    layer = list(network_of(steps, (8, 9)).layers)[-1]
    learned = [p for p in layer.op.parameters(layer.source) if p.trainable]
    assert not any(is_native(layer, parameter) for parameter in learned)


def test_fans_of_a_bias_are_numbers() -> None:
    """PyTorch's own functions read fans off a shape, and refuse one of a single axis."""
    found = calls("conv: {out: 4, kernel: 3, bias_init: {kaiming_normal: fan_in}}")
    assert found["bias"].target == "nn.init.normal_"
    assert worked_out(found["bias"].kwargs["std"]) == (2 / (9 * 6)) ** 0.5


STARTS = """
netspec: 1
name: starts
input: {channels: 3, size: [16, 16]}
blocks: {b: {params: {out: int}, body: [{conv: {out: out, kernel: 3, init: {kaiming_normal: fan_out}}}, relu]}}
stem: [{conv: {out: 8, kernel: 3, init: {normal: 0.01}}}]
stages: [{block: b, out: 8, repeat: 2}]
head: [global_avg_pool, {linear: {out: 6}}, {linear: {out: 6}}, {linear: {out: 90, init: {normal: 3.0}}}]
"""


def test_what_differs_in_the_network_comes_behind_the_loop() -> None:
    """One layer that starts otherwise takes the loop from no other, and keeps what it is given."""
    compiled = loads(STARTS)
    source = compiled.generate("torch")
    assert source.count("nn.init.kaiming_normal_") == 1
    assert source.count("nn.init.xavier_uniform_") == 1
    model = build_generated(compiled, "torch")
    assert 2 < float(model.fc3.weight.detach().std()) < 4
    assert float(model.conv1.weight.detach().std()) < 0.02
    assert float(model.layer1[0].conv1.weight.detach().std()) > 0.1
