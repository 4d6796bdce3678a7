"""What had no problems is not checked again until something changes, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netspec.elaborate.bounds import Bounds
from netspec.lint import LINTS
from netspec.validate import cache as cache_module
from netspec.validate.cache import Cache, cache_folder
from netspec.validate.files import Target
from netspec.validate.options import Options
from netspec.validate.run import check_file
from tests.support.isolated import loaded_modules, python

SPEC = """\
netspec: 1
name: spec
input: {channels: 3, size: [8, 8]}
stem: [tower, squeeze_excite]
"""
TOWER = "block: tower\nbody: [relu]\n"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache.open(tmp_path / "cache", Options())


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "tower.yaml").write_text(TOWER)
    path = tmp_path / "specs" / "spec.yaml"
    path.write_text(SPEC)
    return path


def is_known(path: Path, cache: Cache) -> bool:
    return cache.find(path.read_bytes(), path.stem, path.parent) is not None


def check(path: Path, cache: Cache, options: Options | None = None) -> list[str]:
    result = check_file(Target(str(path), False), options or Options(), cache)
    assert result is not None
    return [diagnostic.code for diagnostic in result.diagnostics]


def test_a_sound_file_is_known_afterwards(spec: Path, cache: Cache) -> None:
    assert not is_known(spec, cache)
    first = check_file(Target(str(spec), False), Options(), cache)
    assert is_known(spec, cache)
    assert check_file(Target(str(spec), False), Options(), cache) == first


def test_a_file_with_problems_is_not(spec: Path, cache: Cache) -> None:
    spec.write_text(SPEC.replace("tower,", "towr,"))
    assert check(spec, cache) == ["NS207"]
    assert not is_known(spec, cache)
    spec.write_text(SPEC + "params: {unused: 1}\n")
    assert check(spec, cache) == ["NS303"]
    assert not is_known(spec, cache)


@pytest.mark.parametrize(
    ("name", "content", "codes"),
    [
        ("spec.yaml", SPEC.replace("relu", "rel"), []),
        ("tower.yaml", "block: tower\nbody: [rellu]\n", ["NS207"]),
        ("tower.yaml", None, ["NS207"]),
        ("squeeze_excite.yaml", "block: squeeze_excite\nbody: [relu]\n", ["NS223"]),
        ("blocks/squeeze_excite.yaml", "block: squeeze_excite\nbody: [relu]\n", ["NS223"]),
    ],
)
def test_what_it_depends_on_makes_it_unknown(
    spec: Path, cache: Cache, name: str, content: str | None, codes: list[str]
) -> None:
    assert check(spec, cache) == []
    path = spec.parent / name
    if content is None:
        path.unlink()
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    if name != "spec.yaml":
        assert not is_known(spec, cache)
    assert check(spec, cache) == codes


def test_options_are_part_of_the_key(spec: Path, cache: Cache) -> None:
    assert check(spec, cache) == []
    for options in (Options(Bounds(1)), Options(lints=LINTS - {"NS303"})):
        assert not is_known(spec, Cache.open(cache.folder.parent, options))
    assert is_known(spec, Cache.open(cache.folder.parent, Options(strict=True)))


def test_another_netspec_knows_nothing(
    spec: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check(spec, cache) == []
    monkeypatch.setattr("netspec.__version__", "0.0.0")
    assert not is_known(spec, Cache.open(cache.folder.parent, Options()))


def test_old_states_of_netspec_are_forgotten(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(cache_module.MAX_GENERATIONS + 2):
        monkeypatch.setattr("netspec.__version__", f"0.0.{number}")
        check(spec, Cache.open(tmp_path / "cache", Options()))
    assert len(list((tmp_path / "cache").iterdir())) == cache_module.MAX_GENERATIONS


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"blocks": 1}', b"\xff", b"[" * 10_000])
def test_a_damaged_entry_is_none(spec: Path, cache: Cache, content: bytes) -> None:
    assert check(spec, cache) == []
    for path in cache.folder.iterdir():
        path.write_bytes(content)
    assert not is_known(spec, cache)
    assert check(spec, cache) == []


def test_no_place_to_write_to_is_no_problem(spec: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check(spec, Cache.open(tmp_path / "file" / "cache", Options())) == []


def test_where_entries_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() is None  # as the suite has it
    monkeypatch.setenv("NETSPEC_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("NETSPEC_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "netspec"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() is None


def test_a_known_file_needs_neither_pydantic_nor_the_compiler(spec: Path, tmp_path: Path) -> None:
    environment = {"NETSPEC_CACHE_DIR": str(tmp_path / "cache")}
    first = python("-m", "netspec", "validate", str(spec), **environment)
    assert first.stdout == f"{spec}: ok (1 variant)\n"
    os.environ.update(environment)
    try:
        code = f"from netspec.cli import main; assert main(['validate', {str(spec)!r}]) == 0"
        assert "pydantic" not in loaded_modules(code)
        assert "pydantic" in loaded_modules(
            code.replace("'validate',", "'validate', '--no-cache',")
        )
    finally:
        os.environ["NETSPEC_CACHE_DIR"] = ""
