"""Generated source of every network of the zoo: its style, its weights, and the live models' numbers."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netspec.backends.base import get_backend
from netspec.backends.keras.plan import is_deep
from netspec.backends.torch import live
from netspec.ir import Program
from netspec.ir.analysis import output_shapes
from tests.contract.torchvision_shim import import_torchvision
from tests.support.agreement import Passed, check_start, passed, precision
from tests.support.generated import (
    IMPORTS,
    NO_UNUSED,
    build_generated,
    import_source,
    imported_modules,
    style_problems,
)
from tests.support.networks import input_of, random_weights
from tests.support.saved import elsewhere, load_elsewhere, store
from tests.support.witnesses import (
    BACKENDS,
    adapt_layers,
    declared_counts,
    keras_counts,
    torch_counts,
)
from tests.support.zoo import (
    KINDS,
    REPRESENTATIVES,
    SHRUNK,
    Shrunk,
    shrunk_cases,
    zoo_cases,
    zoo_compiled,
    zoo_names,
)
from tests.zoo.test_shapes import QUICK_IN_KERAS

pytest.importorskip("keras")

every_network = pytest.mark.parametrize("name", zoo_cases())
every_backend = pytest.mark.parametrize("backend", BACKENDS)
every_shrunk = pytest.mark.parametrize("shrunk", shrunk_cases(KINDS))


@cache
def source_of(name: str, backend: str) -> str:
    """The source of a network of the zoo as it stands."""
    return zoo_compiled(name).generate(backend)


def test_style() -> None:
    """All sources at once: starting ruff takes longer than it works."""
    problems = style_problems(
        {
            f"{name}_{backend}": source_of(name, backend)
            for name in REPRESENTATIVES
            for backend in BACKENDS
        },
        rules=NO_UNUSED,
    )
    assert not problems, problems


@pytest.mark.parametrize("line_length", [60, 100, 120])
def test_style_at_other_line_lengths(line_length: int) -> None:
    sources = {
        f"{shrunk}_{backend}": shrunk.compiled().generate(backend, line_length=line_length)
        for shrunk in SHRUNK
        if not shrunk.heavy
        for backend in BACKENDS
    }
    problems = style_problems(sources, line_length)
    assert not problems, problems


@every_backend
@every_network
def test_imports_only_the_framework(name: str, backend: str) -> None:
    assert imported_modules(source_of(name, backend)) <= IMPORTS[backend]


@every_backend
@every_network
def test_source_is_the_same_every_time(name: str, backend: str) -> None:
    assert zoo_compiled(name).generate(backend) == source_of(name, backend)


@every_network
def test_torch_has_the_live_models_keys_shapes_and_outputs(name: str) -> None:
    compiled = zoo_compiled(name, taps=True)
    with torch.device("meta"):
        own = live.build(compiled.network)
        model = build_generated(compiled, "torch").eval()
        found = model(torch.empty(2, *compiled.network.source.shape))
    assert [(key, value.shape) for key, value in model.state_dict().items()] == [
        (key, value.shape) for key, value in own.state_dict().items()
    ]
    assert torch_counts(model) == declared_counts(compiled.network)
    shapes = {key: tuple(y.shape[1:]) for key, y in found.items()}
    assert shapes == output_shapes(compiled.network)


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK_IN_KERAS else pytest.param(n, marks=pytest.mark.slow) for n in zoo_names()],
)
def test_keras_has_the_shapes_and_parameters(name: str) -> None:
    compiled = zoo_compiled(name, taps=True)
    model = build_generated(compiled, "keras")
    shapes = {key: (y.shape[-1], *y.shape[1:-1]) for key, y in model.output.items()}
    assert shapes == output_shapes(compiled.network)
    assert keras_counts(model) == declared_counts(compiled.network)


@every_backend
@every_shrunk
def test_numbers_are_the_live_models_to_the_last_bit(shrunk: Shrunk, backend: str) -> None:
    """Outputs, every gradient, and running statistics, in evaluation and in training."""
    compiled = shrunk.compiled(taps=True)
    network = compiled.network
    found = get_backend(backend)
    with precision("float64"):
        models = [found.build(network), build_generated(compiled, backend)]
        if backend == "keras":
            adapt_layers(models[1])
        for training in (False, True):
            passes = []
            for model in models:
                found.write_weights(model, network, random_weights(network))
                passes.append(passed(model, network, input_of(network), training))
            assert_equal(*passes)


def assert_equal(ours: Passed, theirs: Passed) -> None:
    """Two passes gave the same, and something."""
    for field in ("outputs", "gradients", "statistics"):
        own, other = getattr(ours, field), getattr(theirs, field)
        assert own.keys() == other.keys()
        for name, value in other.items():
            np.testing.assert_array_equal(own[name], value, err_msg=f"{field}: {name}")
    np.testing.assert_array_equal(ours.input_gradient, theirs.input_gradient)
    assert np.abs(theirs.input_gradient).max() > 0


@every_backend
@pytest.mark.parametrize("name", ["resnet18", "seresnet50", "resnet50v2", "preact164"])
def test_weights_start_as_the_live_models_do(name: str, backend: str) -> None:
    """Constants alike, and elsewhere equal standard deviations and extents."""
    compiled = next(s for s in SHRUNK if s.name == name).compiled()
    found = get_backend(backend)
    models = (build_generated(compiled, backend), found.build(compiled.network))
    own, other = (found.read_weights(model, compiled.network) for model in models)
    check_start(own, other)


@every_backend
@pytest.mark.parametrize(
    ("deep", "shallow", "more"),
    [
        ("resnet152", "resnet50", 6),
        ("resnet152_keras", "resnet50_keras", 6),
        ("resnet152v2", "resnet50v2", 6),
        ("resnet110", "resnet20", 0),
        ("wrn_40_4", "wrn_28_10", 2),  # by the lengths of its numbers
    ],
)
def test_length_does_not_grow_with_depth(deep: str, shallow: str, more: int, backend: str) -> None:
    lines = [code_lines(source_of(name, backend)) for name in (deep, shallow)]
    assert abs(lines[0] - lines[1]) <= more, lines


def code_lines(source: str) -> int:
    """How many lines of source are code: docstrings hold counts, which may fit their line or not."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, documented)]
    docstrings = [node.body[0] for node in nodes if ast.get_docstring(node) is not None]
    return source.count("\n") - sum(d.end_lineno - d.lineno + 1 for d in docstrings)


