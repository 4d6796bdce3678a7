"""Generated source as a module, and what must be true of any generated source."""

from __future__ import annotations

import ast
import itertools
import linecache
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from netspec.api import CompiledNetwork
from netspec.codegen.identifiers import safe_identifier

IMPORTS = {
    "torch": {"torch", "collections", "functools", "typing", "math"},
    "keras": {"keras", "collections", "functools", "typing", "math"},
}
"""The modules that generated source may import, by backend."""

RULES = "E,F,I,UP,B"
"""The rules of ``ruff check`` that generated source keeps, whatever the spec."""

NO_UNUSED = f"{RULES},ARG"
"""Those of source whose blocks take every input that they have."""

_numbers = itertools.count()


def import_source(source: str) -> ModuleType:
    """``source`` as a module of its own name, known to ``sys.modules`` so that its objects pickle."""
    name = f"generated_{next(_numbers)}"
    module = ModuleType(name)
    module.__file__ = f"<{name}>"
    linecache.cache[module.__file__] = (len(source), None, source.splitlines(True), module.__file__)
    sys.modules[name] = module
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    return module


def build_generated(compiled: CompiledNetwork, backend: str, **arguments: Any) -> Any:
    """The model that the generated source of ``compiled`` makes."""
    module = import_source(compiled.generate(backend))
    return getattr(module, safe_identifier(compiled.name))(**arguments)


@cache
def _ruff() -> str:
    import ruff

    return ruff.find_ruff_bin()


def style_problems(sources: Mapping[str, str], line_length: int = 88, rules: str = RULES) -> str:
    """What ``ruff check`` and ``ruff format --check`` say of sources by name; empty when nothing."""
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources.items():
            (Path(folder) / f"generated_{name}.py").write_text(source, encoding="utf-8")
        found = ""
        for command in (["check", f"--select={rules}"], ["format", "--diff"]):
            done = subprocess.run(
                [
                    _ruff(),
                    *command,
                    "--isolated",
                    "--no-cache",
                    f"--line-length={line_length}",
                    ".",
                ],
                cwd=folder,
                capture_output=True,
                text=True,
                encoding="utf-8",
            )
            if done.returncode != 0:
                found += done.stdout + done.stderr
        return found


def imported_modules(source: str) -> set[str]:
    """The top-level modules that ``source`` imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module is not None
            found.add(node.module.partition(".")[0])
    return found
