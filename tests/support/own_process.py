"""Keras models of generated source, each made in a process of its own: as its reader will run it.

What Keras calls a node by itself depends on what it made before, so one process for several files proves
nothing. Each file gets a fork of a fresh interpreter that has imported Keras, and has not used it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from netspec.api import CompiledNetwork
from netspec.codegen.identifiers import safe_identifier
from tests.support.isolated import python

_MAKER = """
import json, os, runpy, sys
import keras
for line in open(sys.argv[1], encoding="utf-8"):
    path, function = json.loads(line)
    if os.fork() == 0:
        try:
            runpy.run_path(path)[function]()
            result = ""
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        with open(path + ".result", "w", encoding="utf-8") as file:
            file.write(result)
        os._exit(0)
    os.wait()
"""


def problems_of(sources: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What goes wrong, by name, where each (source, function) is run and called in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / f"file{i}.py" for i, name in enumerate(sources)}
        lines = []
        for name, (source, function) in sources.items():
            paths[name].write_text(source, encoding="utf-8")
            lines.append(json.dumps([str(paths[name]), function]))
        todo = Path(folder) / "todo"
        todo.write_text("\n".join(lines), encoding="utf-8")
        environment = {"CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
        done = python("-c", _MAKER, str(todo), cwd=Path(folder), **environment)
        assert done.returncode == 0, done.stderr
        found = {
            name: Path(f"{path}.result").read_text(encoding="utf-8") for name, path in paths.items()
        }
    return {name: result for name, result in found.items() if result}


def keras_source(compiled: CompiledNetwork) -> tuple[str, str]:
    """The source of a network, and the function to call."""
    return compiled.generate("keras"), safe_identifier(compiled.network.model_name)
