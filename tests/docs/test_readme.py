"""What README.md prints is what happens: its files, commands and code, run in order in one folder.

By the words behind the opening fence: ``yaml FILE`` and ``python NETWORK BACKEND`` are excerpts of a
file of the repository, or of generated source, where a line ``# …`` leaves something out; ``yaml FILE``
of a file that the repository lacks is written. ``console`` holds commands and their output, ``python`` a
program whose output is the block behind it, ``shell`` what a person types once.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import netspec
from tests.support.consoles import check_console
from tests.support.isolated import python
from tests.support.pages import ROOT, Fence, broken_links, fences, with_outcome
from tests.verification.mutations import MUTATIONS

PAGE = ROOT / "README.md"
FENCES = fences(PAGE.read_text(encoding="utf-8"))
LEFT_OUT = "# …"


def of_kind(*words: str) -> list[Fence]:
    return [fence for fence in FENCES if fence.words[: len(words)] == words]


def is_excerpt(fence: Fence) -> bool:
    return fence.language in ("yaml", "python") and len(fence.words) > 1 and not is_new_file(fence)


def is_new_file(fence: Fence) -> bool:
    return fence.language == "yaml" and not (ROOT / fence.words[1]).is_file()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page shows in whole."""
    path: Path = tmp_path_factory.mktemp("readme")
    for fence in FENCES:
        if is_new_file(fence):
            (path / fence.words[1]).write_text(fence.text, encoding="utf-8")
    return path


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {fence.language for fence in FENCES} == {"yaml", "python", "console", "shell", "text"}
    assert [fence for fence in FENCES if fence.words == ("yaml",)] == []


@pytest.mark.parametrize(
    "fence", [f for f in FENCES if is_excerpt(f)], ids=lambda f: " ".join(f.words)
)
def test_excerpts_are_from_what_they_say(fence: Fence) -> None:
    if fence.language == "yaml":
        whole = (ROOT / fence.words[1]).read_text(encoding="utf-8")
    else:
        whole = netspec.load(fence.words[1]).generate(fence.words[2])
    place = 0
    for part in re.split(rf"^ *{LEFT_OUT}\n", fence.text, flags=re.MULTILINE):
        place = whole.find(part, place)
        assert place >= 0, f"not in this order, or not at all:\n{part}"
        place += len(part)


def test_source_is_as_long_as_it_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in ("resnet50", "resnet152"):
        lines = netspec.load(name).generate("torch").count("\n")
        assert f"{lines} lines in all" in " ".join(page.split()), name


@pytest.mark.parametrize("fence", of_kind("console"), ids=lambda f: f"line{f.line}")
def test_commands_print_what_is_shown(fence: Fence, folder: Path) -> None:
    check_console(fence, folder)


@pytest.mark.parametrize(
    ("fence", "outcome"),
    [(f, o) for f, o in with_outcome(FENCES) if f.words == ("python",)],
    ids=lambda f: f"line{f.line}",
)
def test_programs_print_what_is_shown(fence: Fence, outcome: Fence, folder: Path) -> None:
    process = python("-c", fence.text, cwd=folder)
    assert process.returncode == 0, process.stderr
    assert process.stdout == outcome.text


def test_mistakes_are_as_many_as_it_says() -> None:
    made = sum(bool(mutation.level) for mutation in MUTATIONS)
    assert f"{made} deliberate mistakes" in PAGE.read_text(encoding="utf-8")


def test_what_a_person_types_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    typed = [line for fence in of_kind("shell") for line in fence.text.splitlines()]
    assert typed
    for line in typed:
        command = line.partition("#")[0].split()
        if command[0] == "make":
            assert command[1] in targets, line
        else:
            assert command[:2] == ["pip", "install"], line
            if command[2:4] == ["torch", "--index-url"]:
                continue
            extra = re.fullmatch(r"'?\.(?:\[([a-z]+)\])?'?", command[2])
            assert extra is not None, line
            assert extra[1] is None or extra[1] in extras, line


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
