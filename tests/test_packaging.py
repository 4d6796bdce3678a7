"""The wheel, installed elsewhere: it has its data, and says what is missing when a framework is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from netspec import library

ROOT = Path(__file__).parents[1]
SOURCES = ("netspec", "specs", "templates", "docs/schema")
FILES = ("pyproject.toml", "README.md", "LICENSE")
NO_FRAMEWORK = "import sys; sys.modules.update(dict.fromkeys(('torch', 'keras', 'tensorflow'))); "


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files behind."""
    pytest.importorskip("setuptools")
    copy = tmp_path_factory.mktemp("sources")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(out), str(copy)]
    done = subprocess.run([*pip, *build], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = out.glob("netspec-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the wheel alone is installed in."""
    target = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    install = ["install", "--no-deps", "--no-index", "--target", str(target), str(wheel)]
    done = subprocess.run([*pip, *install], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return target


def run(
    installed: Path, *arguments: str, before: str = "", **keywords: str
) -> subprocess.CompletedProcess[str]:
    """``python -m netspec`` of the installed wheel, in a folder without the repository.

    ``-S`` leaves out what the environment adds to the path, this repository among it; the libraries
    that netspec needs are added back by hand.
    """
    paths = [str(installed), sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]]
    code = (
        f"import sys; sys.path[:0] = {paths!r}; {before}import runpy; "
        "sys.argv[0] = 'netspec'; runpy.run_module('netspec', run_name='__main__', alter_sys=True)"
    )
    return subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": "", **keywords},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_every_package_and_data_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
    places = {"specs": "netspec/specs", "templates": "netspec/templates"}
    places["docs/schema"] = "netspec/docs/schema"
    expected = {"netspec/py.typed"}
    for source, place in {"netspec": "netspec", **places}.items():
        for path in (ROOT / source).rglob("*"):
            if path.suffix in (".py", ".yaml", ".j2", ".json") and "__pycache__" not in path.parts:
                expected.add(f"{place}/{path.relative_to(ROOT / source).as_posix()}")
    assert expected - inside == set()
    code = {name for name in inside if ".dist-info/" not in name}
    assert code - expected == set()
    assert not any(name.startswith("tests") for name in inside)


def test_metadata(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode("utf-8"))
        assert any(n.endswith("licenses/LICENSE") for n in archive.namelist())
        points = archive.read(name.replace("METADATA", "entry_points.txt")).decode("utf-8")
    assert {"torch", "keras", "all"} <= {*metadata.get_all("Provides-Extra")}
    required = metadata.get_all("Requires-Dist")
    core = [line for line in required if "extra ==" not in line]
    assert not any(word in line for line in core for word in ("torch", "keras", "tensorflow"))
    assert len(core) == len(project["dependencies"])
    for line in ("netspec = netspec.cli:main", "torch = netspec.backends.torch:BACKEND"):
        assert line in points


def test_it_runs_from_where_it_is_installed(installed: Path) -> None:
    done = run(
        installed, "list", before="import netspec, sys; print(netspec.__file__, file=sys.stderr); "
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == str(installed / "netspec" / "__init__.py")
    for name in library.zoo_variants():
        assert name in done.stdout


def test_specs_blocks_and_templates_are_found_without_a_framework(installed: Path) -> None:
    done = run(installed, "summary", "resnet50", "--format", "json", before=NO_FRAMEWORK)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parameters"]["trainable"] == 25_557_032
    shown = run(installed, "show", "squeeze_excite", before=NO_FRAMEWORK)
    assert shown.returncode == 0, shown.stderr
    assert "block: squeeze_excite" in shown.stdout
    for backend in ("torch", "keras"):
        made = run(installed, "generate", "seresnet50", "--backend", backend, before=NO_FRAMEWORK)
        assert made.returncode == 0, made.stderr
        assert "def seresnet50(" in made.stdout


def test_every_zoo_file_and_block_is_found_in_the_wheel(installed: Path) -> None:
    code = (
        "from netspec import library; import json; "
        "print(json.dumps([list(library.zoo_files()), sorted(library.built_in_blocks())])); "
        "raise SystemExit; "
    )
    done = run(installed, before=code)
    assert json.loads(done.stdout) == [list(library.zoo_files()), sorted(library.built_in_blocks())]


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("torch", "the torch backend needs torch: pip install 'netspec[torch]'"),
        ("keras", "the keras backend needs keras and tensorflow: pip install 'netspec[keras]'"),
    ],
)
def test_a_missing_framework_takes_one_line(installed: Path, backend: str, message: str) -> None:
    done = run(installed, "build", "resnet20", "--backend", backend, before=NO_FRAMEWORK)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_building_from_the_wheel(installed: Path) -> None:
    """A live model, from outside the repository."""
    pytest.importorskip("torch")
    done = run(installed, "build", "resnet20", "--backend", "torch", "--set", "blocks=1")
    assert done.returncode == 0, done.stderr
    assert "resnet20" in done.stdout
