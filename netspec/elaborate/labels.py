"""Counts the layers that steps will name, before they are expanded: a lone label takes no number."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

from netspec.elaborate.arguments import evaluate_argument
from netspec.elaborate.lookup import Lookup
from netspec.elaborate.scope import ROLES, BlockValue, Environment, StepsValue
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

MERGE_LABELS: Mapping[str, str] = {"add": "add", "mul": "mul", "concat": "cat"}


class LabelCounter:
    """Counts labels over steps, looking through roles, slots and inline blocks."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def count(self, steps: tuple[Step, ...], environment: Environment) -> Counter[str]:
        """How many layers of each label these steps name automatically, both branches of `when` seen."""
        total: Counter[str] = Counter()
        for step in steps:
            total += self._step(step, environment)
        return total

    def _step(self, step: Step, environment: Environment) -> Counter[str]:
        action = step.action
        own = Counter[str]()
        if len(step.inputs) > 1:
            own["join"] += 1
        match action:
            case OpAction():
                return own + (Counter() if step.name else Counter([OPS[action.kind].label]))
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
            case RepeatAction():
                body = self.count(action.body, environment)
                return own + body + body  # several, however many: that is all a name depends on
            case WhenAction():
                then = self.count(action.then, environment)
                return own + (then | self.count(action.other, environment))
            case SequenceAction():
                return own if step.name else own + self.count(action.steps, environment)
            case CallAction():
                return own + self._call(step, action, environment)
            case PassAction():
                return own

    def _call(self, step: Step, action: CallAction, environment: Environment) -> Counter[str]:
        value = environment.get(action.target)
        if isinstance(value, StepsValue):
            written_in = environment if value.environment is None else value.environment
            return self.count(value.steps, written_in)
        if isinstance(value, BlockValue):
            definition = value.definition
        elif action.target in ROLES:
            role = self._lookup.role(action.target)
            return self._step(dataclasses.replace(role, name=step.name), self._lookup.environment)
        else:
            definition = self._lookup.find_block(action.target, step.span)
        if not definition.inline:
            return Counter() if step.name else Counter([definition.label])
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
