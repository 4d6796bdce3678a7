"""``netspec resolve``."""

from __future__ import annotations

from pathlib import Path

import netspec
from tests.cli.conftest import SMALL, Run


def test_a_spec_goes_to_standard_output(run: Run) -> None:
    result = run("resolve", "resnet18", "--set", "classes=10", "--keep", "classes")
    assert (result.status, result.err) == (0, "")
    network = netspec.load("resnet18", overrides={"classes": 10})
    assert result.out == network.to_yaml(["classes"])


def test_a_spec_goes_to_a_file_and_is_not_replaced(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    assert run("resolve", "resnet18", "-o", path).status == 0
    text = path.read_text(encoding="utf-8")
    assert text == netspec.resolve("resnet18")
    assert run("fmt", "--check", path).status == 0
    assert run("validate", path).status == 0
    assert run("resolve", "resnet18", "-o", path).err.endswith("unchanged\n")
    path.write_text(SMALL)
    refused = run("resolve", "resnet18", "-o", path)
    assert refused.status == 2
    assert "--force" in refused.err
    assert path.read_text() == SMALL
    assert run("resolve", "resnet18", "-o", path, "--force").status == 0
    assert path.read_text(encoding="utf-8") == text
    assert [entry.name for entry in tmp_path.iterdir()] == ["own.yaml"]


def test_a_wrong_parameter_is_told_in_a_line(run: Run) -> None:
    result = run("resolve", "resnet18", "--keep", "classes,clases")
    assert (result.status, result.out) == (2, "")
    assert result.err == "netspec: `resnet` has no parameter `clases`; did you mean `classes`?\n"


def test_what_decides_cannot_be_kept(run: Run) -> None:
    result = run("resolve", "resnet18", "--keep", "width")
    assert (result.status, result.out) == (1, "")
    assert "error[NS706]: `width` cannot be kept: a `when` depends on it here" in result.err
    assert run("resolve", "resnet18", "--keep", "classes,width").err == result.err


def test_what_is_no_number_cannot_be_kept(run: Run) -> None:
    result = run("resolve", "resnet18", "--keep", "depths")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "netspec: `depths` is no number, and cannot be kept; "
        "numbers are `width`, `groups`, `base_width`, `output_stride`, `last_gamma`, `drop_path`, `image_channels`, "
        "`classes`\n"
    )
