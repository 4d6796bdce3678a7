"""References that work in place: the layer that differs is blamed, and nobody else's input changes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy
import pytest
from torch import Tensor, nn

from netspec import loads
from netspec.backends.base import get_backend
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify

TEXT = """\
netspec: 1
name: net
defaults: {conv: {bias: false}}
input: {channels: 3, size: [16, 16]}
stem:
  - conv: {out: 4, kernel: 3}
  - norm
  - leaky_relu
  - residual: {body: [{conv: {out: 4, kernel: 3}}, norm]}
  - leaky_relu
head:
  - global_avg_pool
  - linear: {out: 5}
"""


class Reference(nn.Module):
    """The network by hand, its activations in place, one of them a function."""

    def __init__(
        self, slope: float = 0.01, second: float = 0.01, eps: float = 1e-5, bias: float = 0.0
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4, eps=eps)
        self.leaky_relu1 = nn.LeakyReLU(slope, inplace=True)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.leaky_relu2 = nn.LeakyReLU(second, inplace=True)
        self.fc = nn.Linear(4, 5)
        self.added = bias

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x))
        self.leaky_relu1(x)  # what it gives is not taken: it has written over its input
        y = self.bn2(self.conv2(x))
        y += x
        y += self.added
        return self.fc(self.leaky_relu2(y).mean((2, 3)))


class OnItsInput(Reference):
    """Works in place on what it is given, and takes that back in what it computes."""

    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        return super().forward(x.div(2))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Callable[..., NetworkResult]:
    """A verification against a reference that a function makes."""

    def against(make: Callable[[], Any], **options: Any) -> NetworkResult:
        module = ModuleType("module_in_place")
        module.net = make  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "module_in_place", module)
        found = Options(backends=("torch",), reference="module_in_place:net", **options)
        return verify(loads(TEXT, file="net.yaml").compilation, found, Origin("net.yaml"))

    return against


def blamed(result: NetworkResult) -> list[tuple[str, str]]:
    return [(level.level, failure.layer) for _, level, failure in result.failures()]


@pytest.mark.parametrize("make", [Reference, OnItsInput])
def test_an_equal_one_agrees(held: Callable[..., NetworkResult], make: Callable[[], Any]) -> None:
    assert [f.message for _, _, f in held(make).failures()] == []


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize(
    ("changed", "layer"),
    [
        ({"slope": 0.2}, "leaky_relu1"),
        ({"eps": 1e-3}, "bn1"),
        ({"second": 0.2}, "leaky_relu2"),
        ({"bias": 0.5}, "leaky_relu2"),  # what enters it
    ],
)
def test_the_layer_that_differs_is_blamed_not_the_one_ahead(
    held: Callable[..., NetworkResult], changed: dict[str, float], layer: str, every: bool
) -> None:
    result = held(lambda: Reference(**changed), level="forward", every=every)
    assert blamed(result) == [("forward", layer)]
    ((_, _, failure),) = result.failures()
    assert ("wired differently" in failure.message) == ("bias" in changed)


def test_a_model_that_writes_on_its_input_leaves_ours(held: Callable[..., NetworkResult]) -> None:
    from netspec.backends.torch.probe import TorchProbe

    network = loads(TEXT).network
    probe = TorchProbe()
    with probe.precision("float64"):
        x = numpy.random.default_rng(0).normal(size=(2, 3, 8, 8))
        before = x.copy()
        model = OnItsInput()
        one, other = (probe.observe(model, {}, x).outputs["output"] for _ in range(2))
        assert numpy.array_equal(x, before)
        assert numpy.array_equal(one, other)
        backend = get_backend("torch")
        backend.write_weights(model, network, backend.read_weights(model, network))
        factors = {"output": numpy.ones((2, 5))}
        trained = probe.train(model, network, {}, x, factors, 0.0)
        assert numpy.abs(trained.input_gradient).max() > 0
        assert numpy.array_equal(x, before)
