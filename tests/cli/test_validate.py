"""``netspec validate``."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Run

BLOCK = "block: twice\nparams: {out: int}\nbody: [{conv: {out: out, kernel: 3}}]\n"


def test_good_files_are_counted(run: Run, small: Path) -> None:
    result = run("validate", small)
    assert (result.status, result.out, result.err) == (0, f"{small}: ok (2 variants)\n", "")


def test_the_zoo_and_its_blocks_are_valid(run: Run) -> None:
    result = run("validate", "specs")
    assert result.status == 0
    assert "specs/resnet.yaml: ok (10 variants)\n" in result.out
    assert "specs/blocks/basic.yaml: ok (block)\n" in result.out


def test_directories_are_walked_and_every_file_is_told_about(
    run: Run, small: Path, broken: Path, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "twice.yml").write_text(BLOCK)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.yaml").write_text("netspec: 7\n")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    result = run("validate", tmp_path)
    assert result.status == 1
    assert f"{tmp_path}/inner/twice.yml: ok (block)" in result.out
    assert f"{small}: ok" in result.out
    assert f"{broken}: ok" not in result.out
    assert f"{broken}:17:24: error[NS101]" in result.out
    assert result.err == "passed over 1 other YAML file\n"
    assert "hidden" not in result.err + result.out


def test_a_named_file_is_never_passed_over(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services: {}\n")
    assert run("validate", path).status == 1


def test_a_hook_passes_over_what_is_not_ours(run: Run, small: Path, broken: Path) -> None:
    other = small.parent / "compose.yaml"
    other.write_text("services: {}\n")
    alone = run("validate", "--skip-others", other)
    assert (alone.status, alone.out.strip()) == (0, "")
    assert run("validate", "--skip-others", other, small).status == 0
    assert run("validate", "--skip-others", other, broken).status == 1


def test_a_mistake_in_one_variant_names_it(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("width: 6}", "width: 0}"))
    result = run("validate", path)
    assert result.status == 1
    assert "in `small_b`)" in result.out
    assert "small_a" not in result.out


def test_a_mistake_of_all_variants_is_said_once(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.replace("out: classes", "out: clases"))
    result = run("validate", path)
    assert result.status == 1
    assert result.out.count("error[") == 1


def test_a_block_file_is_called_as_its_block(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "thrice.yaml"
    path.write_text(BLOCK)
    result = run("validate", path)
    assert result.status == 1
    assert "holds a block called `twice`" in result.out


def test_nothing_to_check_is_a_wrong_command(run: Run, tmp_path: Path) -> None:
    assert run("validate", tmp_path).status == 2


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SMALL.encode())))
    assert run("validate", "-").out == "<stdin>: ok (2 variants)\n"


def test_blocks_beside_the_spec_are_found(run: Run, tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text(BLOCK)
    path = tmp_path / "own.yaml"
    path.write_text(
        SMALL.replace("  - global_avg_pool", "  - twice: {out: 5}\n  - global_avg_pool")
    )
    result = run("validate", path)
    assert result.status == 0, result.out


UNUSED = SMALL.replace("  width: 4\n", "  width: 4\n  spare: 1\n")
LINTED = SMALL.replace("  conv: {bias: false}", "  conv: {bias: true}")


def test_warnings_alone_are_no_failure(run: Run, small: Path) -> None:
    small.write_text(UNUSED)
    result = run("validate", small)
    assert result.status == 0
    assert f"{small}:7:3: warning[NS303]" in result.out
    assert result.out.endswith("1 warning in 1 file\n")


def test_strict_makes_warnings_errors(run: Run, small: Path) -> None:
    small.write_text(UNUSED)
    result = run("validate", "--strict", small)
    assert result.status == 1
    assert "error[NS303]" in result.out
    data = json.loads(run("validate", "--strict", "--format", "json", small).out)
    assert [d["severity"] for d in data["diagnostics"]] == ["error"]


def test_lints_are_turned_on_and_off(run: Run, small: Path) -> None:
    small.write_text(UNUSED)
    assert "NS303" not in run("validate", "--disable", "NS303", small).out
    more = run("validate", "--disable", "ns303,NS309", "--enable", "NS307", small).out
    assert "NS303" not in more
    assert "warning[NS307]" in more


@pytest.mark.parametrize("code", ["NS999", "NS101", "x"])
def test_only_lints_are_turned_on_and_off(run: Run, small: Path, code: str) -> None:
    result = run("validate", "--disable", code, small)
    assert result.status == 2
    assert "is no lint" in result.err


def test_a_comment_silences_a_warning_on_its_line(run: Run, small: Path) -> None:
    small.write_text(LINTED)
    assert "NS301" in run("validate", small).out
    small.write_text(LINTED.replace("{bias: true}", "{bias: true}  # netspec: ignore[NS301] so"))
    assert run("validate", "--strict", small).status == 0
    small.write_text(LINTED.replace("{bias: true}", "{bias: true}  # netspec: ignore[NS303]"))
    assert "NS301" in run("validate", small).out
    small.write_text(LINTED.replace("stem:", "stem:  # netspec: ignore[NS301]"))
    assert "NS301" in run("validate", small).out


def test_github_is_the_default_in_its_actions(
    run: Run, broken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = run("validate", broken)
    assert result.status == 1
    assert result.out.startswith("::error file=")
    assert f"{broken}:17:24: error[NS101]" in result.out
    assert summary.read_text().startswith("before\n### netspec validate: 1 error in 1 file\n")
    before = summary.read_text()
    assert run("validate", "--format", "text", broken).out.startswith(f"{broken}:17:24: error")
    assert summary.read_text() == before


def test_a_summary_that_cannot_be_written_is_no_failure(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    result = run("validate", "--format", "github", small)
    assert result.status == 0
    assert "Is a directory" in result.err


@pytest.mark.parametrize("name", ["text", "json", "github", "sarif", "junit", "gitlab"])
def test_every_format_comes_on_standard_output_alone(run: Run, broken: Path, name: str) -> None:
    result = run("validate", "--format", name, broken)
    assert result.status == 1
    assert result.err == ""
    assert "NS101" in result.out


def test_formats_are_those_of_the_reports() -> None:
    from netspec.check.report import FORMATS as RENDERED
    from netspec.cli.validate import FORMATS

    assert list(FORMATS) == list(RENDERED)


def test_what_is_excluded_is_not_looked_at(run: Run, small: Path, broken: Path) -> None:
    (small.parent / "vendor").mkdir()
    (small.parent / "vendor" / "bad.yaml").write_text("netspec: 7\n")
    folder = small.parent
    assert run("validate", folder).status == 1
    for patterns in (["broken.yaml", "vendor"], ["brok*", "*/vendor/*"], [str(broken), "vendor/"]):
        options = [part for pattern in patterns for part in ("--exclude", pattern)]
        result = run("validate", *options, folder)
        assert result.out == f"{small}: ok (2 variants)\n"
    everything = ("validate", "--exclude", "*.yaml", small)
    assert run(*everything).status == 2
    for option in (
        "--skip-others",
        "--allow-empty",
    ):  # the first as a hook, which is given every file
        result = run(*everything, option)
        assert (result.status, result.out) == (0, "")


def test_standard_input_has_a_name_and_a_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "twice.yaml").write_text(BLOCK)
    text = SMALL.replace("  - global_avg_pool", "  - twice: {out: 5}\n  - global_avg_pool")

    def give(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    name = tmp_path / "edited.yaml"
    give(text)
    assert run("validate", "-", "--stdin-filename", name).out == f"{name}: ok (2 variants)\n"
    give(text)
    assert "<stdin>:25:5: error[NS207]" in run("validate", "-").out
    give(text.replace("kernel", "kernal"))
    assert f"{name}:17:24: error[NS101]" in run("validate", "-", "--stdin-filename", name).out


def test_several_processes_give_what_one_gives(run: Run, tmp_path: Path) -> None:
    for number in range(40):
        text = SMALL if number % 3 else SMALL.replace("kernel: 3", "kernal: 3")
        (tmp_path / f"net{number:02}.yaml").write_text(text)
    (tmp_path / "other.yaml").write_text("services: {}\n")
    one, two = run("validate", "--jobs", 1, tmp_path), run("validate", "--jobs", 2, tmp_path)
    assert one.status == two.status == 1
    assert one.out == two.out
    assert one.err == two.err
    assert one.out.count("^^^^^^") == 14


@pytest.mark.parametrize("error", [ImportError(), NotImplementedError(), OSError(38, "no such")])
def test_without_semaphores_one_process_does_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """AWS Lambda and Android have none."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    for number in range(3):
        (tmp_path / f"net{number}.yaml").write_text(SMALL)
    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor", refuse)
    result = run("validate", "--jobs", 2, tmp_path)
    assert (result.status, result.out.splitlines()[-1]) == (
        0,
        f"{tmp_path}/net2.yaml: ok (2 variants)",
    )


