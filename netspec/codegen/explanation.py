"""Why source is written as it is: what was parted, what became an argument, a loop, or one thing for several."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from netspec.codegen.classes import Classes, SourceClass
from netspec.codegen.stages import INDEX, Run
from netspec.errors import Span
from netspec.ir.template import Parameter, Template
from netspec.lang.expression.symbolic import Varying, names_of
from netspec.ops import Op

Kind = Literal["classes", "argument", "loop", "shared"]


@dataclass(frozen=True)
class Decision:
    """Something that a generator decided.

    Attributes:
        kind: ``classes`` for a block that is several, ``argument`` for what a class takes and the spec does
            not name, ``loop`` for blocks in a row, ``shared`` for what stands for several.
        subject: what it is about, as source calls it.
        reason: why, in words.
        span: where in the spec; None where that is no single place.
    """

    kind: Kind
    subject: str
    reason: str
    span: Span | None = None

    def __str__(self) -> str:
        place = f" ({self.span})" if self.span is not None else ""
        return f"{self.subject}: {self.reason}{place}"


class Decisions:
    """What was decided so far, each once and in order."""

    def __init__(self) -> None:
        self._found: dict[Decision, None] = {}

    def note(self, kind: Kind, subject: str, reason: str, span: Span | None = None) -> None:
        """Add a decision."""
        self._found[Decision(kind, subject, reason, span)] = None

    def note_schedules(self, template: Template) -> None:
        """Add what blocks of several stages are given one after another."""
        reason = "one formula of how many blocks stand ahead, of which each takes the next number"
        for name in template.schedules:
            self.note("shared", f"`{name}`", reason)

    def note_runs(self, stage: str, runs: Sequence[Run]) -> None:
        """Add which blocks of a stage are written as a loop."""
        for run in runs:
            if run.is_loop:
                subject = f"`{stage}`, `{run.names[0]}` to `{run.names[-1]}`"
                self.note("loop", subject, _why_a_loop(run))

    def note_modules(self, name: str, shared: Mapping[str, Sequence[str]]) -> None:
        """Add which layers of a class are one module: their paths by its attribute."""
        for attribute, paths in shared.items():
            if len(paths) > 1:
                listed = ", ".join(f"`{path}`" for path in paths)
                reason = (
                    f"one module for {listed}, which hold nothing and have no names of their own"
                )
                self.note("shared", f"{name}.{attribute}", reason)

    def note_functions(self, before: Sequence[ast.stmt], after: Sequence[ast.stmt]) -> None:
        """Add the functions that passes made of what several places said."""
        known = {node.name for node in before if isinstance(node, ast.FunctionDef)}
        called = [node for each in after for node in ast.walk(each) if isinstance(node, ast.Name)]
        counts = Counter(node.id for node in called)
        for made in after:
            if isinstance(made, ast.FunctionDef) and made.name not in known:
                reason = f"one for the {counts[made.name]} places that say the same"
                self.note("shared", f"{made.name}()", reason)

    def all(self, classes: Classes | None) -> tuple[Decision, ...]:
        """All of them, those on the classes ahead."""
        assert classes is not None  # they are formed before anything is written
        return (*dict.fromkeys(_on_classes(classes)), *self._found)


def _why_a_loop(run: Run) -> str:
    count = len(run.names)
    if not run.is_scheduled:
        return f"a loop, since the {count} calls are equal"
    given = [f"`{n}`" for n, value in run.call.values.items() if INDEX in names_of(value)]
    verb = "follow" if len(given) > 1 else "follows"
    return f"a loop, since in the {count} calls {' and '.join(given)} {verb} the index"


def _on_classes(classes: Classes) -> Iterator[Decision]:
    for _, group in groupby(classes.all, lambda each: id(each.definition)):
        made = [*group]
        if len(made) > 1:
            yield from _on_parts(made)
        for source_class in made:
            yield from _on_arguments(source_class)


def _on_parts(made: Sequence[SourceClass]) -> Iterator[Decision]:
    """Why a block is several classes: each thing that parted its instances, with the classes behind it."""
    block = made[0].definition.name
    for reason in dict.fromkeys(reason for each in made for reason in each.template.reasons):
        names = [each.name for each in made if reason in each.template.reasons]
        at = f" at `{reason.place}`" if reason.place else ""
        text = f"the block `{block}` is {len(made)} of them: {reason.what}{at}"
        yield Decision("classes", " and ".join(names), text, reason.span)


def _on_arguments(source_class: SourceClass) -> Iterator[Decision]:
    """What a class takes for numbers and ops that differ and that the block has no name for."""
    template = source_class.template
    taken = {argument.name for argument in source_class.arguments}
    for name, parameter in template.parameters.items():
        if parameter.qualified is None and name in taken:
            what, span = _stands_for(template, parameter)
            yield Decision("argument", f"{source_class.name}({name})", what, span)


def _stands_for(template: Template, parameter: Parameter) -> tuple[str, Span | None]:
    path, *part = parameter.place
    if path and part:
        spans = (
            node.span
            for region in template.representatives
            for node in region.nodes
            if node.path == f"{region.path}.{path}"
        )
        what = f"`{part[0]}` of `{path}` differs, and the block has no name for it"
        return what, next(spans, None)
    value = parameter.value
    ops = value.values if isinstance(value, Varying) else ()
    kinds = dict.fromkeys(f"`{op.kind}`" for op in ops if isinstance(op, Op))
    if kinds:
        return f"instances have {' or '.join(kinds)} in its place", None
    return "some instances have steps that others lack", None
