"""Rows of a backend whose answer depends on a number that varies: one answer for each case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from netspec.symbolic import Diverges, Varying, active, only

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Case(Generic[Answer]):
    """``then`` in the instances where ``test`` holds, ``other`` elsewhere."""

    test: Varying
    then: Answer | Case[Answer]
    other: Answer | Case[Answer]


def by_cases(make: Callable[[], Answer]) -> Answer | Case[Answer]:
    """What ``make`` gives; where it asks whether a varying test holds, both answers.

    Raises :class:`Diverges` where it depends on a number in another way.
    """
    try:
        return make()
    except Diverges as divergence:
        test = divergence.test
        chosen = active(len(test.values))
        truths = {test.values[index] for index in chosen}
        if test.node is None or not truths <= {True, False} or len(truths) != 2:
            raise
    with where(test, True):
        then = by_cases(make)
    with where(test, False):
        other = by_cases(make)
    return Case(test, then, other)


@contextmanager
def where(test: Varying, outcome: bool) -> Iterator[None]:
    """Consider only the instances in which ``test`` comes out so."""
    chosen = active(len(test.values))
    with only(frozenset(index for index in chosen if bool(test.values[index]) is outcome)):
        yield
