"""Standard streams that are narrow, full, closed or a terminal; names and text that nothing can encode."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netspec.cli import main, summary
from netspec.cli.streams import Terminated, terminable
from netspec.system.files import replacing
from tests.cli.conftest import SMALL, Run

SPEC = SMALL.replace("A small network.", "Ein kleines Netz – für 8×12 Пиксель.")

DATA = [
    "show resnet",
    "generate SPEC --backend torch",
    "generate SPEC --backend keras -o -",
    "generate SPEC --backend torch --check OTHER",
    "schema spec",
    "schema block -o -",
    "summary SPEC --format json",
    "fmt --diff SPEC",
    "validate WRONG --format json",
    "validate WRONG --format github",
    "validate WRONG --format sarif",
    "validate WRONG --format junit",
    "validate WRONG --format gitlab",
]
"""Commands whose standard output is the content of a file."""

PEOPLE = [
    "list",
    "explain NS101",
    "explain",
    "summary SPEC",
    "validate SPEC",
    "validate WRONG",
    "--help",
    "fmt --help",
    "--version",
]
"""Commands that print for people."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the files that the commands name."""
    monkeypatch.chdir(tmp_path)
    Path("SPEC").write_text(SPEC, encoding="utf-8")
    wrong = SPEC.replace("kernel: 3", "größe: 3").replace("linear", "lineär")
    Path("WRONG").write_text(wrong, encoding="utf-8")
    Path("OTHER").write_text("# für\n", encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", DATA)
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_data_is_the_same_bytes_on_every_console(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str, encoding: str
) -> None:
    expected = run(*command.split())
    console = io.BytesIO()
    stream = io.TextIOWrapper(console, encoding=encoding, newline="\r\n")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(command.split()) == expected.status
    stream.flush()
    assert console.getvalue().decode("utf-8") == expected.out
    assert expected.out
    assert "\r" not in expected.out


def test_a_formatted_stream_too(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SPEC.encode())))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(console, encoding="cp1252"))
    assert main(["fmt", "-"]) == 0
    sys.stdout.flush()
    assert "Пиксель" in console.getvalue().decode("utf-8")


@pytest.mark.usefixtures("folder")
def test_a_terminal_shows_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.BytesIO()
    stream = io.TextIOWrapper(console, encoding="cp1252")
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", stream)
    for command in ("generate SPEC --backend torch", "summary SPEC", "explain NS101"):
        assert main(command.split()) == 0
    stream.flush()
    assert "für 8×12 ???????" in console.getvalue().decode("cp1252")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [*DATA, *PEOPLE])
def test_a_full_disk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        status = main(command.split())
    err = capsys.readouterr().err
    last = err.splitlines()[-1]
    assert (status, last) == (2, "netspec: standard output: No space left on device")
    assert "Traceback" not in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["generate SPEC --backend torch -o new.py", "validate NONE"])
