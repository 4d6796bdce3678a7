"""Rows of a backend whose answer depends on a number that varies: one answer for each case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from netspec.codegen.calls import Call, call_at, same_call
from netspec.ir import Node
from netspec.ir.template import Guard
from netspec.lang.expression.symbolic import Diverges, Varying, active, kept_undecided, only, same

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Case(Generic[Answer]):
    """``then`` in the instances where ``test`` holds, ``other`` elsewhere."""

    test: Varying
    then: Answer | Case[Answer]
    other: Answer | Case[Answer]


class DecidedByKept(Exception):
    """An argument that stays one decides what a backend makes of an op."""

    def __init__(self, guard: Guard) -> None:
        super().__init__(guard)
        self.guard = guard


def by_cases(make: Callable[[Node], Answer], node: Node) -> Answer | Case[Answer]:
    """What ``make`` gives for an op; where it asks whether a varying test holds, both answers, unless one will do.

    Raises:
        Diverges: it depends on a number in another way.
        DecidedByKept: the number is an argument of generated functions.
    """
    try:
        with kept_undecided():
            return make(node)
    except Diverges as divergence:
        test = divergence.test
        if test.kept:
            what = f"what `{node.op.kind}` becomes"
            raise DecidedByKept(Guard(what, node.path, node.span)) from None
        chosen = active(len(test.values))
        truths = {test.values[index] for index in chosen}
        if test.node is None or not truths <= {True, False} or len(truths) != 2:
            raise
    with where(test, True):
        then = by_cases(make, node)
    with where(test, False):
        other = by_cases(make, node)
    if _same_answer(then, other):
        return then
    known = active(len(test.values))
    for found, left, outcome in ((other, then, True), (then, other, False)):
        asked = [index for index in known if bool(test.values[index]) is outcome]
        if all(_comes_to(_at(found, index), _at(left, index)) for index in asked):
            return found
    return Case(test, then, other)


def answers(found: Answer | Case[Answer]) -> Iterator[Answer]:
    """The answers of all cases."""
    if isinstance(found, Case):
        yield from answers(found.then)
        yield from answers(found.other)
    else:
        yield found


def _same_answer(one: Any, other: Any) -> bool:
    """Whether two answers are one, so that nobody has to ask."""
    if isinstance(one, Case) and isinstance(other, Case):
        alike = same(one.test, other.test)
        return alike and _same_answer(one.then, other.then) and _same_answer(one.other, other.other)
    return same_call(one, other)


def _at(found: Any, index: int) -> Any:
    """The answer of all cases in one instance."""
    while isinstance(found, Case):
        found = found.then if found.test.values[index] else found.other
    return call_at(found, index)


def _comes_to(one: Any, other: Any) -> bool:
    """Whether a call says in an instance what another does, all of whose numbers are known."""
    return isinstance(one, Call) and isinstance(other, Call) and same_call(one, other)


@contextmanager
def where(test: Varying, outcome: bool) -> Iterator[None]:
    """Consider only the instances in which ``test`` comes out so."""
    chosen = active(len(test.values))
    with only(frozenset(index for index in chosen if bool(test.values[index]) is outcome)):
        yield
