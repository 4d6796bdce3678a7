"""Rules that hold for the whole package. (The layers themselves: see docs/test_architecture.py.)"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.isolated import FRAMEWORKS, loaded_modules, python

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "netspec").rglob("*.py"))
MAX_LINES = 400

# What `netspec --help` may cost: the standard library, the package's head, and the errors.
LIGHT = {
    "netspec",
    "netspec.system.channels",
    "netspec.cli",
    "netspec.errors",
    "netspec.system.progress",
    "netspec.system.room",
    "netspec.system.tables",
}

every_file = pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in FILES}


def imported_at_once(path: Path) -> Iterator[str]:
    """The modules that importing a file imports: not inside functions, not for types alone."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            known = [name for name in inner if name in MODULES]
            yield from known or [node.module]
        waiting += ast.iter_child_nodes(node)


@every_file
def test_no_file_is_long(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_file
def test_no_text_is_executed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names.isdisjoint({"eval", "exec", "compile", "__import__"})


@every_file
def test_says_why_it_exists(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)


def test_modules_import_each_other_in_one_direction() -> None:
    graph = {
        name: {found for found in imported_at_once(path) if found in MODULES and found != name}
        for name, path in MODULES.items()
    }
    assert graph["netspec.elaborate.steps"] >= {"netspec.elaborate.combinators", "netspec.ir"}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


@pytest.mark.parametrize("package", ["ir", "codegen", "backends"])
def test_what_stands_behind_the_program_knows_neither_the_spec_nor_the_elaborator(
    package: str,
) -> None:
    """Source follows the program, wherever that came from."""
    ahead = (
        "netspec.lang.schema",
        "netspec.elaborate",
        "netspec.lang.source",
        "netspec.lang.library",
    )
    for name, path in MODULES.items():
        if f"{name}.".startswith(f"netspec.{package}."):
            assert not [found for found in imported_at_once(path) if found.startswith(ahead)], name


def test_only_backends_know_frameworks() -> None:
    for name, path in MODULES.items():
        if not name.startswith("netspec.backends."):
            tops = {found.partition(".")[0] for found in imported_at_once(path)}
            assert tops.isdisjoint(FRAMEWORKS), name


def test_numbers_vary_in_templates_and_behind_them_alone() -> None:
    """Beside those that print: the rules that run on either kind of number."""
    rules = {
        *("netspec.lang.expression.expr", "netspec.lang.expression.magnitude"),
        *("netspec.ops.geometry", "netspec.lang.schema.fields"),
    }
    printing = ("netspec.ir.template", "netspec.codegen", "netspec.unparse", "netspec.backends")
    users = {
        name
        for name, path in MODULES.items()
        if "netspec.lang.expression.symbolic" in imported_at_once(path)
    }
    assert users > rules
    assert not [name for name in users - rules if not name.startswith(printing)]


def test_the_command_line_imports_its_work_when_it_does_it() -> None:
    for name, path in MODULES.items():
        if name.startswith("netspec.cli"):
            ours = {f for f in imported_at_once(path) if f.partition(".")[0] == "netspec"}
            heavy = {f for f in ours if f not in LIGHT and not f.startswith("netspec.cli.")}
            assert heavy == set(), name


@pytest.mark.parametrize(
    "code",
    [
        "import netspec",
        "import netspec.api",
        "import netspec; netspec.load('resnet50').summary()",
        "import netspec; netspec.load('resnet50').generate('torch')",
        "import netspec; netspec.load('resnet50').generate('keras')",
        "from netspec.cli import main; assert main(['validate', 'specs']) == 0",
        "from netspec.cli import main; assert main(['summary', 'resnet50']) == 0",
    ],
)
def test_only_models_need_a_framework(code: str) -> None:
    loaded = loaded_modules(code)
    assert loaded.isdisjoint(FRAMEWORKS)
    if code == "import netspec":
        assert loaded.isdisjoint({"pydantic", "yaml", "numpy"})


@pytest.mark.parametrize(
    ("line", "spared"),
    [
        (["--help"], {"typing", "dataclasses", "yaml", "pydantic"}),
        (["validate", "specs/resnet.yaml"], {"email", "difflib", "tempfile", "rich", "jinja2"}),
        (["summary", "resnet50"], {"email", "difflib", "jinja2", "rich"}),
        (
            ["generate", "resnet50", "--backend", "torch", "--no-check"],
            {"email", "importlib.metadata", "rich", "torch"},
        ),
    ],
)
def test_a_short_command_imports_no_more_than_it_needs(line: list[str], spared: set[str]) -> None:
    loaded = loaded_modules(f"from netspec.cli import main; assert main({line}) == 0")
    assert loaded.isdisjoint(spared), loaded & spared


def test_only_the_ops_that_a_spec_names_get_a_model() -> None:
    code = (
        "from netspec.lang.schema.attributes import op_model; import netspec; "
        "netspec.loads({'netspec': 1, 'name': 'a', 'input': {'channels': 3, 'size': [8, 8]}, "
        "'stem': [{'conv': {'out': 3, 'kernel': 1}}, 'relu', {'conv': {'out': 3, 'kernel': 1}}]}); "
        "print(op_model.cache_info().currsize)"
    )
    assert python("-c", code).stdout == "2\n"


READS_ITEMS = (
    "netspec.ir",
    "netspec.codegen",
    "netspec.unparse",
    "netspec.elaborate",
    "netspec.check.lint.network",  # which asks in whose file a region stands
    "netspec.check.validate",  # axes have items as well
    "netspec.lang.schema",  # lists have items as well
    "netspec.backends.torch.emit",
    "netspec.backends.torch.flow",
    "netspec.backends.torch.modules",
    "netspec.backends.torch.plan",
    "netspec.backends.torch.starts",
    "netspec.backends.keras.emit",
    "netspec.backends.keras.flow",
)


@every_file
def test_only_the_ir_and_the_printers_read_what_a_region_holds(path: Path) -> None:
    """Everything else walks ops and values; `items` that is called is a mapping's."""
    name = module_of(path)
    if name.startswith(READS_ITEMS):
        return
    module = ast.parse(path.read_text(encoding="utf-8"))
    called = {id(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    read = [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and node.attr == "items" and id(node) not in called
    ]
    assert read == []
