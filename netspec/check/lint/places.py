"""Where a lint points: into a file of the user's, at the value that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netspec.errors import Span
from netspec.lang.library import BUILT_IN
from netspec.lang.schema.fields import place_of
from netspec.lang.schema.syntax import (
    BlockDefinition,
    BranchesAction,
    ConcatAction,
    GateAction,
    OpAction,
    RepeatAction,
    ResidualAction,
    SequenceAction,
    Spec,
    Step,
    WhenAction,
)


class Places:
    """The places of the steps and defaults of a spec and of the blocks that it uses."""

    def __init__(self, spec: Spec, definitions: Iterable[BlockDefinition]) -> None:
        self._defaults = spec.defaults
        self._steps: dict[Span, Step] = {}
        between = [step for stage in spec.stages for step in stage.between]
        bodies = [step for definition in definitions for step in definition.body]
        roles = spec.defaults.roles.values()
        for step in _all_steps((*spec.stem, *spec.head, *between, *bodies, *roles)):
            self._steps[step.span] = step

    @staticmethod
    def is_own(span: Span | None) -> bool:
        """Whether a place is in a file of the user's: not in a block that comes with netspec."""
        return span is not None and not span.file.startswith(BUILT_IN)

    def step(self, span: Span | None, site: Span | None) -> Span | None:
        """The place of a step, or of ``site`` around it where the step is none of the user's."""
        return span if self.is_own(span) else site

    def attribute(self, span: Span | None, name: str, site: Span | None) -> Span | None:
        """Where the attribute ``name`` of the op step at ``span`` is given: there or in `defaults`."""
        step = self._steps.get(span) if span else None
        if step is not None and isinstance(step.action, OpAction):
            if name in step.action.attributes:
                return self.step(step.action.spans.find((name,)), site)
            default = self._defaults.attributes.get(step.action.kind, {}).get(name)
            if default is not None:
                return place_of(default) or self.step(span, site)
        return self.step(span, site)


def _all_steps(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps and those inside their combinators."""
    waiting = list(steps)
    while waiting:
        step = waiting.pop()
        yield step
        match step.action:
            case ResidualAction(body, shortcut):
                waiting += (*body, *shortcut)
            case GateAction(body) | ConcatAction(body) | SequenceAction(body):
                waiting += body
            case RepeatAction(body=body):
                waiting += body
            case WhenAction(then=then, other=other):
                waiting += (*then, *other)
            case BranchesAction(paths):
                waiting += [step for path in paths.values() for step in path]