@pytest.mark.parametrize("name", ["resnet50", "resnet20", "article_resnet", "resnet50v2"])
def test_the_number_of_classes_stays_an_argument(name: str) -> None:
    shrunk = next(s for s in SHRUNK if s.name == name)
    compiled = shrunk.compiled()
    own = build_generated(compiled, "torch", classes=13)
    x = torch.zeros(2, *compiled.network.source.shape)
    assert own.eval()(x).shape == (2, 13)
    assert build_generated(compiled, "torch").eval()(x).shape == (2, *compiled.network.target.shape)
    keras_model = build_generated(compiled, "keras", classes=13)
    assert keras_model.output_shape == (None, 13)


def test_a_keras_model_takes_another_input_shape() -> None:
    compiled = next(s for s in SHRUNK if s.name == "resnet50").compiled()
    model = build_generated(compiled, "keras", input_shape=(33, 65, 3))
    assert model.input_shape == (None, 33, 65, 3)
    open_model = build_generated(compiled, "keras", input_shape=(None, None, 3))
    assert open_model(np.zeros((1, 40, 52, 3), "float32")).shape == (1, 7)


@pytest.mark.parametrize(
    "name", ["resnet18", "resnet50", pytest.param("resnext50_32x4d", marks=pytest.mark.slow)]
)
def test_torchvisions_weights_load_and_give_torchvisions_outputs(name: str) -> None:
    torchvision = import_torchvision()
    torch.manual_seed(0)
    theirs = torchvision.models.get_model(name, weights=None).double().eval()
    with torch.no_grad():
        for module in theirs.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
    ours = getattr(import_source(source_of(name, "torch")), name)().double().eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    for size in ((64, 96), (65, 98)):
        x = torch.randn(2, 3, *size, dtype=torch.float64)
        with torch.no_grad():
            expected = theirs(x)
            assert float((ours(x) - expected).abs().max() / expected.abs().max()) <= 1e-9


