"""Counts the layers that steps will name, before they are expanded: a lone label takes no number."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from netspec.codegen.second.arguments import evaluate_argument
from netspec.codegen.second.lookup import Lookup
from netspec.codegen.second.scope import ROLES, BlockValue, Environment, StepsValue
from netspec.ops import OPS
from netspec.schema.syntax import (
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
from netspec.unknown import require_known

MERGE_LABELS: Mapping[str, str] = {"add": "add", "mul": "mul", "concat": "cat"}


# Where steps go deeper or are more than this, expanding them fails, and their names do not matter.
_MAX_DEPTH = 64
_MAX_STEPS = 200_000


def count_labels(lookup: Lookup, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
    """How many layers of each label ``steps`` name automatically, both branches of `when` seen.

    Looks through roles, slots and inline blocks.
    """
    return _Counting(lookup).count(steps, environment)


class _Counting:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._depth = 0
        self._seen = 0

    def count(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        total: Counter[str] = Counter()
        self._seen += len(steps)
        if self._depth == _MAX_DEPTH or self._seen > _MAX_STEPS:
            return total
        self._depth += 1
        for step in steps:
            with self._lookup.overlooking():
                total += self._step(step, environment)
        self._depth -= 1
        return total

    def _step(self, step: Step, environment: Environment) -> Counter[str]:
        action = step.action
        own: Counter[str] = Counter()
        if len(step.inputs) > 1:
            own["join"] += not (isinstance(action, PassAction) and step.name)
        match action:
            case OpAction():
                if step.name is None:
                    own[OPS[action.kind].label] += 1
                return own
            case ResidualAction():
                own["add"] += step.name is None
                return own + self.count((*action.body, *action.shortcut), environment)
            case GateAction():
                own["mul"] += step.name is None
                return own + self.count(action.body, environment)
            case ConcatAction():
                own["cat"] += step.name is None
                return own + self.count(action.body, environment)
            case BranchesAction():
                own[MERGE_LABELS[action.merge]] += step.name is None
                for path in action.paths.values():
                    own += self.count(path, environment)
                return own
            case RepeatAction() | WhenAction() | SequenceAction() if step.name:
                return own  # a container of its own, whose children carry indices
            case RepeatAction():
                body = self.count(action.body, environment)
                return own + body + body  # several, however many: that is all a name depends on
            case WhenAction():
                then = self.count(action.then, environment)
                return own + (then | self.count(action.other, environment))
            case SequenceAction():
                return own + self.count(action.steps, environment)
            case CallAction():
                return own + self._call(step, action, environment)
            case PassAction():
                return own

    def _call(self, step: Step, action: CallAction, environment: Environment) -> Counter[str]:
        value = require_known(environment.get(action.target))
        if isinstance(value, StepsValue):
            written_in = environment if value.environment is None else value.environment
            return Counter() if step.name else self.count(value.steps, written_in)
        if isinstance(value, BlockValue):
            definition = value.definition
        elif action.target in ROLES:
            role = dataclasses.replace(self._lookup.role(action.target), name=step.name)
            return self.count((role,), self._lookup.environment)
        else:
            found = self._lookup.look_up(action.target, step.span)
            if found is None:
                return Counter()  # what that is will be said where the step is expanded
            definition = found
        if step.name:
            return Counter()
        if not definition.inline:
            return Counter([definition.label])
        return self.count(definition.body, self._static_arguments(definition, action, environment))

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
                    result[param.name] = evaluate_argument(
                        param, argument, scope, self._lookup.find_block
                    )
        return result
