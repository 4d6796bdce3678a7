"""Every layer that differs in one run: each is fed what the baseline's takes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from netspec import loads
from netspec.ir import interpret as functions
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from tests.contract.command import netspec_command
from tests.verification.mistakes import keras_call
from tests.verification.mutations import MUTATIONS
from tests.verification.specs import RESIDUAL, spec

pytest.importorskip("keras")

Held = Callable[..., NetworkResult]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    """A verification of a small spec against a reference that a function changes, of every mistake."""

    def against(name: str, change: Callable[[Any], None], **options: Any) -> NetworkResult:
        def make() -> Any:
            model = spec(name).build("torch")
            change(model)
            return model

        module = ModuleType("module_with_mistakes")
        module.net = make  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "module_with_mistakes", module)
        found = Options(
            backends=("torch",), reference="module_with_mistakes:net", every=True, **options
        )
        return verify(spec(name).compilation, found, Origin(f"{name}.yaml"))

    return against


def of_keras(name: str, **options: Any) -> NetworkResult:
    """A verification of a small spec in both frameworks, of every mistake."""
    found = Options(every=True, **{"level": "forward", **options})
    return verify(spec(name).compilation, found, Origin(f"{name}.yaml"))


def blamed(result: NetworkResult, witness: str | None = None) -> list[tuple[str, str]]:
    return [
        (level.level, failure.layer)
        for who, level, failure in result.failures()
        if witness in (None, who.name)
    ]


def norms(model: nn.Module) -> list[str]:
    return [path for path, one in model.named_modules() if isinstance(one, nn.BatchNorm2d)]


def test_each_wrong_layer_once_and_no_other(held: Held) -> None:
    wrong = ["bn1", "layer1.0.bn2", "layer2.0.bn1"]

    def change(model: nn.Module) -> None:
        for path in wrong:
            model.get_submodule(path).eps = 1e-3

    result = held("residual", change)
    assert blamed(result) == [("forward", path) for path in wrong]
    for _, _, failure in result.failures():
        assert "on what the baseline's takes" in failure.message
        assert failure.layer_span is not None
        assert failure.span is not None
    statuses = [level.status for level in result.witnesses[-1].levels]
    assert statuses == ["agrees", "not compared", "differs", "not run"]


def test_without_it_the_first_alone(held: Held) -> None:
    def change(model: nn.Module) -> None:
        for path in norms(model):
            model.get_submodule(path).eps = 1e-3

    every = held("residual", change)
    network = spec("residual").network
    assert {layer for _, layer in blamed(every)} == {
        layer.path for layer in network.layers if layer.op.kind == "batch_norm"
    }
    module = "module_with_mistakes:net"
    first = verify(
        spec("residual").compilation,
        Options(backends=("torch",), reference=module),
        Origin("residual.yaml"),
    )
    assert blamed(first) == blamed(every)[:1]


def test_every_momentum(held: Held) -> None:
    wrong = ["bn1", "layer2.0.bn2"]

    def change(model: nn.Module) -> None:
        for path in wrong:
            model.get_submodule(path).momentum = 0.3

    found = held("residual", change)
    assert {layer for _, layer in blamed(found)} == {*wrong}
    assert {level for level, _ in blamed(found)} == {"training"}


def test_every_tensor_of_another_shape_and_every_rate(held: Held) -> None:
    def change(model: nn.Module) -> None:
        model.get_submodule("conv1").bias = nn.Parameter(
            model.get_submodule("conv1").weight[:, 0, 0, 0]
        )
        model.get_submodule("bn1").weight.requires_grad_(False)
        model.get_submodule("dropout").p = 0.75

    found = held("residual", change)
    assert blamed(found) == [("shapes", "conv1"), ("shapes", "bn1"), ("shapes", "dropout")]
    assert [level.status for level in found.witnesses[-1].levels][1:] == ["not run"] * 3


def test_another_rate_hides_no_other_mistake(held: Held) -> None:
    def change(model: nn.Module) -> None:
        model.get_submodule("dropout").p = 0.75
        model.get_submodule("bn1").eps = 1e-3

    assert blamed(held("residual", change)) == [("shapes", "dropout"), ("forward", "bn1")]


def test_every_layer_in_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    keras_call("batch_norm", epsilon=1e-2)(monkeypatch)
    result = of_keras("residual")
    layers = (layer for layer in spec("residual").network.layers if layer.op.kind == "batch_norm")
    expected = [("forward", layer.path) for layer in layers]
    for witness in ("keras live", "keras generated"):
        assert blamed(result, witness) == expected
    assert blamed(result, "torch generated") == []


def test_what_is_wired_otherwise_is_told_from_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    next(m for m in MUTATIONS if m.name == "body added twice, no shortcut").apply(monkeypatch)
    next(m for m in MUTATIONS if m.name == "epsilon of Keras' default").apply(monkeypatch)
    result = of_keras("residual")
    found = {
        failure.layer: "wired differently" in failure.message
        for who, _, failure in result.failures()
        if who.name == "keras live"
    }
    network = spec("residual").network
    for layer in network.layers:
        if layer.op.kind == "batch_norm":
            assert found.pop(layer.path) is False
    assert found
    assert all(found.values())
    assert "layer1.0.relu2" in found


def test_a_flattened_map_has_another_order_and_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keras flattens in its own order where the weight behind takes that."""
    keras_call("linear", activation="tanh")(monkeypatch)
    assert blamed(of_keras("ops"), "keras live") == [("forward", "fc")]
    first = verify(spec("ops").compilation, Options("forward"), Origin("ops.yaml"))
    assert blamed(first, "keras live") == [("forward", "fc")]