def test_a_generated_torch_model_compiles_and_pickles() -> None:
    import copy
    import pickle

    compiled = next(s for s in SHRUNK if s.name == "preact110").compiled()
    model = build_generated(compiled, "torch").eval()
    x = torch.randn(2, *compiled.network.source.shape)
    torch._dynamo.reset()
    with torch.no_grad():
        expected = model(x)
        assert torch.equal(copy.deepcopy(model)(x), expected)
        assert torch.equal(pickle.loads(pickle.dumps(model))(x), expected)
        compiled_model = torch.compile(model, fullgraph=True, backend="eager")
        assert torch.equal(compiled_model(x), expected)


SAVED = ("resnext50_32x4d", "resnet50v2", "resnet20", "preact164", "article_resnet", "seresnet50")


def test_generated_keras_models_load_in_a_fresh_process(tmp_path: Path) -> None:
    here = {}
    for name in SAVED:
        compiled = next(s for s in SHRUNK if s.name == name).compiled()
        model = build_generated(compiled, "keras")
        here[name] = store(compiled.network, tmp_path, name, model)
    load_elsewhere(tmp_path)
    for name, expected in here.items():
        found = elsewhere(tmp_path, name)
        np.testing.assert_allclose(found["output"], expected["output"], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["preact1001", "resnet1202"])
def test_generated_keras_networks_of_more_than_a_thousand_layers(name: str, tmp_path: Path) -> None:
    compiled = zoo_compiled(name)
    assert is_deep(compiled.network)
    model = build_generated(compiled, "keras")
    here = store(compiled.network, tmp_path, name, model)
    own = get_backend("keras").build(compiled.network)
    get_backend("keras").write_weights(own, compiled.network, random_weights(compiled.network))
    expected = get_backend("keras").run(own, input_of(compiled.network).astype("float32"))
    np.testing.assert_array_equal(here["output"], expected["output"])
    load_elsewhere(tmp_path)
    there = elsewhere(tmp_path, name)
    np.testing.assert_allclose(there["output"], here["output"], rtol=1e-3, atol=1e-3)


ON_TORCH = """
import sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import keras
import network
assert keras.backend.backend() == "torch"
model = getattr(network, sys.argv[2])()
with np.load(folder / "weights.npz") as weights:
    model.set_weights([weights[f"w{i}"] for i in range(len(weights.files))])
y = model(np.load(folder / "x.npy"), training=False)
np.save(folder / "y.npy", keras.ops.convert_to_numpy(y))
"""


def test_generated_keras_source_runs_on_keras_other_backends(tmp_path: Path) -> None:
    """On PyTorch, which is here anyway: the same source, weights and input give the same output."""
    compiled = next(s for s in SHRUNK if s.name == "seresnext50_32x4d").compiled()
    network: Program = compiled.network
    found: Any = get_backend("keras")
    (tmp_path / "network.py").write_text(compiled.generate("keras"), encoding="utf-8")
    model = build_generated(compiled, "keras")
    found.write_weights(model, network, random_weights(network))
    arrays = {f"w{i}": value for i, value in enumerate(model.get_weights())}
    np.savez(tmp_path / "weights.npz", **arrays)
    x = input_of(network).astype("float32")
    np.save(tmp_path / "x.npy", np.moveaxis(x, 1, -1))
    done = subprocess.run(
        [sys.executable, "-c", ON_TORCH, str(tmp_path), compiled.name],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    np.testing.assert_allclose(
        np.load(tmp_path / "y.npy"), found.run(model, x)["output"], rtol=1e-4, atol=1e-4
    )
