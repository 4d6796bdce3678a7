"""Networks as backbones: other outputs, and no head."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import netspec
from netspec.cli.app import main
from netspec.errors import UsageError

SMALL = {"depths": [1, 1, 1, 1], "width": 8}


def small() -> netspec.CompiledNetwork:
    return netspec.load("resnet18", overrides=SMALL)


def test_outputs_are_called_by_level_stage_and_a_name_of_ones_own() -> None:
    network = small().with_outputs("c1", "c3", "layer3", "deep=c5")
    assert network.outputs == {
        "c1": (8, 112, 112),
        "c3": (16, 28, 28),
        "layer3": (32, 14, 14),
        "deep": (64, 7, 7),
        "output": (1000,),
    }
    assert [output.stride for output in network.summary().outputs] == [2, 8, 16, 32, None]


def test_a_headless_network_has_them_alone_and_the_same_values() -> None:
    whole, part = small(), small().with_outputs("c2", "c4", headless=True)
    assert part.outputs == {"c2": (8, 56, 56), "c4": (32, 14, 14)}
    assert not [layer.name for layer in part.layers if layer.name.startswith(("layer4", "fc"))]
    model, body = whole.build("torch").eval(), part.build("torch").eval()
    left = body.load_state_dict(model.state_dict(), strict=False)
    assert not left.missing_keys
    x = torch.randn(2, 3, 64, 64)
    found = body(x)
    torch.testing.assert_close(
        found["c2"], model.layer1(model.maxpool(model.relu(model.bn1(model.conv1(x)))))
    )
    assert found["c4"].shape == (2, 32, 4, 4)


def test_dilated_networks_have_no_deeper_level() -> None:
    network = netspec.load(
        "resnet18", overrides={**SMALL, "output_stride": 8, "block": "bottleneck"}
    )
    assert network.with_outputs("c3", headless=True).outputs == {"c3": (256, 28, 28)}
    with pytest.raises(UsageError, match="no result `c5`; "):
        network.with_outputs("c5")


def test_other_parameters_and_goals_keep_them() -> None:
    network = small().with_outputs("c2", headless=True)
    assert network.replace(width=16).outputs == {"c2": (16, 56, 56)}
    assert network.optimize().outputs == {"c2": (8, 56, 56)}
    assert network.with_outputs("c1").outputs == {"c2": (8, 56, 56), "c1": (8, 112, 112)}


def test_arguments_of_the_head_go_with_it() -> None:
    source = small().with_outputs("c5", headless=True).generate("torch")
    assert "classes" not in source
    assert "classes" in small().with_outputs("c5").generate("torch")


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_source_knows_what_it_was_made_with(backend: str, tmp_path: Path) -> None:
    if backend == "keras":
        pytest.importorskip("keras")
    file = tmp_path / "net.py"
    asked = ["--outputs", "c2,deep=layer4", "--headless"]
    assert main(["generate", "resnet18", "--backend", backend, *asked, "-o", str(file)]) == 0
    before = file.read_text()
    assert "with the outputs `c2,deep=layer4` alone" in " ".join(before.split())
    assert main(["generate", "resnet18", "--backend", backend, *asked, "--check", str(file)]) == 0
    assert main(["regenerate", str(file)]) == 0
    assert file.read_text() == before


@pytest.mark.parametrize(
    ("outputs", "headless", "message"),
    [
        (["cx"], False, "no result `cx`"),
        (["c2", "c2"], False, "the second of that name"),
        (["a b=c2"], False, "no name for an output"),
        ([], True, "takes --outputs"),
    ],
)
def test_what_is_refused(outputs: list[str], headless: bool, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        small().with_outputs(*outputs, headless=headless)


def test_headless_alone_is_an_error_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "resnet18", "--headless"]) == 2
    assert "takes --outputs" in capsys.readouterr().err


def test_the_models_of_a_backbone_agree() -> None:
    pytest.importorskip("keras")
    network = netspec.load("resnet18", overrides=SMALL).with_outputs("c2", "c4", headless=True)
    assert netspec.verify(network, level="training").passed
