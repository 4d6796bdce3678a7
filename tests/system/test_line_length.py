"""The line length of a project is found where ruff finds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.errors import UsageError
from netspec.system.line_length import LINE_LENGTH, line_length_at


def test_the_nearest_settings_of_ruff_count(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert line_length_at(inner / "net.py") == 100
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert line_length_at(inner / "net.py") == 100
    (inner / "pyproject.toml").write_text("[tool.ruff.lint]\nselect = ['E']\n")
    assert line_length_at(inner / "net.py") == LINE_LENGTH
    (inner / "ruff.toml").write_text("line-length = 70\n")
    assert line_length_at(inner / "net.py") == 70
    assert line_length_at(tmp_path / "net.py") == 100


def test_settings_that_extend_others(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("line-length = 60\n")
    (tmp_path / "ruff.toml").write_text('extend = "base.toml"\n')
    assert line_length_at(tmp_path / "net.py") == 60
    (tmp_path / "base.toml").write_text('extend = "ruff.toml"\n')
    assert line_length_at(tmp_path / "net.py") == LINE_LENGTH


@pytest.mark.parametrize(
    "text", ["line-length = 0", 'line-length = "wide"', "line-length = true", "line-length"]
)
def test_settings_that_say_nothing_of_use(tmp_path: Path, text: str) -> None:
    (tmp_path / "ruff.toml").write_text(text)
    with pytest.raises(UsageError, match=r"ruff\.toml"):
        line_length_at(tmp_path / "net.py")


def test_without_settings_it_is_that_of_ruff(tmp_path: Path) -> None:
    assert line_length_at(tmp_path / "no" / "such" / "net.py") == LINE_LENGTH