def test_messages_that_find_no_room_end_nothing_early(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    with open("/dev/full", "w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert main(command.split()) == 2
    assert "new.py" not in command or Path("new.py").read_text().endswith("\n")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [*DATA, *PEOPLE])
def test_output_that_nobody_can_see_is_dropped(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    expected = run(*command.split()).status
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert main(command.split()) == expected


@pytest.mark.parametrize(
    "command", ["summary -", "validate -", "fmt -", "generate - --backend torch"]
)
def test_a_standard_input_that_is_not_there_is_a_usage_error(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    for stream, said in ((None, "closed"), (closed, "closed"), (terminal, "a terminal")):
        monkeypatch.setattr(sys, "stdin", stream)
        result = run(*command.split())
        assert (result.status, result.out) == (2, "")
        assert result.err == f"netspec: `-` reads standard input, which is {said}\n"


FRAMEWORK = """
import os
from netspec.cli.streams import prepare
prepare()
with open('saved', 'w') as file:
    os.write(1, b'from C')
    os.write(2, b'from C')
    file.write('content')
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
def test_descriptors_that_are_closed_become_no_file(folder: Path) -> None:
    # With descriptor 1 free, the file of -o would get it, and all that a framework prints.
    environment = {**os.environ, "PYTHON": sys.executable, "CODE": FRAMEWORK}
    script = (
        '$PYTHON -c "$CODE" >&- 2>&- <&- || exit 9\n'
        "$PYTHON -m netspec generate SPEC --backend torch -o new.py >&- 2>&- <&- || exit 10\n"
        "$PYTHON -m netspec summary SPEC >&- 2>err || exit 11\n"
        "$PYTHON -m netspec validate - <&- 2>>err; [ $? = 2 ] || exit 12\n"
        "$PYTHON -m netspec show resnet >/dev/full 2>>err; [ $? = 2 ] || exit 13\n"
    )
    process = subprocess.run(["sh", "-c", script], env=environment, timeout=120, check=False)
    assert process.returncode == 0
    assert Path("saved").read_text() == "content"
    compile(Path("new.py").read_text(encoding="utf-8"), "new.py", "exec")
    assert Path("err").read_text().splitlines() == [
        "netspec: `-` reads standard input, which is closed",
        "netspec: standard output: No space left on device",
    ]


# Names


@pytest.fixture
def latin(folder: Path) -> str:
    """The name of a folder with a file whose name is Latin-1, as old archives have them."""
    inner = os.path.join(os.fsencode(folder), b"specs")
    os.mkdir(inner)
    try:
        with open(os.path.join(inner, b"\xe9t\xe9.yaml"), "wb") as file:
            file.write(SPEC.replace("kernel: 3", "kernal: 3").encode())
    except OSError:
        pytest.skip("the file system has UTF-8 names only")
    return "specs"


@pytest.mark.parametrize("format", ["text", "json", "github", "sarif", "junit", "gitlab"])
def test_every_report_can_hold_any_name(
    run: Run, latin: str, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    result = run("validate", latin, "--format", format)
    assert result.status == 1
    result.out.encode("utf-8")
    if format in ("json", "sarif", "gitlab"):
        json.dumps(json.loads(result.out), ensure_ascii=False).encode("utf-8")
    elif format == "junit":
        ElementTree.fromstring(result.out)
    else:
        assert r"specs/\xe9t\xe9.yaml:17:24" in result.out or "%" in result.out
    assert not Path("step.md").exists() or r"\xe9" in Path("step.md").read_text("utf-8")


def test_every_command_takes_such_a_name(run: Run, latin: str) -> None:
    name = os.fsdecode(b"specs/\xe9t\xe9.yaml")
    for command in ("summary", "generate --backend torch"):
        result = run(*command.split(), name)
        assert result.status == 1
        assert r"specs/\xe9t\xe9.yaml:17:24: error[NS101]" in result.err
    assert run("fmt", "--check", name).status in (0, 1)
    Path(name).write_text(SPEC, encoding="utf-8")
    Path(os.fsdecode(b"specs/bl\xfc")).mkdir()
    target = os.fsdecode(b"specs/bl\xfc/out.py")
    assert run("generate", name, "--backend", "torch", "-o", target).status == 0
    assert run("generate", name, "--backend", "torch", "--check", target).status == 0
    assert run("summary", os.fsdecode(b"specs/\xff.yaml")).status == 2


# Signals


def test_termination_cleans_up(
    run: Run, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def write(arguments: object) -> int:
        with replacing(tmp_path / "out.txt") as temporary:
            temporary.write_text("half")
            os.kill(os.getpid(), signal.SIGTERM)
        return 0

    monkeypatch.setattr(summary, "run", write)
    result = run("summary", small)
    assert (result.status, result.err) == (143, "netspec: terminated\n")
    assert [entry.name for entry in tmp_path.iterdir()] == [small.name]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_handler_that_is_there_stays() -> None:
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        with terminable():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [1]
    with pytest.raises(Terminated), terminable():
        os.kill(os.getpid(), signal.SIGTERM)
