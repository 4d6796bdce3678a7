"""A decision at compile time: one branch, or both where instances of a block differ."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

from netspec.codegen.second import tree
from netspec.codegen.second.scope import Scope
from netspec.symbolic import Diverges, Varying, active, merge, only, vary
from netspec.types import TensorType


def choose(
    test: Any,
    then: Callable[[], tree.Sequence],
    other: Callable[[], tree.Sequence],
    then_width: Counter[str],
    other_width: Counter[str],
    scope: Scope,
) -> tree.Node:
    """One branch, or both under a :class:`tree.Choice` where the test goes both ways."""
    width = then_width | other_width
    try:
        taken = bool(test)
    except Diverges:
        if test.node is None:
            raise
    else:
        with scope.names.alternative(width):
            return then() if taken else other()
    chosen = active(len(test.values))
    true = frozenset(i for i in chosen if test.values[i])
    counts, position = Counter(scope.names.counts), scope.names.position
    results = dict(scope.results)
    with scope.names.alternative(width):
        with only(true):
            first = then()
        taken_first = dict(scope.results)
        scope.names.counts, scope.names.position = Counter(counts), position
        scope.results.clear()
        scope.results.update(results)
        with only(chosen - true):
            second = other()
    for name, tap in taken_first.items():
        known = scope.results.setdefault(name, tap)
        if known is not tap:  # named in both branches
            target = _merged_type(test, tap.target, known.target)
            scope.results[name] = dataclasses.replace(known, target=target)
    return tree.Choice(
        source=first.source,
        target=_merged_type(test, first.target, second.target),
        test=test,
        then=first,
        other=second,
        span=first.span,
    )


def _merged_type(test: Varying, then: TensorType, other: TensorType) -> TensorType:
    """The type behind a choice: `then`'s where the test holds, `other`'s elsewhere."""
    if then.rank != other.rank:
        raise Diverges(vary(None, [bool(value) for value in test.values]))
    size = tuple(merge(test, a, b) for a, b in zip(then.size, other.size, strict=True))
    channels = merge(test, then.channels, other.channels)
    return TensorType(channels, size, then.non_negative and other.non_negative)
