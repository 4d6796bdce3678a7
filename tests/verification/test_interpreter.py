"""The interpreter as a party: in evaluation, beside frameworks and without any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest

from netspec import loads
from netspec.backends.keras import KerasBackend
from netspec.backends.torch import TorchBackend
from netspec.errors import NetspecError, UsageError
from netspec.ir import interpret as functions
from netspec.ops.base import Op
from netspec.ops.normalization import BatchNorm
from netspec.verification.interpreter import Interpreter
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from tests.cli.conftest import SMALL
from tests.contract.command import netspec_command
from tests.support.everything import everything
from tests.verification.specs import spec

NAMED = """\
netspec: 1
name: two
input:
  left: {channels: 3, size: [8, 10]}
  right: {channels: 2, size: [8, 10]}
stem:
  - {conv: {out: 4, kernel: 3}, from: left, as: a}
  - {conv: {out: 4, kernel: 3}, from: right, as: b}
  - {from: [a, b]}
head: [global_avg_pool]
"""


def held(compiled: Any, *backends: str, **options: Any) -> NetworkResult:
    return verify(compiled.compilation, Options(backends=backends, **options), Origin("test.yaml"))


def statuses(result: NetworkResult) -> dict[str, list[str]]:
    return {w.name: [level.status for level in w.levels] for w in result.witnesses}


@pytest.mark.parametrize("name", ["residual", "preact", "ops", "flat"])
def test_it_agrees_with_a_framework(name: str) -> None:
    result = held(spec(name), "interpreter", "torch")
    assert [failure.message for _, _, failure in result.failures()] == []
    found = statuses(result)
    assert [*found] == ["torch live", "torch generated", "interpreter"]  # never the baseline
    assert found["interpreter"] == ["agrees", "not compared", "agrees", "not compared"]
    assert (
        "the interpreter neither starts nor trains: it was compared up to `forward` alone"
        in result.notes
    )
    forward = [{m.part for m in w.levels[2].measures} for w in result.witnesses[1:]]
    assert forward[0] == forward[1]


def test_all_ops_and_combinators() -> None:
    assert held(everything(2), "torch", "interpreter", level="forward").passed


def test_inputs_by_name() -> None:
    assert held(loads(NAMED), "torch", "interpreter", level="forward").passed


def test_a_mistake_of_it_is_found_and_its_layer_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """And so one of PyTorch's would be, that every model of a framework shares."""
    original = functions.run

    def other(op: Op, inputs: Any, of_op: Any) -> Any:
        found = original(op, inputs, of_op)
        return found * 1.001 if isinstance(op, BatchNorm) and inputs[0].shape[1] == 3 else found

    monkeypatch.setattr(functions, "run", other)
    ((witness, level, failure),) = held(spec("residual"), "torch", "interpreter").failures()
    assert (witness.name, level.level) == ("interpreter", "forward")
    assert failure.layer == "layer2.0.bn1"


def test_alone_it_fits_the_network_and_that_is_all() -> None:
    result = held(spec("residual"), "interpreter")
    assert result.passed
    assert statuses(result) == {
        "interpreter": ["agrees", "not compared", "baseline", "not compared"]
    }
    assert "interpreter alone takes part, so that no numbers are compared" in result.notes
    assert not any("compared at" in note or "were called" in note for note in result.notes)
    assert result.versions.keys() == {"numpy"}


def test_without_a_framework_it_takes_part_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(SMALL, encoding="utf-8")
    for backend in (TorchBackend, KerasBackend):
        monkeypatch.setattr(backend, "requires", ("surely_not_installed",))
    done = netspec_command("verify", small, "--report", small.parent / "c.json")
    assert done.status == 0
    assert done.out.count("takes no part") == 2
    verdict = "small_a: interpreter fits the network, and was held against no other model"
    assert done.out.splitlines()[-1] == verdict
    again = netspec_command("verify", "--certificate", small.parent / "c.json")
    assert "small_a: holds (level training, of one model alone)" in again.out


def test_shapes_are_held_against_what_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    original = functions.run

    def narrower(op: Op, inputs: Any, of_op: Any) -> Any:
        found = original(op, inputs, of_op)
        return found[..., 1:] if op.kind == "max_pool" else found

    monkeypatch.setattr(functions, "run", narrower)
    ((_, level, failure),) = held(spec("preact"), "interpreter").failures()
    assert (level.level, failure.part) == ("shapes", "stem")


def test_an_op_that_it_lacks_is_refused_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from netspec.backends.rows import Unsupported

    monkeypatch.setitem(Interpreter.rows, "gelu", Unsupported("it has no function in NumPy"))  # type: ignore[arg-type]
    with pytest.raises(NetspecError, match="the interpreter backend cannot do this `gelu`"):
        held(spec("ops"), "interpreter")
    for backend in (TorchBackend, KerasBackend):
        monkeypatch.setattr(backend, "requires", ("surely_not_installed",))
    with pytest.raises(UsageError, match=r"nothing to verify with: .*interpreter takes no part"):
        held(spec("ops"))


def test_a_name_that_is_nearly_its_own() -> None:
    with pytest.raises(UsageError, match="no backend is called `interpreted`; did you mean"):
        held(spec("flat"), "interpreted")


def test_its_weights_come_back() -> None:
    network = spec("flat").network
    backend = Interpreter()
    model = backend.build(network)
    weights = {name: array + 1 for name, array in backend.read_weights(model, network).items()}
    backend.write_weights(model, network, weights)
    found = backend.read_weights(model, network)
    assert all(numpy.array_equal(found[name], weights[name]) for name in weights)
    with pytest.raises(ValueError, match=r"fc\.bias"):
        backend.write_weights(model, network, {k: v for k, v in weights.items() if k != "fc.bias"})
    x = numpy.zeros((2, *network.source.shape))
    assert backend.owns(model)
    assert backend.run(model, x)["output"].shape == (2, 5)
