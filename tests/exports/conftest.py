"""What a test of a real export needs, and why it is skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from netspec.backends.base import get_backend
from netspec.exports.write import Report, export_model
from netspec.ir import Program
from tests.support.networks import random_weights

PAIRS = [(name, kind) for name in ("torch", "keras") for kind in get_backend(name).exports]
"""Every backend with every format that it writes."""


def skip_unless_installed(backend: str, kind: str) -> None:
    """Skip the running test, with the reason, where what the export needs is not installed."""
    found = get_backend(backend)
    export = found.exports[kind]
    for module in (*found.requires, *export.format.requires, *export.requires):
        if importlib.util.find_spec(module) is None:
            pytest.skip(
                f"{module} is not installed: netspec-compiler[{export.format.extra or found.extra}]"
            )


def exported(network: Program, backend: str, kind: str, folder: Path) -> tuple[Report, Path]:
    """The network with random weights, exported into ``folder``, which holds nothing else then."""
    skip_unless_installed(backend, kind)
    found = get_backend(backend)
    model = found.build(network)
    found.write_weights(model, network, random_weights(network))
    path = folder / f"net{found.exports[kind].format.suffix}"
    report = export_model(found, model, network, found.exports[kind], path)
    assert [entry.name for entry in folder.iterdir()] == [path.name]
    return report, path
