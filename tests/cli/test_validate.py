"""``netspec validate``."""

from __future__ import annotations

import io
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
    assert "compose.yaml: passed over" in result.err
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
