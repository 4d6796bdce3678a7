"""Text from outside is data on every channel, whatever it holds."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netspec.check.report import FORMATS
from netspec.cli import main
from netspec.system.channels import (
    annotation,
    annotation_property,
    html,
    markdown,
    terminal_line,
    xml,
)

NASTY = (
    "\x1b]0;pwned\x07\x1b[31mred",
    "a\n::error::x",
    "::stop-commands::x",
    "  ::add-mask::x",
    "##[error]x",
    "\u202egnp.exe",
    "\ud800",
    "\udcff",
    "a` ![i](http://e.example/p.png) [c](http://e.example) @org/team `b",
    "<img src=x onerror=alert(1)>|<script>",
    "[red]x[/red]",
    "a\r\n::warning::y",
    "%0A::error::z",
    "\x00\x85\u2028x",
    "' \" & ]]> <!--",
)
TEXTS = (
    st.sampled_from(NASTY)
    | st.text(max_size=30)
    | st.tuples(st.sampled_from(NASTY), st.text(max_size=5)).map("".join)
)


def check_log(text: str) -> None:
    """Nothing that a terminal obeys, and no workflow command but annotations of ours."""
    for line in text.split("\n"):
        assert all(c.isprintable() for c in line), ascii(line)
        if line.lstrip().startswith("::"):
            assert re.match(r"::(error|warning) (file|title)=", line), line
        assert "##[" not in line


@given(text=TEXTS)
def test_a_line_for_people(text: str) -> None:
    check_log(terminal_line(text))
    assert "\n" not in terminal_line(text)
    assert not terminal_line(text).lstrip().startswith("::")


@given(text=TEXTS)
def test_an_annotation_is_one_line_and_one_property(text: str) -> None:
    assert not set("\r\n") & set(annotation(text))
    assert not set("\r\n:,") & set(annotation_property(text))


@given(text=TEXTS)
@example("http://e.example")
def test_a_cell_of_markdown_is_text_alone(text: str) -> None:
    cell = markdown(text)
    assert "\n" not in cell
    bare = re.sub(r"\\.", "", cell)  # without what is escaped
    assert not set("`*_[]()|<>#!:~") & set(bare)
    assert not re.search(r"@\w", cell)


@given(text=TEXTS)
def test_xml_and_html_hold_it(text: str) -> None:
    root = ElementTree.Element("a", {"b": xml(text)})
    root.text = xml(text)
    ElementTree.fromstring(ElementTree.tostring(root))
    assert html(text).isprintable()


# Every command and format


def names(text: str) -> str:
    """``text`` as far as a file may be called so that a folder's files are asked for: none that is hidden."""
    return text.replace("/", "∕").replace("\x00", "").lstrip(".")[:40] or "x"


class Elements(HTMLParser):
    """The names of the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.add(tag)


@settings(max_examples=40, deadline=None)
@given(file=TEXTS, word=TEXTS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_report_of_validate(
    name: str, file: str, word: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    quoted = json.dumps(word.encode("utf-8", "replace").decode())
    text = f"netspec: 1\nname: {quoted}\ninput: {{channels: 3, size: [8, 9]}}\nstem:\n  - {quoted}\n  - {quoted}: 1\n"
    try:
        (folder / f"{names(file)}.yaml").write_text(text, encoding="utf-8")
    except (OSError, UnicodeEncodeError):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        summary = folder / "summary.md"
        patch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        status, out, err = run("validate", "--format", name, ".")
        assert status == 1
        check_log(err)
        if name in ("text", "github"):
            check_log(out)
        elif name == "junit":
            ElementTree.fromstring(out)
        else:
            json.loads(out)
            assert out.isascii()
        if name == "github":
            rows = summary.read_text(encoding="utf-8").splitlines()[2:]
            assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows} == {4}


def run(*arguments: str) -> tuple[int, str, str]:
    """A command in this process: its status and what it printed."""
    import contextlib
    import io

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(arguments)
        out.flush(), err.flush()
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return status, *texts


ARGUMENTS = [word for word in NASTY if not set("\x00\ud800") & set(word)]
"""What a system can hand to a command."""

COMMANDS = (
    ("summary", "#"),
    ("summary", "resnet20", "--variant", "#"),
    ("summary", "resnet20", "--set", "#"),
    ("summary", "resnet20", "--set", "classes=#"),
    ("generate", "resnet20", "--backend", "#"),
    ("generate", "resnet20", "--backend", "torch", "--check", "#"),
    ("generate", "resnet20", "--backend", "torch", "-o", "no/#"),
    ("build", "resnet20", "--backend", "torch", "-o", "#"),
    ("convert", "#", "--spec", "resnet20", "--to", "torch", "-o", "x.pt"),
    ("export", "resnet20", "--backend", "torch", "--format", "#", "-o", "x"),
    ("verify", "#"),
    ("verify", "resnet20", "--report", "#"),
    ("fmt", "#"),
    ("regenerate", "#"),
    ("validate", "#"),
    ("show", "#"),
    ("explain", "#"),
    ("list", "#"),
    ("schema", "--check", "#"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("word", ARGUMENTS, ids=ascii)
def test_every_command_shows_what_it_is_given(
    command: tuple[str, ...], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*(part.replace("#", word) for part in command))
    assert status in (1, 2)
    check_log(out + err)
    assert "a bug of netspec" not in err


def test_a_diff_is_shown_and_not_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("\n".join(NASTY[:5]))
    for colour in ("", "1"):
        monkeypatch.setenv("FORCE_COLOR", colour)
        status, out, err = run("generate", "resnet20", "--backend", "torch", "--check", "a.py")
        assert status == 1
        assert ("\x1b[32m+" in out) == bool(colour)
        check_log(re.sub("\x1b\\[\\d+m", "", out) + err)


@pytest.mark.parametrize("word", NASTY, ids=ascii)
def test_names_of_tensors(word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = "netspec: 1\nname: n\ninput: {channels: 3, size: [8, 9]}\nstem: [{conv: {out: 4, kernel: 3, bias: false}}]\n"
    Path("n.yaml").write_text(spec)
    tensors = {"conv1.weight": torch.ones(4, 3, 3, 3), word: torch.ones(2)}
    torch.save({"state_dict": tensors, word: 1}, "n.pt")
    for more in ((), ("--allow-unexpected", ".*"), ("--take", word)):
        _, out, err = run(
            "convert", "n.pt", "--spec", "n.yaml", "--to", "torch", "-o", "m.pt", *more
        )
        check_log(out + err)
        assert "a bug of netspec" not in err


@pytest.mark.parametrize("word", NASTY, ids=ascii)
def test_a_certificate_as_a_page(word: str) -> None:
    from netspec import load
    from netspec.verification import page
    from netspec.verification.certificate import to_json
    from netspec.verification.run import Options, Origin, verify

    program = load("resnet20", overrides={"blocks": 1}).compilation
    result = verify(program, Options("shapes", ("torch",)), Origin(word, word, (word,)))
    text = page.render(to_json([dataclasses.replace(result, versions={"torch": word})]))
    parser = Elements()
    parser.feed(text)
    assert parser.found.isdisjoint({"img", "script"})
    assert all(c.isprintable() or c == "\n" for c in text)
