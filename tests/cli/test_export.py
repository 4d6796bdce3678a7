"""``netspec export``: with a backend and formats without a framework, and once with a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.backends.base import backend_names, get_backend
from tests.cli.conftest import Run
from tests.support.fake_backend import FakeBackend
from tests.support.fake_export import FakeFormat


@pytest.fixture
def format(fake: FakeBackend) -> FakeFormat:
    """The format `fake-format` of the backend `fake`, and `folder`, which is a directory."""
    found = FakeFormat()
    fake.exports = {
        "fake-format": found.export(),
        "folder": found.export(folder=True),
        "special": found.needing("surely_not_installed"),
    }
    return found


@pytest.mark.usefixtures("format")
def test_says_what_was_written_and_how_near_it_is(run: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.fake"
    result = run("export", small, "--backend", "fake", "--format", "fake-format", "-o", path)
    assert result.status == 0
    assert result.err == f"wrote {path}\n"
    first, source, target = result.out.splitlines()
    assert first.startswith("small_a (fake) as fake-format, compared with the live model in numpy ")
    assert source.split() == ["input", "x", "batch×3×8×12"]
    assert target.split(",")[0].split() == ["output", "output", "batch×3"]
    assert target.endswith("off by 0.0e+00 of its largest value; the bound is 1e-03")


@pytest.mark.usefixtures("format")
def test_spec_options_are_those_of_other_commands(run: Run, small: Path, tmp_path: Path) -> None:
    options = ("--variant", "small_b", "--set", "classes=7")
    path = tmp_path / "net"
    result = run("export", small, *options, "--backend", "fake", "--format", "folder", "-o", path)
    assert result.status == 0
    assert result.out.startswith("small_b (fake) as fake-format")
    assert "batch×7" in result.out
    assert path.is_dir()


def test_a_difference_is_told_and_nothing_is_left(
    run: Run, small: Path, tmp_path: Path, format: FakeFormat
) -> None:
    format.change = lambda outputs: {name: value + 1 for name, value in outputs.items()}
    path = tmp_path / "net.fake"
    result = run("export", small, "--backend", "fake", "--format", "fake-format", "-o", path)
    assert result.status == 1
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert "differs from the live model: `output` at batch 1 by 1.0e+00" in result.err
    assert result.err.endswith("nothing was written\n")
    assert list(tmp_path.iterdir()) == [small]


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (
            "onnx",
            "net.onnx",
            "does not export to `onnx`, but to `fake-format`, `folder`, `special`",
        ),
        ("fake-format", "net.onnx", "ends in `.fake`"),
        ("fake-format", "no/net.fake", "there is no directory"),
        ("special", "net.fake", "pip install 'netspec-compiler[special]'"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_work(
    run: Run,
    small: Path,
    tmp_path: Path,
    format: FakeFormat,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    name: str,
    said: str,
) -> None:
    monkeypatch.setattr(FakeBackend, "build", lambda *_: pytest.fail("it was built"))
    path = tmp_path / name
    result = run("export", small, "--backend", "fake", "--format", kind, "-o", path)
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert said in result.err
    assert format.written == []


@pytest.mark.usefixtures("format")
def test_a_missing_framework_is_one_line_with_the_extra(
    run: Run, small: Path, tmp_path: Path, fake: FakeBackend
) -> None:
    fake.requires = ("surely_not_installed",)
    path = tmp_path / "net.fake"
    result = run("export", small, "--backend", "fake", "--format", "fake-format", "-o", path)
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert "pip install 'netspec-compiler[fake]'" in result.err


def test_the_real_backends_say_what_they_write(run: Run, tmp_path: Path) -> None:
    for backend, kind, possible, other in [
        ("torch", "litert", "`onnx`, `torch-export`", "keras"),
        ("keras", "torch-export", "`saved-model`, `onnx`, `litert`", "torch"),
    ]:
        path = tmp_path / "net"
        result = run("export", "resnet18", "--backend", backend, "--format", kind, "-o", path)
        assert result.status == 2
        assert result.err == (
            f"netspec: the {backend} backend does not export to `{kind}`, but to {possible}; "
            f"`--backend {other}` does, with the same weights\n"
        )


def test_the_help_names_what_each_backend_writes(run: Run) -> None:
    help = run("export", "--help").out
    for name in backend_names():
        (line,) = (line for line in help.splitlines() if line.startswith(f"  --backend {name} "))
        for kind, export in get_backend(name).exports.items():
            assert f"{kind} ({export.format.suffix or 'a directory'})" in line


def test_weights_come_from_a_file_strictly(run: Run, small: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    weights = tmp_path / "weights.safetensors"
    assert run("build", small, "--backend", "torch", "-o", weights).status == 0
    path = tmp_path / "net.pt2"
    options = ("--backend", "torch", "--format", "torch-export", "-o", path)
    assert run("export", small, *options, "--weights", weights).status == 0
    found = torch.export.load(path).state_dict
    from safetensors.torch import load_file

    given = load_file(weights)
    assert {name for name in found if "num_batches" not in name} == set(given)
    assert all(torch.equal(found[name], value) for name, value in given.items())

    before = path.read_bytes()
    result = run("export", small, "--variant", "small_b", *options, "--force", "--weights", weights)
    assert result.status == 1
    assert "layer1.1.conv1.weight" in result.err
    assert path.read_bytes() == before
    result = run("export", small, *options, "--force", "--weights", tmp_path / "none.safetensors")
    assert result.status == 2
    assert path.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "net.pt2",
        "small.yaml",
        "weights.safetensors",
    }
