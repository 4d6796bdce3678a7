"""docs/architecture.md: its layers are those of the imports, its files exist, its code prints what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from netspec.backends.base import backend_names, get_backend
from netspec.ops import OPS
from tests.support.isolated import python
from tests.support.pages import ROOT, Fence, broken_links, fences, with_outcome

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
FENCES = fences(TEXT)
PACKAGE = ROOT / "netspec"

# Where code of a module is looked for that the page names without its folder.
FOLDERS = (
    "",
    "netspec",
    "netspec/check",
    "netspec/elaborate",
    "netspec/lang",
    "netspec/lang/schema",
    "netspec/tools",
    "netspec/weights",
    "netspec/codegen",
    "specs/blocks",
)


def rows() -> list[list[str]]:
    """The layers as the page lists them, lowest first."""
    (fence,) = (fence for fence in FENCES if fence.words == ("text", "layers"))
    return [line.split() for line in fence.text.splitlines()]


def layer_of(module: str) -> str | None:
    """The entry of the list that a dotted name belongs to; None for the package itself."""
    known = {name for row in rows() for name in row}
    parts = module.split(".")[1:]
    names = [".".join(parts[:length]) for length in (2, 1) if len(parts) >= length]
    return next((name for name in names if name in known), names[-1] if names else None)


def imports(path: Path) -> set[str]:
    """The modules of netspec that a file imports while it runs, at any time."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = node.module in ("netspec", "netspec.backends")
            found |= {f"{node.module}.{a.name}" if whole else node.module for a in node.names}
    return {name for name in found if name.split(".")[0] == "netspec"}


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def test_every_module_has_a_layer() -> None:
    outside = {"netspec", "netspec.backends"}
    listed = {name for row in rows() for name in row}
    found = {layer_of(module) for module in modules() if module not in outside}
    assert found - listed == set(), "add it to the list of layers in docs/architecture.md"


def test_imports_run_one_way() -> None:
    height = {name: number for number, row in enumerate(rows()) for name in row}
    wrong = []
    for module, path in modules().items():
        here = layer_of(module)
        if module in ("netspec", "netspec.backends") or here is None:
            continue
        for imported in imports(path):
            there = layer_of(imported)
            if there is None or there == here or there == "__version__":
                continue
            if height.get(there, 0) >= height.get(here, len(height)):
                wrong.append(f"{module} imports {imported}")
    assert wrong == []


def test_every_op_has_a_row_in_every_backend() -> None:
    for name in backend_names():
        assert list(get_backend(name).rows) == list(OPS), name


def test_no_backend_is_asked_for_by_name_outside_the_backends() -> None:
    asked = re.compile(r"""(==|!=|\bin\b|\bis\b)\s*\(?\s*["'](torch|keras)["']""")
    for module, path in modules().items():
        if not module.startswith("netspec.backends"):
            assert asked.search(path.read_text(encoding="utf-8")) is None, module


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([a-z_/]+\.(?:py|yaml))`", TEXT))))
def test_files_that_it_names_exist(name: str) -> None:
    if "/" in name:
        places = [ROOT / folder / name for folder in FOLDERS]
        assert any(place.is_file() for place in places), name
    else:
        assert any(PACKAGE.rglob(name)) or (ROOT / "specs" / "blocks" / name).is_file(), name


@pytest.mark.parametrize(
    ("fence", "outcome"),
    [(f, o) for f, o in with_outcome(FENCES) if f.words == ("python",)],
    ids=lambda f: f"line{f.line}",
)
def test_programs_print_what_is_shown(fence: Fence, outcome: Fence) -> None:
    process = python("-c", fence.text)
    assert process.returncode == 0, process.stderr
    assert process.stdout == outcome.text


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
