"""Whole verifications: levels, precision, notes, and where failures are said to be."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.api import CompiledNetwork
from netspec.backends.keras import KerasBackend, plan
from netspec.backends.torch import TorchBackend
from netspec.errors import UsageError
from netspec.ir import Program
from netspec.verification import samples
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from netspec.verification.samples import random_input
from tests.support.everything import everything
from tests.verification.mutations import MUTATIONS
from tests.verification.specs import spec
from tests.verification.support import examine

pytest.importorskip("keras")

MODELS = ["torch live", "torch generated", "keras live", "keras generated"]


def verified(compiled: CompiledNetwork, options: Options | None = None) -> NetworkResult:
    return verify(compiled.compilation, options or Options(), Origin("test.yaml"))


def messages(result: NetworkResult) -> list[str]:
    return [failure.message for _, _, failure in result.failures()]


def mutate(name: str, patch: pytest.MonkeyPatch) -> None:
    next(mutation for mutation in MUTATIONS if mutation.name == name).apply(patch)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_op_and_combinator_in_every_rank(rank: int) -> None:
    result = verified(everything(rank))
    assert messages(result) == []
    assert [witness.name for witness in result.witnesses] == MODELS
    assert result.dtype == ("float32" if rank == 3 else "float64")
    assert any("float32" in note for note in result.notes) == (rank == 3)
    assert any("drop rates at zero" in note for note in result.notes)


def test_all_that_is_compared_is_compared() -> None:
    result = examine("residual")
    parts = {"stem", "layer1", "layer2", "head"}
    for witness in result.witnesses[1:]:
        found = {(m.quantity, m.part) for level in witness.levels for m in level.measures}
        for quantity in ("output", "training output", "weight gradient", "input gradient"):
            assert {part for q, part in found if q == quantity} == parts, quantity
        assert {part for q, part in found if q == "stepped weights"} == parts
        assert {part for q, part in found if q == "statistics"} == parts - {"head"}
    statuses = [level.status for level in result.witnesses[0].levels]
    assert statuses == ["agrees", "agrees", "baseline", "baseline"]


def test_bounds_leave_little_room() -> None:
    """What is measured on a small network lies far below what is allowed: the bounds are for depth."""
    for witness in examine("residual").witnesses:
        for level in witness.levels:
            for measure in level.measures:
                assert measure.relative <= 1e-12, measure


def test_a_network_in_sub_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "FLAT_LIMIT", 5)
    result = examine("residual")
    assert messages(result) == []
    assert not any("cannot be seen" in note for note in result.notes)
    parts = {m.part for level in result.witnesses[2].levels for m in level.measures}
    assert parts == {"stem", "layer1", "layer2", "head"}


def test_the_level_is_the_last_that_runs() -> None:
    for last, count in (("shapes", 1), ("start", 2), ("forward", 3), ("training", 4)):
        result = examine("flat", "keras live", last)
        assert [len(witness.levels) for witness in result.witnesses] == [count, count]


def test_levels_behind_a_failure_do_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    mutate("GELU by tanh", monkeypatch)
    result = examine("ops")
    statuses = {w.name: [level.status for level in w.levels] for w in result.witnesses}
    assert statuses["torch generated"] == ["agrees"] * 4
    assert statuses["keras live"] == ["agrees", "agrees", "differs", "not run"]
    assert statuses["keras generated"] == ["agrees", "agrees", "differs", "not run"]


def test_the_first_layer_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    mutate("GELU by tanh", monkeypatch)
    ((_, _, failure),) = examine("ops", "keras live").failures()
    assert failure.layer == "layer1.0.gelu"
    assert "`layer1.0.gelu` (gelu) is the first layer that differs" in failure.message
    assert failure.span is not None
    assert failure.layer_span is not None
    assert failure.layer_span.line == failure.span.line
    assert failure.layer_span.column > failure.span.column


def test_wiring_is_told_from_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    mutate("body added twice, no shortcut", monkeypatch)
    ((_, _, failure),) = examine("residual", "keras live").failures()
    assert failure.layer == "layer1.0.relu2"
    assert "what stands ahead is wired differently" in failure.message
    assert failure.layer_span is not None
    assert failure.layer_span.file.endswith("basic.yaml")


def test_who_cannot_be_the_baseline_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    mutate("layer called otherwise", monkeypatch)
    result = examine("residual")
    statuses = {w.name: [level.status for level in w.levels] for w in result.witnesses}
    assert statuses["torch live"] == ["differs", *["not run"] * 3]
    assert statuses["torch generated"] == ["agrees", "agrees", "baseline", "baseline"]
    assert statuses["keras live"] == ["agrees"] * 4


def test_a_model_that_raises_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(self: object, network: object, size: object = None) -> object:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(KerasBackend, "build", build)
    result = examine("flat")
    assert messages(result) == ["RuntimeError: no such layer"]
    ((witness, level, _),) = result.failures()
    assert (witness.name, level.level) == ("keras live", "shapes")


def test_numbers_that_are_not_finite_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(network: Program, seed: int, dtype: str) -> Any:
        x = random_input(network, seed, dtype)
        x[0] = float("nan")
        return x

    monkeypatch.setattr(samples, "random_input", broken)
    result = examine("flat", "keras live")
    assert messages(result) == ["`output` is not finite"] * 2


def test_source_that_does_not_import_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        TorchBackend,
        "generate",
        lambda self, program, origin, line_length: "import torch\nraise 1 +",
    )
    result = examine("flat", "torch generated")
    assert messages(result)[0].startswith("SyntaxError")


def test_one_framework_alone() -> None:
    for backend in ("torch", "keras"):
        result = verified(spec("flat"), Options(backends=(backend,)))
        assert [w.name for w in result.witnesses] == [f"{backend} live", f"{backend} generated"]
        assert result.passed
    with pytest.raises(UsageError, match="no backend is called `torhc`"):
        verified(spec("flat"), Options(backends=("torhc",)))


def test_a_missing_framework_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KerasBackend, "requires", ("surely_not_installed",))
    result = verified(spec("flat"))
    assert [w.name for w in result.witnesses] == ["torch live", "torch generated"]
    assert any("surely_not_installed" in note for note in result.notes)


def test_the_same_run_gives_the_same_numbers() -> None:
    one, other = (examine("flat", "keras live") for _ in range(2))
    assert [w.levels[1].measures for w in one.witnesses] == [
        w.levels[1].measures for w in other.witnesses
    ]
