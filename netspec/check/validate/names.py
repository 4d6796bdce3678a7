"""Names in a block that hold nowhere, found without a network around the block.

Expanding a block finds what is wrong with it at some arguments; this finds what is wrong at any, in
blocks that nobody calls and in branches that nobody takes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from netspec.check.validate.problems import Problems
from netspec.elaborate.arguments import unknown_argument
from netspec.elaborate.combinators import named_result
from netspec.elaborate.lookup import Lookup
from netspec.elaborate.scope import PLACE_NAMES, ROLES
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.unknown import UNKNOWN
from netspec.lang.schema.fields import AxesValue, InitValue, PaddingValue, Word
from netspec.lang.schema.syntax import (
    AttributeValue,
    BlockDefinition,
    CallAction,
    OpAction,
    RepeatAction,
    ResidualAction,
    Step,
    WhenAction,
)

Names = Mapping[str, Any]


def check_block_names(
    definition: BlockDefinition,
    lookup: Lookup,
    problems: Problems,
    unknown: Iterable[str] = (),
) -> None:
    """Add to ``problems`` what no arguments can make right in a block.

    ``unknown`` are further words that may stand for anything: what was there is cut out.
    """
    names = dict.fromkeys((*definition.params, *unknown), UNKNOWN)
    for name, value in definition.let.items():
        seen = {**names, "in_channels": UNKNOWN, "in_size": UNKNOWN}
        with problems.attempt():
            value.check_names(seen)
        names[name] = UNKNOWN
    names |= dict.fromkeys(PLACE_NAMES, UNKNOWN)
    walker = _Walker(lookup, problems)
    walker.steps(definition.body, names)
    known = dict.fromkeys((*definition.inputs, *walker.results), UNKNOWN)
    for name, place in definition.results.items():
        with problems.attempt():
            named_result(name, known, place)


class _Walker:
    def __init__(self, lookup: Lookup, problems: Problems) -> None:
        self._lookup = lookup
        self._problems = problems
        self.results: list[str] = []

    def _attempt(self) -> AbstractContextManager[Any]:
        return self._problems.attempt()

    def steps(self, steps: Iterable[Step], names: Names) -> None:
        for step in steps:
            self._step(step, names)

    def _step(self, step: Step, names: Names) -> None:
        self.results += (step.result,) if step.result else step.results
        match step.action:
            case OpAction(attributes=attributes):
                for value in attributes.values():
                    for expression in _expressions(value):
                        with self._attempt():
                            expression.check_names(names)
            case CallAction() as action:
                with self._attempt():
                    self._call(action, step, names)
            case RepeatAction(times, index):
                with self._attempt():
                    times.check_names(names)
                names = {**names, index: UNKNOWN}
            case WhenAction(test) | ResidualAction(test=Expression() as test):
                with self._attempt():
                    test.check_names(names)
        for steps in step.inner:
            self.steps(steps, names)

    def _call(self, action: CallAction, step: Step, names: Names) -> None:
        if action.target in names or action.target in ROLES:
            return
        definition = self._lookup.find_step(action.target, names, step.span)
        for name, argument in action.arguments.items():
            if name not in definition.params:
                what = f"block `{definition.name}`"
                raise unknown_argument(what, name, argument.key_span, definition.params)


def _expressions(value: AttributeValue) -> Iterator[Expression]:
    match value:
        case Expression():
            yield value
        case AxesValue(items):
            yield from items
        case InitValue(numbers=numbers):
            yield from numbers
        case PaddingValue(pads=pads):
            for pad in pads:
                yield from pad.items
        case Word():
            pass
