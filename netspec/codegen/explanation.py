"""Why source is written as it is: what was parted, what became an argument, a helper, a loop, or one for several."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from netspec.codegen.calls import same_call
from netspec.codegen.classes import Classes, SourceClass
from netspec.codegen.helper import Helper
from netspec.codegen.members import Family
from netspec.codegen.stages import INDEX, LOOP_FROM, Run, StageCalls
from netspec.errors import Span
from netspec.ir import Program, Region
from netspec.ir.template import Parameter, Series, Template
from netspec.ir.template.patterns import ROLLED_FROM
from netspec.lang.expression.symbolic import Varying, names_of
from netspec.ops import Op

Kind = Literal["classes", "argument", "helper", "loop", "shared"]


@dataclass(frozen=True)
class Decision:
    """Something that a generator decided.

    Attributes:
        kind: ``classes`` for a block that is several, and for networks, ``argument`` for what a class takes
            and the spec does not name, ``helper`` for stages, ``loop`` for blocks or stages in a row,
            ``shared`` for what stands for several. Helpers and loops also say why they are none.
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
    """What was decided so far for the source of some networks, each once and in order."""

    def __init__(self, networks: Sequence[Program]) -> None:
        self._has_several = len(networks) > 1
        self._found: dict[Decision, None] = {}

    def note(self, kind: Kind, subject: str, reason: str, span: Span | None = None) -> None:
        """Add a decision."""
        self._found[Decision(kind, subject, reason, span)] = None

    def note_schedules(self, template: Template) -> None:
        """Add what blocks of several stages are given one after another."""
        reason = "one formula of how many blocks stand ahead, of which each takes the next number"
        for name in template.schedules:
            self.note("shared", f"`{name}`", reason)

    def note_runs(self, family: Family, stage: str, calls: StageCalls, runs: Sequence[Run]) -> None:
        """Add which blocks of a stage are written as a loop, and which of many in a row are not."""
        for is_loop, group in groupby(runs, lambda run: run.is_loop):
            for part in ([run] for run in group) if is_loop else [[*group]]:
                names = [name for run in part for name in run.names]
                if len(names) >= LOOP_FROM:
                    subject = f"{self._of(family)}`{stage}`, `{names[0]}` to `{names[-1]}`"
                    why = _why_a_loop(part[0]) if is_loop else _why_none(calls, part)
                    self.note("loop", subject, why)

    def note_stages(self, family: Family, helpers: Mapping[Series, Helper], owner: str) -> None:
        """Add the helpers that make the stages of networks, and why others are written out.

        ``owner`` stands ahead of their names.
        """
        template = family.template
        made: dict[Helper, list[str]] = {}
        for part in template.walk():
            if isinstance(part, Region) and part.kind == "stage" and part.blocks:
                series = template.series.get(part.blocks[0])
                if series is not None:
                    made.setdefault(helpers[series], []).append(part.path)
        for helper, paths in made.items():
            reason = f"makes the blocks of {_listed(paths)}"
            reason += ", which follow one pattern" if len(paths) > 1 else ""
            if helper.shared:
                reason += f", and gives all of them the network's {_listed(helper.shared)}"
            self.note("helper", f"{owner}{helper.name}()", reason)
        if len(template.unrolled) + sum(map(len, made.values())) < ROLLED_FROM:
            return  # nobody would look for one
        for why in dict.fromkeys(template.unrolled.values()):
            paths = [path for path, reason in template.unrolled.items() if reason == why]
            subject = f"{self._of(family)}{_listed(paths)}"
            self.note("helper", subject, f"no helper, since {why.what}", why.span)

    def note_stage_loop(
        self, family: Family, stages: Sequence[str], depths: str, lacking: str
    ) -> None:
        """Add that stages in a row are a loop over ``depths``, or what they are ``lacking`` to be one."""
        subject = f"{self._of(family)}`{stages[0]}` to `{stages[-1]}`"
        why = f"a loop over `{depths}`, since between any two the same is done"
        self.note("loop", subject, f"no loop, since {lacking}" if lacking else why)

    def _of(self, family: Family) -> str:
        """Which class is meant, where there are several."""
        return f"{family.name}, " if self._has_several else ""

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

    def all(self, classes: Classes | None, families: Sequence[Family]) -> tuple[Decision, ...]:
        """All of them, those on the classes of blocks and of networks ahead."""
        assert classes is not None  # they are formed before anything is written
        ahead = dict.fromkeys((*_on_classes(classes), *_on_networks(families)))
        return (*ahead, *self._found)