def test_every_layer_of_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    original = functions.run

    def other(op: Any, inputs: Any, of_op: Any) -> Any:
        found = original(op, inputs, of_op)
        return found * 1.001 if op.kind == "conv" and op.kernel == (1, 1) else found

    monkeypatch.setattr(functions, "run", other)
    options = Options(backends=("torch", "interpreter"), every=True)
    result = verify(spec("residual").compilation, options, Origin("residual.yaml"))
    network = spec("residual").network
    expected = [layer.path for layer in network.layers if getattr(layer.op, "kernel", ()) == (1, 1)]
    assert len(expected) > 3
    assert sorted(layer for _, layer in blamed(result)) == sorted(expected)


def test_an_output_that_is_wired_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """No layer differs, and none stands behind: the output itself is said to."""
    from netspec.backends.torch import live

    text = (
        "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 8]}\nstem:\n  - {conv: {out: 4, kernel: 3}, as: a}\n"
        "  - {relu: {}, as: b}\n  - {from: [a, b]}\n"
    )
    monkeypatch.setitem(live.MERGES, "add", lambda one, other: one + one)
    found = Options("forward", ("torch",), every=True)
    result = verify(loads(text).compilation, found, Origin("net.yaml"))
    (message,) = (failure.message for _, _, failure in result.failures())
    assert message.startswith("output `output` differs by")
    assert "wired differently" in message


def test_all_are_printed_with_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "residual.yaml"
    path.write_text(RESIDUAL, encoding="utf-8")
    module = ModuleType("module_with_mistakes")

    def make() -> Any:
        model = spec("residual").build("torch")
        for name in ("bn1", "layer1.0.bn1"):
            model.get_submodule(name).eps = 1e-3
        return model

    module.net = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "module_with_mistakes", module)
    options = ("verify", path, "--backend", "torch", "--reference", "module_with_mistakes:net")
    text = netspec_command(*options, "--all", "--level", "forward").out
    assert text.count("on what the baseline's takes") == 2
    for name in ("bn1", "layer1.0.bn1"):
        assert f"  `{name}` is at " in text
    assert netspec_command(*options, "--all", "--format", "github").out.count("::error") == 2
    junit = netspec_command(*options, "--all", "--format", "junit").out
    assert junit.count("<failure") == 1
    assert junit.count("on what the baseline's takes") == 3  # once in the attribute
