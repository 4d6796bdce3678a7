"""Counts the layers that steps will name, before they are expanded: a lone label takes no number."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from netspec.elaborate.arguments import evaluate_argument
from netspec.elaborate.lookup import Lookup
from netspec.elaborate.scope import ROLES, BlockValue, Environment, StepsValue
from netspec.lang.expression.unknown import require_known
from netspec.lang.schema.syntax import (
    BlockDefinition,
    BranchesAction,
    CallAction,
    ConcatAction,
    GateAction,
    OpAction,
    PassAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Step,
    WhenAction,
)
from netspec.ops import OPS

MERGE_LABELS: Mapping[str, str] = {"add": "add", "mul": "mul", "concat": "cat"}


# Where steps go deeper or are more than this, expanding them fails, and their names do not matter.
_MAX_DEPTH = 64
_MAX_STEPS = 200_000


def count_labels(lookup: Lookup, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
    """How many layers of each label ``steps`` name automatically, both branches of `when` seen.

    Looks through roles, slots and inline blocks.
    """
    counting = _Counting(lookup)
    counting.add(steps, environment)
    return counting.total


class _Counting:
    def __init__(self, lookup: Lookup) -> None:
        self.total: Counter[str] = Counter()
        self._lookup = lookup
        self._depth = 0
        self._seen = 0

    def _count(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        """The labels of ``steps`` alone."""
        before, self.total = self.total, Counter()
        self.add(steps, environment)
        found, self.total = self.total, before
        return found

    def add(self, steps: tuple[Step, ...], environment: Environment) -> None:
        """Add the labels of ``steps`` to the total."""
        self._seen += len(steps)
        if self._depth == _MAX_DEPTH or self._seen > _MAX_STEPS:
            return
        self._depth += 1
        for step in steps:
            with self._lookup.overlooking():
                self._step(step, environment)
        self._depth -= 1

    def _step(self, step: Step, environment: Environment) -> None:
        action = step.action
        if len(step.inputs) > 1:
            self.total["join"] += not (isinstance(action, PassAction) and step.name)
        is_unnamed = step.name is None
        match action:
            case OpAction():
                self.total[OPS[action.kind].label] += is_unnamed
            case ResidualAction():
                self.total["add"] += is_unnamed
                self.add((*action.body, *action.shortcut), environment)
            case GateAction():
                self.total["mul"] += is_unnamed
                self.add(action.body, environment)
            case ConcatAction():
                self.total["cat"] += is_unnamed
                self.add(action.body, environment)
            case BranchesAction():
                self.total[MERGE_LABELS[action.merge]] += is_unnamed
                for path in action.paths.values():
                    self.add(path, environment)
            case RepeatAction() | WhenAction() | SequenceAction() if step.name:
                pass  # a container of its own, whose children carry indices
            case RepeatAction():
                # Several, however many: that is all a name depends on.
                body = self._count(action.body, environment)
                self.total += body + body
            case WhenAction():
                then = self._count(action.then, environment)
                self.total += then | self._count(action.other, environment)
            case SequenceAction():
                self.add(action.steps, environment)
            case CallAction():
                self._call(step, action, environment)

    def _call(self, step: Step, action: CallAction, environment: Environment) -> None:
        value = require_known(environment.get(action.target))
        if isinstance(value, StepsValue):
            if not step.name:
                written_in = environment if value.environment is None else value.environment
                self.add(value.steps, written_in)
            return
        if isinstance(value, BlockValue):
            definition = value.definition
        elif action.target in ROLES:
            role = dataclasses.replace(self._lookup.role(action.target), name=step.name)
            self.add((role,), self._lookup.environment)
            return
        else:
            found = self._lookup.look_up(action.target, step.span)
            if found is None:
                return  # what that is will be said where the step is expanded
            definition = found
        if step.name:
            return
        if definition.inline:
            arguments = self._static_arguments(definition, action, environment)
            self.add(definition.body, arguments)
        else:
            self.total[definition.label] += 1

    def _static_arguments(
        self, definition: BlockDefinition, action: CallAction, environment: Environment
    ) -> Environment:
        """The slots and blocks that a call passes: all that names depend on."""
        result: dict[str, Any] = {}
        for param in definition.params.values():
            if param.type in ("steps", "block"):
                given = action.arguments.get(param.name)
                scope = environment if given else result
                argument = given or param.default
                if argument is not None:
                    result[param.name] = evaluate_argument(param, argument, scope, self._lookup)
        return result