def _listed(names: Iterable[str]) -> str:
    return _together([f"`{name}`" for name in names])


def _together(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _why_none(stage: StageCalls, runs: Sequence[Run]) -> str:
    """What keeps blocks in a row from being a loop."""
    calls = [each for run in runs for each in run.calls]
    kinds = len({id(each.source_class) for each in calls})
    if kinds > 1:
        return f"no loop, since they are of {kinds} kinds"
    first, *others = [each.values for each in calls]
    given = dict.fromkeys(name for each in calls for name in each.values)
    names = [n for n in given if any(not same_call(v.get(n), first.get(n)) for v in others)]
    if not names or any(run.pattern is None for run in runs):
        return "no loop, since their names do not count"
    left = [name for name in names if name not in stage.schedule(0)]
    few = f"no {LOOP_FROM} in a row are equal, or follow the index"
    return f"no loop, since {few}, in {_listed(left or names)}"


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
            yield from _on_parts(made, f"the block `{made[0].definition.name}` is")
        for source_class in made:
            taken = {argument.name for argument in source_class.arguments}
            yield from _on_own(source_class.name, source_class.template, taken)


def _on_networks(families: Sequence[Family]) -> Iterator[Decision]:
    """Which networks are one class, what it takes that the spec does not name, and why there are several."""
    if len(families) > 1:
        yield from _on_parts(families, "the networks are")
    for family in families:
        if not family.is_one:
            members = _listed(member.model_name for member in family.members)
            yield Decision("classes", family.name, f"one for {members}")
            made = {series.channels for series in family.template.series.values()}
            yield from _on_own(family.name, family.template, {*family.template.parameters} - made)


def _on_parts(made: Sequence[SourceClass] | Sequence[Family], what: str) -> Iterator[Decision]:
    """Why there are several classes: each thing that parted instances, with the classes behind it."""
    for reason in dict.fromkeys(reason for each in made for reason in each.template.reasons):
        names = [each.name for each in made if reason in each.template.reasons]
        at = f" at `{reason.place}`" if reason.place else ""
        text = f"{what} {len(made)} of them: {reason.what}{at}"
        yield Decision("classes", _together(names), text, reason.span)


def _on_own(name: str, template: Template, taken: Collection[str]) -> Iterator[Decision]:
    """What a class takes for numbers and ops that differ and that nothing in the spec has a name for."""
    for argument, parameter in template.parameters.items():
        if parameter.qualified is None and argument in taken:
            what, span = _stands_for(template, parameter)
            yield Decision("argument", f"{name}({argument})", what, span)


def _stands_for(template: Template, parameter: Parameter) -> tuple[str, Span | None]:
    path, *part = parameter.place
    if path and part:
        spans = (
            node.span
            for region in template.representatives
            for node in region.nodes
            if node.path == f"{region.path}.{path}".lstrip(".")
        )
        owner = "network" if template.definition is None else "block"
        what = f"`{part[0]}` of `{path}` differs, and the {owner} has no name for it"
        return what, next(spans, None)
    value = parameter.value
    ops = value.values if isinstance(value, Varying) else ()
    kinds = dict.fromkeys(f"`{op.kind}`" for op in ops if isinstance(op, Op))
    if kinds:
        return f"instances have {' or '.join(kinds)} in its place", None
    return "some instances have steps that others lack", None
