"""``netspec init``: what it writes is a spec that works."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec.ir.fingerprint import fingerprint
from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_small_spec_that_is_valid_and_in_its_layout(run: Run) -> None:
    result = run("init", "mynet")
    assert (result.status, result.out) == (0, "")
    assert result.err.startswith("wrote mynet.yaml\nnext: netspec summary mynet.yaml\n")
    assert run("validate", "--strict", "mynet.yaml").out == "mynet.yaml: ok (1 variant)\n"
    assert run("fmt", "--check", "mynet.yaml").status == 0
    for backend in ("torch", "keras"):
        assert "def mynet(" in run("generate", "mynet.yaml", "--backend", backend).out


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_it_builds(run: Run, backend: str) -> None:
    pytest.importorskip(backend)
    run("init")
    assert run("build", "starter.yaml", "--backend", backend).status == 0


@pytest.mark.parametrize("name", ["resnet50", "resnet18", "article_resnet", "resnet", "resnet110"])
def test_from_a_network_of_the_zoo(run: Run, name: str) -> None:
    assert run("init", "mine", "--from", name).status == 0
    assert run("fmt", "--check", "mine.yaml").status == 0
    assert run("validate", "mine.yaml").status == 0
    mine, theirs = netspec.load("mine.yaml"), netspec.load(name)
    assert fingerprint(mine.network) == fingerprint(theirs.network)


def test_nothing_is_overwritten(run: Run) -> None:
    Path("mine.yaml").write_text("mine: 1\n")
    assert run("init", "mine").status == 2
    assert Path("mine.yaml").read_text() == "mine: 1\n"
    assert run("init", "mine", "--force").status == 0


def test_standard_output(run: Run) -> None:
    result = run("init", "-", "--from", "resnet50")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("netspec: 1\nname: resnet\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["1x"], "`1x` cannot name a network"),
        (["a/b"], "`a/b` cannot name a network"),
        (["a", "--from", "resnet5O"], "no network is called `resnet5O`; did you mean `resnet50`?"),
    ],
)
def test_wrong_names(run: Run, arguments: list[str], said: str) -> None:
    result = run("init", *arguments)
    assert result.status == 2
    assert said in result.err


@pytest.mark.parametrize("name", ["make_divisible", "True", "null", "1st", "a\\1", "a b"])
def test_a_name_that_no_network_can_have_is_refused(run: Run, name: str) -> None:
    result = run("init", name)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"netspec: `{name}` cannot name a network: ")
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["class", "None", "max", "Über"])
@pytest.mark.parametrize("more", [(), ("--from", "resnet50")], ids=["small", "member"])
def test_what_is_written_is_sound_whatever_it_is_called(
    run: Run, name: str, more: tuple[str, ...]
) -> None:
    if run("init", name, *more).status == 0:
        assert run("validate", f"{name}.yaml").status == 0
