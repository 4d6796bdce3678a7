"""What all commands share: help, exit status, and which stream says what."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
from pathlib import Path

import pytest

import netspec
from netspec.cli.app import COMMANDS, make_parser, module_of
from netspec.errors import InternalError
from tests.cli.conftest import SMALL, Run
from tests.support.isolated import FRAMEWORKS, loaded_modules, python


def test_help_names_every_command(run: Run) -> None:
    result = run("--help")
    assert result.status == 0
    assert all(name in result.out for name in COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.status == 0
    assert len(result.out.splitlines()) > 5


def test_version(run: Run) -> None:
    assert run("--version").out == f"netspec {netspec.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["summary"],
        ["summary", "resnet50", "--form", "json"],
        ["summary", "resnet50", "--format", "xml"],
        ["generate", "resnet50"],
        ["summary", "no/such/file.yaml"],
        ["summary", "resnet5O"],
        ["summary", "resnet50", "--variant", "resnet18"],
        ["summary", "resnet", "--variant", "resnet5O"],
        ["summary", "resnet50", "--set", "width"],
        ["summary", "resnet50", "--set", "width="],
        ["summary", "resnet50", "--set", "1=2"],
        ["summary", "resnet50", "--set", "depths[-1]=2"],
        ["summary", "resnet50", "--set", "depths[0].x=2"],
        ["generate", "resnet50", "--backend", "cafe"],
        ["validate", "no/such/folder"],
        ["show", "nonsense"],
    ],
)
def test_a_wrong_command_is_status_2_and_says_why(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.status == 2
    assert result.out == ""
    assert result.err


def test_usage_errors_take_one_line_and_guess(run: Run) -> None:
    result = run("summary", "resnet5O")
    assert result.err.count("\n") == 1
    assert "did you mean `resnet50`?" in result.err


def test_wrong_input_is_status_1_with_place_and_caret(run: Run, broken: Path) -> None:
    result = run("summary", broken)
    assert result.status == 1
    assert result.out == ""
    assert f"{broken}:17:24: error[NS101]" in result.err
    assert "^^^^^^" in result.err
    assert "did you mean `kernel`?" in result.err


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("width=[1", "error[NS100]"),
        ("width=!!python/object:os.system 1", "error[NS113]"),
        ("width=*a", "error[NS112]"),
        ("width=.nan", "error[NS115]"),
        ("wdth=1", "did you mean `width`?"),
        ("wdth[0]=1", "did you mean `width`?"),
        ("width[0]=1", "`width` is no list"),
        ("depths[2]=1", "`depths` has 2 elements"),
        ("depths[1]=yes", "--set depths[1]:1:1: error"),
        ("depths[1]=1.5", "needs a whole number"),
        ("width=2.5", "use `//` to divide"),
        ("width=__import__('os')", "error["),
        ("width=0", "error["),
    ],
)
def test_a_wrong_value_is_status_1(run: Run, small: Path, assignment: str, expected: str) -> None:
    result = run("summary", small, "--set", assignment)
    assert result.status == 1
    assert expected in result.err


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"- a\n- b\n",
        b"a: &x [1]\nb: *x\n",
        b"[" * 30_000,
        b"netspec: 1\nname: x\ninput: {channels: 3, size: [8, 8]}\n",
        b"netspec: 2\n",
        b"block: x\nbody: []\n",
        b"{",
        b"\t",
    ],
    ids=range(10),
)
def test_no_file_makes_a_traceback(run: Run, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(raw)
    assert run("summary", path).status == 1


def test_standard_input_is_a_spec(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    assert run("summary", "-").status == 0
    bad = SMALL.replace("kernel: 3", "kernel: x").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bad)))
    result = run("summary", "-")
    assert result.status == 1
    assert "<stdin>:17:" in result.err


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="descriptors have no names")
@pytest.mark.parametrize("command", ["summary", "validate", "generate --backend torch"])
def test_a_pipe_is_a_spec(run: Run, command: str) -> None:
    """As process substitution gives it: `netspec summary <(…)`."""
    read, write = os.pipe()
    os.write(write, SMALL.encode())
    os.close(write)
    assert run(*command.split(), f"/dev/fd/{read}").status == 0
    os.close(read)


def test_an_internal_error_is_no_finding(
    run: Run, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object) -> None:
        raise InternalError("stage: the invariant")

    monkeypatch.setattr("netspec.api.CompiledNetwork.summary", fail)
    result = run("summary", small)
    assert result.status == 2
    assert "internal error" in result.err


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_modules("from netspec.cli import main; main(['--help'])")
    assert loaded.isdisjoint({*FRAMEWORKS, "pydantic", "yaml", "numpy", "rich"})


@pytest.mark.parametrize("command", ["validate specs", "summary resnet50", "list", "show basic"])
def test_no_framework_is_loaded(command: str) -> None:
    code = f"from netspec.cli import main; assert main({command.split()}) == 0"
    assert loaded_modules(code).isdisjoint(FRAMEWORKS)


def test_runs_as_a_module_and_survives_a_closed_pipe() -> None:
    finished = python("-m", "netspec", "--version")
    assert finished.stdout == f"netspec {netspec.__version__}\n"
    code = (
        "import os, sys\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "from netspec.cli import main; sys.exit(main(['list']))"
    )
    finished = python("-c", code)
    assert finished.returncode == 1
    assert finished.stderr == ""


def test_no_colour_and_no_unicode_are_respected() -> None:
    finished = python(
        "-m", "netspec", "summary", "resnet18", NO_COLOR="1", PYTHONIOENCODING="ascii"
    )
    assert finished.returncode == 0, finished.stderr
    assert "\x1b" not in finished.stdout
    assert finished.stdout.isascii()


def test_the_name_alone_shows_what_to_try(run: Run) -> None:
    result = run()
    assert (result.status, result.err) == (0, "")
    for command in ("netspec init ", "netspec summary ", "netspec generate "):
        assert command in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["biuld", "x"], "netspec: `biuld` is no command; did you mean `build`?\n"),
        (["xyzzy"], "netspec: `xyzzy` is no command; `netspec --help` lists them\n"),
        (
            ["summary", "x", "--varient", "y"],
            "has no option `--varient`; did you mean `--variant`?\n",
        ),
        (["generate", "x", "--bakend=torch"], "the following arguments are required: --backend\n"),
        (["list", "a", "b"], "netspec list: takes no further argument `b`\n"),
    ],
)
def test_mistakes_are_told_with_usage_and_what_was_meant(
    run: Run, arguments: list[str], said: str
) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith(said)
    if arguments[0] in COMMANDS:
        assert result.err.startswith(f"usage: netspec {arguments[0]} ")
        assert result.err.count("\n") <= 12


def test_help_is_a_command(run: Run) -> None:
    assert run("help").out == run("--help").out
    assert run("help", "build").out == run("build", "--help").out
    assert run("help", "biuld").status == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_in_the_help_can_be_parsed(command: str) -> None:
    parser, _ = make_parser()
    examples = module_of(command).EXAMPLES
    assert examples
    for example in examples:
        name, *words = shlex.split(example.partition(" < ")[0])
        assert name == "netspec"
        parsed, unknown = parser.parse_known_args(words)
        assert (words[0], unknown) == (command, [])
        assert parsed.run is module_of(command).run


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_fits_the_terminal_and_ends_in_no_blanks(
    run: Run, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    calls = [["help", command] for command in COMMANDS]
    calls += [["help"], [], ["list"], ["explain", "NS101"], ["summary", "resnet50"]]
    for call in calls:
        for line in run(*call).out.splitlines():
            assert line == line.rstrip(), call
            is_text = not line.startswith(" ") and call[:1] != ["summary"]
            assert len(line) <= width or not is_text, (call, line)


def test_an_export_is_pointed_to(run: Run) -> None:
    result = run("build", "resnet18", "--backend", "torch", "-o", "x.onnx")
    assert result.status == 2
    command = "netspec export resnet18 --backend keras --format onnx -o x.onnx"
    assert f"`{command}` writes such files" in result.err


@pytest.mark.parametrize(
    ("word", "names"), [("resnet50", 4), ("*50*", 7), ("bottleneck", 3), ("resnet", None)]
)
def test_list_takes_a_word(run: Run, word: str, names: int | None) -> None:
    found = json.loads(run("list", word, "--format", "json").out)
    listed = [v for network in found["networks"] for v in network["variants"] or [network["name"]]]
    listed += [block["name"] for block in found["blocks"]]
    if names is not None:
        assert all(word.strip("*") in name for name in listed)
    assert all(name in run("list", word).out for name in listed)
    assert len(listed) > 1


def test_list_without_a_match(run: Run) -> None:
    result = run("list", "resnet5O")
    assert (result.status, result.out) == (1, "")
    assert result.err == "netspec: nothing is called `resnet5O`; did you mean `resnet50`?\n"
