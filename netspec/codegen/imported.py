"""Generated source as a module: what a user's program would import."""

from __future__ import annotations

import importlib.abc
import importlib.util
import itertools
import linecache
import sys
from types import CodeType, ModuleType

PREFIX = "netspec_generated_"
"""What the names of such modules begin with."""

_numbers = itertools.count()


class _Text(importlib.abc.InspectLoader):
    """Loads a module from a text at hand."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        """The text."""
        return self.text

    def get_code(self, fullname: str) -> CodeType:
        """Its code, whose file is the name by which tracebacks find the text."""
        return self.source_to_code(self.text, source_name(fullname))


def source_name(module: str) -> str:
    """What tracebacks call the text of a module."""
    return f"<{module}>"


def import_source(text: str) -> ModuleType:
    """``text`` as a module of its own name, known to ``sys.modules`` so that its objects pickle."""
    name = f"{PREFIX}{next(_numbers)}"
    file = source_name(name)
    spec = importlib.util.spec_from_loader(name, _Text(text), origin=file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # Tracebacks quote it.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    spec.loader.exec_module(module)
    return module
