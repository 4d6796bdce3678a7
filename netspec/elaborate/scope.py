"""What names mean while a block is expanded: values, slots, blocks, and the names of layers."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from netspec.errors import Span, fail
from netspec.ir import Value
from netspec.ir.definition import BlockName, Slot
from netspec.ir.formula import NETWORK_SCOPE, Formula, Indices, no_indices, qualify
from netspec.ir.names import stem_of
from netspec.ir.program import Decided
from netspec.lang.expression.arithmetic import FUNCTIONS, NOT_RESERVED
from netspec.lang.expression.expr import CONSTANT_NAMES
from netspec.lang.expression.expr import parse as parse_expression
from netspec.lang.schema.models import COMBINATORS
from netspec.lang.schema.syntax import BlockDefinition, Step
from netspec.ops import OPS
from netspec.ops.types import TensorType
from netspec.ops.words import ROLES as ROLES

Environment = Mapping[str, Any]

PLACE_NAMES = ("channels", "size", "in_channels", "in_size")
STAGE_NAMES = ("stage", "index", "count", "running_index", "total")
RESERVED = frozenset(
    {*PLACE_NAMES, *STAGE_NAMES, *FUNCTIONS, *CONSTANT_NAMES, "x", "name"} - NOT_RESERVED
)

_CHILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True, eq=False)
class StepsValue:
    """A list of steps passed as an argument, with the names of whoever wrote it.

    ``environment`` is None for a default, which sees the names of the block that declares it.
    ``calls`` are the blocks on the way to whoever wrote the steps; None where nobody has said so, which
    means none. ``label`` and ``indices`` are the writer's, as in :class:`Scope`.
    """

    steps: tuple[Step, ...]
    environment: Environment | None
    raw: Any
    calls: tuple[tuple[str, Span], ...] | None = None
    label: str = NETWORK_SCOPE
    indices: Indices = field(default_factory=no_indices)


@dataclass(frozen=True, eq=False)
class BlockValue:
    """A block passed as an argument."""

    definition: BlockDefinition


def given(arguments: Environment) -> dict[str, Any]:
    """Arguments as the program has them: of steps and blocks, what does not hang on the text."""
    return {name: _given(value) for name, value in arguments.items()}


def _given(value: Any) -> Any:
    match value:
        case StepsValue(steps=steps, raw=raw):
            return Slot(bool(steps), raw)
        case BlockValue(definition=definition):
            return BlockName(definition.name)
    return value


class Names:
    """Gives the layers of one naming scope their names, counted by label in order of definition."""

    def __init__(self, prefix: str, totals: Counter[str], indexed: bool = False) -> None:
        self.prefix = prefix
        self.totals = totals
        self.indexed = indexed
        self.counts: Counter[str] = Counter()
        self.position = 0

    def join(self, name: str) -> str:
        """The path of a child called ``name``."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def automatic(self, label: str, numbered: bool) -> str:
        """The next name of a label: ``conv1``; without a number where there is but one."""
        if self.indexed:
            self.position += 1
            return self.join(str(self.position - 1))
        self.counts[label] += 1
        if numbered or self.totals[label] > 1:
            return self.join(f"{stem_of(label)}{self.counts[label]}")
        return self.join(label)

    def explicit(self, name: str, span: Span | None) -> str:
        """The path of a child whose name the spec gives; it still takes its index, if there are any."""
        self.position += 1
        for part in name.split("."):
            if not _CHILD.match(part):
                message = f"`{name}` cannot name a layer: `{part}` is not a word"
                hint = "letters, digits, `_` and `-`, not starting with `_`; dots nest names"
                raise fail("NS221", message, span, help=hint)
        return self.join(name)

    @contextmanager
    def alternative(self, width: Counter[str], steps: int) -> Iterator[None]:
        """A branch that may not be taken: names after it do not depend on which one was.

        ``width`` counts what all branches name by label, ``steps`` is how many steps the longest has. What
        is not taken has an index all the same.
        """
        before, position = Counter(self.counts), self.position
        yield
        for label in {*self.counts, *width}:
            self.counts[label] = max(self.counts[label], before[label] + width[label])
        if self.indexed:
            self.position = max(self.position, position + max(steps, 1))