def test_a_process_that_is_killed_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"net{number}.yaml").write_text(SMALL)
    monkeypatch.setattr("netspec.check.validate.run._as_worker", _die)
    result = run("validate", "--jobs", 2, tmp_path)
    assert (result.status, result.out) == (2, "")
    assert "--jobs 1 checks them one after another" in result.err


def _die() -> None:
    os._exit(9)


def test_a_problem_in_a_shared_block_file_is_told_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text(BLOCK.replace("kernel", "kernal"))
    for name in ("a", "b"):
        text = SMALL.replace("  - global_avg_pool", "  - twice: {out: 5}\n  - global_avg_pool")
        (tmp_path / f"{name}.yaml").write_text(text)
    out = run("validate", tmp_path / "a.yaml", tmp_path / "b.yaml").out
    assert out.count("error[NS101]") == 1
    assert f"{tmp_path}/twice.yaml:3:" in out


@pytest.mark.parametrize("command", ["validate", "summary"])
def test_bounds_are_raised_and_lowered(run: Run, small: Path, command: str) -> None:
    low = run(command, "--max-layers", 10, small)
    assert low.status == 1
    assert "more than 10 layers" in low.out + low.err
    assert run(command, "--max-parameters", 100, small).status == 1
    small.write_text(SMALL.replace("head:\n", "head:\n" + DEEP))
    assert run(command, small).status == 1
    assert run(command, "--max-layers", "100_000", small).status == 0


