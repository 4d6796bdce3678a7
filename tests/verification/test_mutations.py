"""Deliberate mistakes in the lowerings: ``netspec verify`` finds each at its level and part."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.verification.mutations import MUTATIONS, Mutation
from tests.verification.support import examine

pytest.importorskip("keras")


def test_there_are_enough_and_every_level_is_among_them() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)
    counts = Counter(mutation.level for mutation in MUTATIONS)
    assert counts.total() >= 25
    assert counts.keys() == {"shapes", "start", "forward", "training"}


@pytest.mark.parametrize("name", ["residual", "preact", "ops", "flat"])
def test_without_a_mistake_all_models_agree(name: str) -> None:
    result = examine(name)
    assert [failure.message for _, _, failure in result.failures()] == []
    assert len(result.witnesses) == 4


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name.replace(" ", "-"))
def test_is_found(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation.apply(monkeypatch)
    result = examine(mutation.spec, mutation.witness)
    ((witness, level, failure),) = result.failures()
    assert witness.name == mutation.witness
    assert (level.level, failure.part) == (mutation.level, mutation.part), failure.message
    assert failure.span is not None
    assert failure.span.file == f"{mutation.spec}.yaml"
    if mutation.quantity:
        assert level.measures[-1].quantity == mutation.quantity
        assert all(measure.passed for measure in level.measures[:-1])
