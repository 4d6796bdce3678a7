"""Generated files, run as their reader runs them, and held against the live models."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np

import netspec
from tests.contract.command import netspec_command
from tests.contract.numbers import input_of, outputs_of, randomise

BACKENDS = ("torch", "keras")


def generate(spec: Path, backend: str, folder: Path) -> Path:
    """The file that ``netspec generate`` writes of a spec; it must write one."""
    path = folder / f"{spec.stem}_{backend}.py"
    done = netspec_command("generate", spec, "--backend", backend, "-o", path)
    assert done.status == 0, done.err
    return path


def model_of(path: Path, name: str, **arguments: Any) -> Any:
    """The model that the generated function of a network makes."""
    return runpy.run_path(str(path))[name](**arguments)


def check_generated(spec: Path, backend: str, folder: Path) -> None:
    """The generated model computes what the live one does, on the same random weights and input."""
    compiled = netspec.load(spec)
    start = compiled.build("torch")
    randomise(start)
    x = input_of(compiled)
    found = []
    for model in (
        compiled.build(backend),
        model_of(generate(spec, backend, folder), compiled.name),
    ):
        netspec.transfer_weights(start, model, compiled)
        found.append(outputs_of(model, x))
    live, generated = found
    assert generated.keys() == live.keys()
    for name, value in generated.items():
        np.testing.assert_array_equal(value, live[name], err_msg=name)