DEEP = "  - repeat: {times: 150, body: [{repeat: {times: 150, body: [relu]}}]}\n"


@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5"])
def test_a_bound_is_a_whole_number(run: Run, small: Path, value: str) -> None:
    assert run("validate", "--max-layers", value, small).status == 2


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(
    run: Run, small: Path, tmp_path: Path
) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    result = run("validate", tmp_path / "gone.yaml", small)
    assert result.status == 1
    assert "error[NS109]" in result.out
    assert f"{small}: ok" in result.out


def test_colours_are_for_terminals(run: Run, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netspec.cli import streams, validate

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b" not in run("validate", broken).out
    monkeypatch.setattr(validate, "wants_colour", lambda: True)
    out = run("validate", broken).out
    assert "\x1b[1;31merror[NS101]\x1b[0m" in out
    monkeypatch.undo()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for name, value, is_colourful in (("NO_COLOR", "1", False), ("TERM", "dumb", False)):
        monkeypatch.setenv(name, value)
        assert streams.wants_colour() is is_colourful
        monkeypatch.delenv(name)
    monkeypatch.setenv("TERM", "xterm")
    assert streams.wants_colour()


def test_what_steered_a_cache_is_told_and_nothing_is_kept(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There was a cache on disk once, which deleted what was not its own in the folder it was given."""
    foreign = tmp_path / "cache" / "mine"
    foreign.mkdir(parents=True)
    monkeypatch.setenv("NETSPEC_CACHE_DIR", str(foreign.parent))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    result = run("validate", small, "--no-cache")
    assert (result.status, result.out) == (0, f"{small}: ok (2 variants)\n")
    assert result.err == ("netspec: --no-cache and NETSPEC_CACHE_DIR: ignored, nothing is cached\n")
    assert [path.name for path in foreign.parent.iterdir()] == ["mine"]
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "xdg").exists()


def test_blocks_that_became_a_link_outwards_are_looked_at_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "specs" / "blocks").mkdir(parents=True)
    (tmp_path / "specs" / "blocks" / "tower.yaml").write_text("block: tower\nbody: [relu]\n")
    spec = tmp_path / "specs" / "net.yaml"
    spec.write_text("netspec: 1\nname: net\ninput: {channels: 3, size: [8, 8]}\nstem: [tower]\n")
    assert run("validate", spec).status == 0
    (tmp_path / "specs" / "blocks").rename(tmp_path / "outside")
    (tmp_path / "specs" / "blocks").symlink_to(tmp_path / "outside", target_is_directory=True)
    result = run("validate", spec)
    assert result.status == 1
    assert "tower" in result.out
