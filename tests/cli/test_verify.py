"""``netspec verify``: exit statuses, formats, certificates, and what cannot be asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import netspec
from tests.cli.conftest import SMALL, Run
from tests.verification.mutations import MUTATIONS

pytest.importorskip("torch")
pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def broken_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras' norms have another epsilon."""
    next(m for m in MUTATIONS if m.name == "epsilon of Keras' default").apply(monkeypatch)


TORCH = ("--backend", "torch")


def test_a_table_and_a_verdict(run: Run, small: Path) -> None:
    result = run("verify", small)
    assert result.status == 0
    assert result.err == ""
    lines = result.out.splitlines()
    assert lines[0] == "small_a: 3 examples of 3×4×7, float64"
    assert lines[-1] == "small_a: 4 models agree at level training"
    for text in ("keras generated", "stem", "layer2", "stepped weights", "baseline", "1e-10"):
        assert text in result.out


@pytest.mark.usefixtures("broken_norm")
def test_a_difference_is_status_1_and_names_its_place(run: Run, small: Path) -> None:
    result = run("verify", small, "--level", "forward")
    assert result.status == 1
    assert "keras live, forward: output differs by" in result.out
    assert "`layer1.0.bn1` (batch_norm) is the first layer that differs" in result.out
    assert f"  `layer1` is at {small}:20:" in result.out
    assert "  `layer1.0.bn1` is at <netspec>/blocks/basic.yaml:" in result.out
    assert "  20 |   block: basic" in result.out
    assert result.out.splitlines()[-1] == "small_a: models differ (keras live, keras generated)"


def test_several_networks_have_a_line_each(run: Run, small: Path, tmp_path: Path) -> None:
    result = run("verify", small, "--all-variants", "--level", "shapes", *TORCH)
    assert result.status == 0
    assert result.out.splitlines()[-2:] == [
        "small_a: 2 models agree at level shapes",
        "small_b: 2 models agree at level shapes",
    ]
    two = run("verify", small, small, "--level", "shapes", "--set", "classes=4", *TORCH)
    assert two.out.count("small_a: 2 models agree") == 2


def test_json_is_the_certificate(run: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    result = run(
        "verify", small, "--format", "json", "--report", path, "--level", "forward", *TORCH
    )
    assert result.status == 0
    assert result.err == f"wrote {path}\n"
    assert json.loads(result.out) == json.loads(path.read_text())
    network = json.loads(result.out)["networks"][0]
    assert network["spec"] == str(small)
    assert network["level"] == "forward"


def test_a_page_is_written_by_suffix(run: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.html"
    assert run("verify", small, "--report", path, "--level", "shapes", *TORCH).status == 0
    assert path.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.usefixtures("broken_norm")
def test_junit(run: Run, small: Path) -> None:
    result = run("verify", small, "--format", "junit")
    assert result.status == 1
    (suite,) = ElementTree.fromstring(result.out)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("16", "2", "2")
    cases = {case.get("name"): case for case in suite}
    assert cases["torch generated: training"].find("failure") is None
    assert cases["keras live: training"].find("skipped") is not None
    failure = cases["keras live: forward"].find("failure")
    assert failure is not None
    assert "output differs" in str(failure.get("message"))
    assert "is at" in str(failure.text)


@pytest.mark.usefixtures("broken_norm")
def test_github(run: Run, small: Path) -> None:
    result = run("verify", small, "--format", "github", "--level", "forward")
    assert result.status == 1
    first, second, verdict = result.out.splitlines()
    assert first.startswith(f"::error file={small},line=")
    assert "title=netspec verify small_a::keras live%2C" not in first
    assert "::keras live, forward: output differs by" in first
    assert "::keras generated, forward:" in second
    assert verdict == "small_a: models differ (keras live, keras generated)"


def test_size(run: Run, small: Path) -> None:
    result = run("verify", small, "--size", "6x10", "--level", "shapes", *TORCH)
    assert "3 examples of 3×6×10" in result.out
    assert run("verify", small, "--size", "6x10x3", *TORCH).status == 2
    assert run("verify", small, "--size", "0x10", *TORCH).status == 2
    for text in ("6by10", "", "6x", "-3x4", "6.5x7"):
        assert run("verify", small, f"--size={text}").status == 2, text


# Certificates


def test_a_certificate_is_checked_without_a_framework(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.json"
    run("verify", small, "--all-variants", "--report", path, "--set", "classes=5", *TORCH)
    monkeypatch.setattr("netspec.backends.base.require_framework", None)
    result = run("verify", "--certificate", path)
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[:2] == ["small_a: holds (level training)", "small_b: holds (level training)"]
    assert lines[2].startswith(f"made with netspec {netspec.__version__}, ")
    assert "torch" in lines[2]

    small.write_text(SMALL.replace("depths: [2, 1], width: 6", "depths: [2, 2], width: 6"))
    result = run("verify", "--certificate", path)
    assert result.status == 1
    assert "small_a: holds" in result.out
    assert "small_b: does not hold: the spec means another network now" in result.out

    small.write_text("# a comment changes nothing\n" + SMALL)
    assert run("verify", "--certificate", path).status == 0

    small.write_text(SMALL.replace("kernel: 3", "kernel: 0"))
    result = run("verify", "--certificate", path)
    assert result.status == 1
    assert "does not hold: the spec is in error" in result.out
    assert "small.yaml:17" in result.err

    small.unlink()
    result = run("verify", "--certificate", path)
    assert result.status == 2
    assert result.err.count("\n") == 1


def test_other_versions_are_told(run: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    run("verify", small, "--level", "shapes", "--report", path, *TORCH)
    data = json.loads(path.read_text())
    data["versions"] |= {"torch": "0.4.1", "surely-not-installed": "1.0"}
    path.write_text(json.dumps(data))
    result = run("verify", "--certificate", path)
    assert result.status == 0
    assert "torch 0.4.1 (here 2." in result.out
    assert "surely-not-installed 1.0 (here not installed)" in result.out


def test_bad_certificates_are_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text("{}")
    for broken in (path, tmp_path / "none.json"):
        result = run("verify", "--certificate", broken)
        assert (result.status, result.out) == (2, "")
        assert result.err.count("\n") == 1


# What cannot be asked for


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to verify"),
        (["resnet", "--variant", "resnet18", "--all-variants"], "do not go together"),
        (["resnet", "plain", "--variant", "resnet18"], "one SPEC"),
        (["resnet50", "--all-variants"], "one variant"),
        (["-", "--all-variants"], "several times"),
        (["-", "-"], "once"),
        (["resnt"], "neither a file nor a zoo network"),
        (["resnet", "--variant", "resnet19"], "no variant `resnet19`"),
        (["resnet18", "--report", "c.pdf"], ".json or .html"),
        (["resnet18", "--report", "no/such/folder/c.json"], "no directory"),
        (["resnet18", "--backend", "torhc"], "no backend is called `torhc`"),
        (["resnet18", "--reference", "torch"], "expected module:callable"),
        (["resnet18", "--certificate", "c.json"], "takes no SPEC"),
        (["resnet18", "--level", "everything"], "invalid choice"),
    ],
)
def test_usage(run: Run, arguments: list[str], said: str) -> None:
    result = run("verify", *arguments)
    assert (result.status, result.out) == (2, "")
    assert said in result.err


def test_a_wrong_spec_is_status_1(run: Run, broken: Path) -> None:
    result = run("verify", broken)
    assert result.status == 1
    assert f"{broken}:17:" in result.err
