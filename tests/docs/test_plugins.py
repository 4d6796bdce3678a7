"""docs/plugins.md: what it shows is installed, and does what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.distributions import commands, install
from tests.support.pages import ROOT, broken_links, fences

PAGE = ROOT / "docs" / "plugins.md"
FENCES = fences(PAGE.read_text(encoding="utf-8"))
FILES = {fence.words[1]: fence.text for fence in FENCES if fence.language in ("python", "yaml")}
OF_AN_OP, OF_A_BACKEND = (fence.text for fence in FENCES if fence.language == "toml")
SHOWN = [fence.text for fence in FENCES if fence.language == "console"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with both distributions, and beside it the spec."""
    files = {path: text for path, text in FILES.items() if path.endswith(".py")}
    found = tmp_path / "installed"
    install(found, OF_AN_OP, {path: files[path] for path in files if "/" in path})
    install(found, OF_A_BACKEND, {path: files[path] for path in files if "/" not in path})
    (tmp_path / "soft.yaml").write_text(FILES["soft.yaml"], encoding="utf-8")
    return found


def test_commands_print_what_is_shown(folder: Path) -> None:
    lines = [text.splitlines()[0].removeprefix("$ netspec ") for text in SHOWN]
    for text, done in zip(SHOWN, commands(folder, folder.parent, *lines), strict=True):
        assert done.out + done.err == text.partition("\n")[2]
        assert done.status in (1, 2)


def test_the_op_is_one_in_every_command(folder: Path) -> None:
    validate, fmt, summary, schema, listing, generate, build, verify, together, refused = commands(
        folder,
        folder.parent,
        "validate soft.yaml",
        "fmt --check soft.yaml",
        "summary soft.yaml",
        "schema spec",
        "list",
        "generate soft.yaml --backend torch --no-check",
        "build soft.yaml --backend torch -o soft.safetensors",
        "verify soft.yaml --backend torch",
        "verify soft.yaml --level shapes",
        "verify soft.yaml --backend keras",
    )
    assert [validate.status, fmt.status, summary.status, listing.status] == [0, 0, 0, 0]
    assert '"op_softplus"' in schema.out
    assert "nn.Softplus(beta=2" in generate.out
    assert generate.frameworks == set()
    assert (build.status, verify.status) == (0, 0), build.err + verify.out
    assert together.status == 0
    assert "keras takes no part: soft.yaml:6:5: the keras backend cannot do" in together.out
    assert "numpy takes no part: the numpy backend has no `probe`" in together.out
    assert refused.status == 1
    assert refused.err.startswith("soft.yaml:6:5: error[NS702]")


@pytest.mark.parametrize(
    "line",
    [
        "build soft.yaml --backend keras",
        "export soft.yaml --backend keras --format onnx -o soft.onnx",
        "convert soft.safetensors --spec soft.yaml --to keras -o soft.keras",
        "convert soft.safetensors --spec soft.yaml --to keras -o other.safetensors",
    ],
)
def test_other_commands_refuse_it_at_its_place_too(folder: Path, line: str) -> None:
    build, done = commands(
        folder, folder.parent, "build soft.yaml --backend torch -o soft.safetensors", line
    )
    assert build.status == 0
    assert done.status == 1
    assert done.err.startswith("soft.yaml:6:5: error[NS702]: the keras backend cannot do")


def test_the_backend_does_what_it_can_and_refuses_the_rest_in_a_line(folder: Path) -> None:
    plain = FILES["soft.yaml"].replace("softplus: {beta: 2}", "relu")
    (folder.parent / "plain.yaml").write_text(plain, encoding="utf-8")
    done = commands(
        folder,
        folder.parent,
        "build plain.yaml --backend numpy -o net.safetensors",
        "build resnet18 --backend numpy --weights net.safetensors",
        "build plain.yaml --backend numpy --weights net.safetensors --init shared",
        "build soft.yaml --backend numpy",
        "generate resnet18 --backend numpy",
        "build resnet18 --backend numpy -o net.py",
        "build resnet18 --backend numpy -o net.keras",
        "export resnet18 --backend numpy --format onnx -o net.onnx",
        "convert nowhere.safetensors --spec plain.yaml --to numpy -o out.safetensors",
        "verify resnet18 --backend numpy",
        "completion bash",
    )
    assert [found.frameworks for found in done] == [set()] * len(done)
    built, other, started, without_row, *refused, completion = done
    assert (built.status, other.status, started.status) == (0, 1, 0), built.err + started.err
    assert "missing" in other.err
    assert without_row.status == 1
    assert without_row.err.startswith(
        "soft.yaml:6:5: error[NS701]: the numpy backend has no row for `softplus` (at softplus)\n"
    )
    assert all(found.status == 2 and found.err.count("\n") == 1 for found in refused)
    assert [found.err.removeprefix("netspec: ").strip() for found in refused] == [
        "the numpy backend generates no source; keras and torch do",
        "net.py: the numpy backend writes .safetensors; `--backend keras` writes such files",
        "net.keras: the numpy backend writes .safetensors; `--backend keras` writes such files",
        "the numpy backend exports to no format; keras and torch do",
        "the numpy backend has no files of weights; keras and torch do",
        "the numpy backend has no `probe`, so that its models stay unseen; keras and torch do",
    ]
    assert "keras numpy torch" in completion.out


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
