"""Networks as people would write them, in `ideal/`: what generated source is to come near.

Each is the network of the zoo of its name, layer by layer. How far generated source is from it, in nodes of
normalised syntax trees, stands in `ideal/distances.json`; it may only fall. `make distances` writes it anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.backends.base import get_backend
from netspec.ir import Program
from tests.support.agreement import check_start, precision, relative
from tests.support.generated import IMPORTS, import_source, imported_modules, style_problems
from tests.support.networks import input_of, random_weights
from tests.support.syntax import distance
from tests.support.witnesses import COUNTS, declared_counts

pytest.importorskip("keras")

FOLDER = Path(__file__).parent / "ideal"
TABLE = FOLDER / "distances.json"
FILES = sorted(path.stem for path in FOLDER.glob("*_*.py"))
QUICK = ("resnet50_keras", "efficientnet_b0_keras", *(f for f in FILES if f.endswith("_torch")))
"""Keras takes its time to build the others."""

STANDARD = {"collections"}
"""What people import besides."""

SIZE = (37, 66)
BOUND = 1e-9


@dataclass(frozen=True)
class Pair:
    """A network as a person wrote it, and as it is built from its spec."""

    backend: str
    network: Program
    ideal: Any
    live: Any


@pytest.fixture(
    scope="module",
    params=[f if f in QUICK else pytest.param(f, marks=pytest.mark.slow) for f in FILES],
)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    name, _, backend = request.param.rpartition("_")
    network = netspec.load(name).network
    arguments = {"input_shape": (*SIZE, 3)} if backend == "keras" else {}
    with precision("float64"):
        ideal = getattr(import_source(text_of(request.param)), name)(**arguments)
        live = get_backend(backend).build(network, SIZE)
        yield Pair(backend, network, ideal, live)


def text_of(file: str) -> str:
    return (FOLDER / f"{file}.py").read_text(encoding="utf-8")


def test_weights_start_alike(pair: Pair) -> None:
    found = get_backend(pair.backend)
    check_start(*(found.read_weights(model, pair.network) for model in (pair.ideal, pair.live)))


def test_the_network_is_the_specs(pair: Pair) -> None:
    """The same weights under the same names, and with them the same numbers."""
    found = get_backend(pair.backend)
    if pair.backend == "torch":
        assert [*pair.ideal.state_dict()] == [*pair.live.state_dict()]
    assert COUNTS[pair.backend](pair.ideal) == declared_counts(pair.network)
    weights = random_weights(pair.network)
    outputs = []
    for model in (pair.ideal, pair.live):
        found.write_weights(model, pair.network, weights)
        outputs.append(found.run(model, input_of(pair.network, SIZE, batch=2))["output"])
    assert np.ptp(outputs[1]) > 0
    assert relative(*outputs) <= BOUND


def test_what_people_write_is_in_style() -> None:
    texts = {file: text_of(file) for file in FILES}
    problems = style_problems(texts)
    assert not problems, problems
    for file, text in texts.items():
        assert imported_modules(text) <= IMPORTS[file.rpartition("_")[2]] | STANDARD


@pytest.mark.slow
def test_what_people_write_for_pytorch_has_strict_types(tmp_path: Path) -> None:
    """Keras has none to hold it against."""
    files = [str(FOLDER / f"{file}.py") for file in FILES if file.endswith("_torch")]
    options = ["--strict", f"--config-file={os.devnull}", f"--cache-dir={tmp_path}"]
    command = [sys.executable, "-m", "mypy", *options, *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


SMALL = """
def f(x, *, name):
    \"""What f is.\"""
    y = g(x, a=1, b=name)
    return y
"""


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("What f is", "Else", 0),
        ("y", "z", 0),
        ("a=1, b=name", "b=name, a=1", 0),
        ("def f", "def h", 0),
        ("a=1", "a=2", 2),
        ("g(", "h(", 2),
        ("return y", "return y + 1", 3),
        ("x, *, name", "x, name, *, y", 1),
    ],
)
def test_distance_counts_what_a_reader_sees(before: str, after: str, expected: int) -> None:
    assert distance(SMALL, SMALL.replace(before, after)) == expected
    assert distance(SMALL.replace(before, after), SMALL) == expected


def test_generated_source_comes_no_less_near(request: pytest.FixtureRequest) -> None:
    found = {}
    for file in FILES:
        name, _, backend = file.rpartition("_")
        found[file] = distance(netspec.load(name).generate(backend), text_of(file))
    if request.config.getoption("--update-goldens"):
        TABLE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    recorded = json.loads(TABLE.read_text(encoding="utf-8"))
    assert recorded.keys() == found.keys()
    farther = {file: (recorded[file], n) for file, n in found.items() if n > recorded[file]}
    assert not farther, f"farther from what people write than before: {farther}"
    nearer = {file: n for file, n in found.items() if n < recorded[file]}
    if nearer:
        warnings.warn(f"nearer; `make distances` records it: {nearer}", stacklevel=1)
