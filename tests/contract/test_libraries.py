"""Live PyTorch models against the libraries they are modelled on, in float64, with equal weights.

Sizes are rectangular, one even and one odd, so that neither a transposed axis nor a padding rule of
the wrong kind goes unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netspec
from tests.contract.torchvision_shim import import_timm, import_torchvision

torchvision = import_torchvision()
timm = import_timm()

SIZES = ((64, 96), (65, 98))
OUTPUT_BOUND = 1e-9
GRADIENT_BOUND = 1e-8

SMALL = ("seresnet50", "efficientnet_b0")
LARGE = (
    "resnet50",
    "densenet121",
    "resnet18",
    "resnext50_32x4d",
    "resnet34",
    "resnet101",
    "resnet152",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
    "seresnext50_32x4d",
    "densenet161",
    "densenet169",
    "densenet201",
    *(f"efficientnet_b{n}" for n in range(1, 8)),
)
FROM_TIMM = ("seresnet50", "seresnext50_32x4d")

every_network = pytest.mark.parametrize(
    "name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def library_model(name: str) -> nn.Module:
    """The library's own model with its initial weights."""
    if name in FROM_TIMM:
        return timm.create_model(name, pretrained=False)  # type: ignore[no-any-return]
    return torchvision.models.get_model(name, weights=None)  # type: ignore[no-any-return]


def disturb(model: nn.Module) -> None:
    """Move norms off their initial ones and zeros, which would hide a scale or a shift."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.1)
                module.running_mean.normal_(std=0.1)  # type: ignore[union-attr]
                module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]


def relative(ours: Tensor, theirs: Tensor, floor: float = 1e-300) -> float:
    """The largest difference, over the largest value, or ``floor`` where that is larger."""
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(floor))


def pair(name: str) -> tuple[Any, nn.Module]:
    """Our model and the library's, with the same weights, in float64."""
    theirs = library_model(name)
    disturb(theirs)
    ours = netspec.load(name).build("torch")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours.double(), theirs.double()


@every_network
def test_outputs_gradients_and_statistics_equal_the_librarys(name: str) -> None:
    ours, theirs = pair(name)
    for height, width in SIZES:
        image = torch.randn(2, 3, height, width, dtype=torch.float64)
        with torch.no_grad():
            assert relative(ours.eval()(image), theirs.eval()(image)) <= OUTPUT_BOUND

    inputs = [image.clone().requires_grad_() for _ in range(2)]
    factor = torch.randn(2, 1000, dtype=torch.float64)
    for model, own_image in zip((ours, theirs), inputs, strict=True):
        torch.manual_seed(1)  # what training drops, and at which rate, is the library's too
        (model.train()(own_image) * factor).sum().backward()
    assert relative(inputs[0].grad, inputs[1].grad) <= GRADIENT_BOUND  # type: ignore[arg-type]
    # A bias ahead of a normalisation has no gradient but rounding: it is held against the others'.
    floor = 1e-3 * max(float(value.grad.abs().max()) for value in theirs.parameters())  # type: ignore[union-attr]
    for (key, parameter), expected in zip(
        ours.named_parameters(), theirs.parameters(), strict=True
    ):
        assert relative(parameter.grad, expected.grad, floor) <= GRADIENT_BOUND, key  # type: ignore[arg-type]
    for (key, statistic), expected in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        assert relative(statistic, expected) <= OUTPUT_BOUND, key


def initial_values(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters as the model starts."""
    return ((name, value.detach()) for name, value in model.named_parameters())


@pytest.mark.parametrize("name", ["resnet18", "seresnet50", "densenet121", "efficientnet_b0"])
def test_weights_start_as_the_librarys_do(name: str) -> None:
    """Constants alike, and elsewhere equal standard deviations within six standard errors."""
    ours = netspec.load(name).build("torch")
    for (key, own), (_, expected) in zip(
        initial_values(ours), initial_values(library_model(name)), strict=True
    ):
        if bool((expected == expected.flatten()[0]).all()):
            assert torch.equal(own, expected), key
            continue
        assert float(own.std() / expected.std()) == pytest.approx(1, abs=6 / own.numel() ** 0.5), (
            key
        )
        assert abs(float(own.mean() / own.std())) < 6 / own.numel() ** 0.5, key
