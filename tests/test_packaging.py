"""The wheel, installed elsewhere: it has its data, and says what is missing when a framework is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import netspec
from netspec.backends.base import backend_names, get_backend
from netspec.distribution import DISTRIBUTION
from netspec.lang import library

ROOT = Path(__file__).parents[1]
SOURCES = ("netspec", "specs", "templates", "docs/schema")
FILES = ("pyproject.toml", "README.md", "LICENSE")
TEXTS = (".py", ".md", ".toml", ".yaml", ".j2", ".json")
NO_FRAMEWORK = "import sys; sys.modules.update(dict.fromkeys(('torch', 'keras', 'tensorflow'))); "


def succeed(*command: object, cwd: Path | None = None) -> None:
    """Run a command that must not fail."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def pip(*arguments: object) -> None:
    """Run pip without an index; what is built is built with the setuptools that is here."""
    command, *rest = arguments
    python = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    succeed(*python, command, "--no-deps", "--no-index", "--no-build-isolation", *rest)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is packed: a build leaves files behind."""
    pytest.importorskip("setuptools")
    copy = tmp_path_factory.mktemp("sources")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for name in SOURCES:
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def sdist(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sdist")
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(out)!r})"
    succeed(sys.executable, "-c", code, cwd=sources)
    (found,) = out.glob("netspec_compiler-*.tar.gz")
    return found


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "-w", out, sources)
    (found,) = out.glob("netspec_compiler-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the wheel alone is installed in."""
    target = tmp_path_factory.mktemp("installed")
    pip("install", "--target", target, wheel)
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


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_it_installs_in_a_fresh_environment(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The libraries are those of this environment; its netspec, a finder's, is not among them."""
    venv.create(tmp_path / "venv", symlinks=os.name != "nt")
    folder = tmp_path / "venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "site-packages" / "libraries.pth").write_text(sysconfig.get_paths()["purelib"])
    python = tmp_path / "venv" / "bin" / "python"
    package = request.getfixturevalue(kind)
    pip_of = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    succeed(*pip_of, "install", "--no-deps", "--no-index", "--no-build-isolation", package)
    code = (
        "import netspec, importlib.metadata as metadata; print(netspec.__file__); "
        "print(metadata.version('netspec-compiler') == netspec.__version__)"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [
        str(folder / "site-packages" / "netspec" / "__init__.py"),
        "True",
    ], done.stderr
    command = [tmp_path / "venv" / "bin" / "netspec", "generate", "resnet20", "--backend", "keras"]
    made = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "def resnet20(" in made.stdout


def test_a_stranger_among_our_files_is_told_in_one_line(wheel: Path, tmp_path: Path) -> None:
    """Another project is called `netspec` on the index; it may have replaced our `__init__.py`."""
    pip("install", "--target", tmp_path, wheel)
    (tmp_path / "netspec-0.2.6.dist-info").mkdir()
    (tmp_path / "netspec" / "__init__.py").write_text("from .utils import Lore\n")
    done = run(tmp_path, before="from netspec_compiler import main; raise SystemExit(main()); ")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "netspec: netspec 0.2.6 from the package index is another project, and its files lie among "
        "those of netspec-compiler: pip uninstall netspec netspec-compiler, then pip install "
        "netspec-compiler\n"
    )
    (tmp_path / "netspec-0.2.6.dist-info").rmdir()
    shutil.copy(ROOT / "netspec" / "__init__.py", tmp_path / "netspec" / "__init__.py")
    assert run(tmp_path, "--version").stdout == f"netspec {netspec.__version__}\n"


def test_what_one_is_told_to_install_is_what_the_metadata_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == DISTRIBUTION
    extras = {*project["optional-dependencies"]}
    for backend in map(get_backend, backend_names()):
        assert backend.extra in extras
        formats = [export.format.extra for export in backend.exports.values()]
        assert {extra for extra in formats if extra} <= extras
    told = re.compile(r"(?<!/)\bnetspec(-compiler)?\[(\w+)")
    folders = [ROOT / name for name in ("netspec", "docs", "examples", "scripts", "templates")]
    texts = [path for folder in folders for path in folder.rglob("*.*") if path.suffix in TEXTS]
    for path in [ROOT / "README.md", ROOT / "Makefile", ROOT / "pyproject.toml", *texts]:
        for suffix, extra in told.findall(path.read_text(encoding="utf-8")):
            assert suffix, f"{path} names a stranger's package"
            assert extra in extras, path


def test_every_package_and_data_file_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if not name.endswith("/")}
    places = {"specs": "netspec/specs", "templates": "netspec/templates"}
    places["docs/schema"] = "netspec/docs/schema"
    expected = {"netspec/py.typed", "netspec_compiler/__init__.py"}
    for source, place in {"netspec": "netspec", **places}.items():
        for path in (ROOT / source).rglob("*"):
            if path.suffix in (".py", ".yaml", ".j2", ".json") and "__pycache__" not in path.parts:
                expected.add(f"{place}/{path.relative_to(ROOT / source).as_posix()}")
    expected.remove("netspec/launcher/__init__.py")
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
    assert points.split() == ["[console_scripts]", "netspec", "=", "netspec_compiler:main"]


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
        "from netspec.lang import library; import json; "
        "print(json.dumps([list(library.zoo_files()), sorted(library.built_in_blocks())])); "
        "raise SystemExit; "
    )
    done = run(installed, before=code)
    assert json.loads(done.stdout) == [list(library.zoo_files()), sorted(library.built_in_blocks())]


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("torch", "the torch backend needs torch: pip install 'netspec-compiler[torch]'"),
        (
            "keras",
            "the keras backend needs keras and tensorflow: pip install 'netspec-compiler[keras]'",
        ),
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