@dataclass
class Scope:
    """One block being expanded.

    Attributes:
        environment: what names in expressions mean, apart from `channels` and `size`.
        names: the naming scope.
        results: what later steps can take by name: results named with `as`, and stages.
        calls: the blocks and roles on the way here, with the places of their calls, outermost first.
        label: what formulas call the scope: the block's name, or that of the network's scope.
        indices: the values of its names that count, by qualified name.
        path_of_block: the path of the block that it belongs to; empty for the network.
        decided: what decides the names and numbers of steps of that block.
    """

    environment: dict[str, Any]
    names: Names
    results: dict[str, Value] = field(default_factory=dict)
    calls: tuple[tuple[str, Span], ...] = ()
    label: str = NETWORK_SCOPE
    indices: Indices = field(default_factory=no_indices)
    path_of_block: str = ""
    decided: list[Decided] = field(default_factory=list)

    def place(self, source: TensorType) -> dict[str, Any]:
        """The names that an expression sees where ``source`` enters a step."""
        return {**self.environment, "channels": source.channels, "size": list(source.size)}

    def path(self, step: Step, label: str, source: TensorType, numbered: bool = False) -> str:
        """The path of a step's node: by the name that it gives, or the next one of its label."""
        if step.name is None:
            return self.names.automatic(label, numbered)
        return self.names.explicit(self.fill(step, source), step.place("name"))

    def fill(self, step: Step, source: TensorType) -> str:
        """The name that a step gives."""
        assert step.name is not None
        span = step.place("name")
        if "{" in step.name:
            self.decided += decided_by_template(step.name, self.label, span)
        return fill_template(step.name, self.place(source), span)


def decision(test: Formula, outcome: Any, scope: Scope) -> dict[str, Any]:
    """What was decided by ``test``, noted ahead of the steps that it concerns."""
    names = scope.names
    position = names.position if names.indexed else None
    return {"test": test, "outcome": outcome, "position": position, "indices": scope.indices}


def written_at(value: Any, scope: Scope) -> Any:
    """An argument that a step of ``scope`` gives; steps that it does not pass on are its own."""
    fresh = isinstance(value, StepsValue) and value.environment is not None and value.calls is None
    if not fresh:
        return value
    return replace(value, calls=scope.calls, label=scope.label, indices=scope.indices)


def counted(value: Any, indices: Indices) -> Any:
    """An argument of a stage's block: steps among them see the names that count in the stage."""
    if isinstance(value, StepsValue) and value.environment is not None:
        return replace(value, indices=indices)
    return value


_QUALIFIED = {name: qualify(NETWORK_SCOPE, name) for name in STAGE_NAMES}


def stage_indices(environment: Environment) -> Indices:
    """The values of the names that count in a stage, of one block or of the steps ahead of it."""
    return {qualified: environment[name] for name, qualified in _QUALIFIED.items()}


_BRACES = re.compile(r"\{([^{}]*)\}")
_LONE_BRACE = re.compile("[{}]")


def fill_template(template: str, environment: Environment, span: Span | None) -> str:
    """A name with its ``{expression}`` parts evaluated."""

    def value(match: re.Match[str]) -> str:
        result = parse_expression(match[1], span).evaluate(environment)
        if isinstance(result, bool) or not isinstance(result, int | str):
            raise fail("NS222", f"`{{{match[1]}}}` in a name must be a number or a text", span)
        if isinstance(result, str) and ("{" in result or "}" in result):
            raise fail(
                "NS222",
                f"`{{{match[1]}}}` is the text `{result}` here, and a name has no braces",
                span,
                help="a text is taken as it is; an argument of type `int` takes an expression",
            )
        return str(result)

    if _LONE_BRACE.search(_BRACES.sub("", template)):
        raise fail("NS222", f"unbalanced braces in the name `{template}`", span)
    return _BRACES.sub(value, template)


def decided_by_template(template: str, label: str, span: Span | None) -> list[Decided]:
    """What the expressions in a name decide, in the scope called ``label``."""
    return [
        Decided("a name", Formula(parse_expression(match[1], span).node, label), span)
        for match in _BRACES.finditer(template)
    ]


def check_declared(name: str, span: Span | None, what: str, *, is_step: bool = False) -> None:
    """A declared name must not hide a word of the language."""
    if keyword.iskeyword(name):
        raise fail("NS223", f"{what} `{name}` is a keyword of Python", span)
    if name in RESERVED:
        raise fail("NS223", f"{what} `{name}` hides a name of the language", span)
    if is_step and (name in OPS or name in COMBINATORS or name in ROLES):
        kind = "an op" if name in OPS else "a word of the language"
        raise fail("NS223", f"{what} `{name}` hides {kind}", span)
