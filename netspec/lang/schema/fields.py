"""The kinds of values that fields of the language take, as Pydantic sees them.

What a bare word means is decided by the field: a number or flag is an expression over parameters, one
of a fixed set is taken literally or as ``{param: name}``. Each value knows how to take its place in the
source (``at``) and how to evaluate itself under an environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar, get_args

from pydantic_core.core_schema import literal_schema

from netspec.errors import NetspecError, Span, did_you_mean, fail, suggest
from netspec.lang.expression import expr
from netspec.lang.expression.expr import Expression
from netspec.lang.expression.symbolic import Varying
from netspec.lang.expression.unknown import require_known
from netspec.lang.schema.names import defined_as
from netspec.lang.schema.reading import Read
from netspec.lang.schema.refusal import Refusal
from netspec.lang.source import SpanTree
from netspec.ops.geometry import Padding
from netspec.ops.initializers import (
    GLOROT_UNIFORM,
    ONES,
    ZEROS,
    Constant,
    Initializer,
    Normal,
    TruncatedNormal,
    Uniform,
    UniformFanIn,
    VarianceScaling,
)

Environment = Mapping[str, Any]
T = TypeVar("T")


def to_expression(value: Any) -> Expression:
    """A YAML value as an expression; raises :class:`Refusal`, which Pydantic reports."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool | int | float):
        return expr.constant(value)
    if isinstance(value, str):
        try:
            return expr.parse(value)
        except NetspecError as error:
            first = error.diagnostics[0]
            raise Refusal(first.message, first.code, first.help) from None
    if isinstance(value, list) and all(isinstance(v, bool | int | float) for v in value):
        return expr.constant(value)
    raise Refusal("expected a number, true, false or an expression")


Number = Annotated[Expression, Read(to_expression), defined_as("value")]
Real = Annotated[Number, defined_as("number")]
WholeNumber = Annotated[Number, defined_as("whole_number")]
Flag = Annotated[Number, defined_as("flag")]


@dataclass(frozen=True)
class ParamReference:
    """``{param: name}``: the value of a parameter in the place of a literal word."""

    name: str
    span: Span | None = None

    def evaluate(self, environment: Environment) -> Any:
        """The parameter's value."""
        if self.name not in environment:
            raise fail(
                "NS202",
                f"unknown parameter `{self.name}`",
                self.span,
                help=did_you_mean(self.name, environment),
            )
        return require_known(environment[self.name])


def _reference(value: Any) -> ParamReference | None:
    if isinstance(value, dict) and set(value) == {"param"} and isinstance(value["param"], str):
        return ParamReference(value["param"])
    return None


@dataclass(frozen=True)
class Word:
    """One of a fixed set of words, or a parameter that holds one."""

    choices: tuple[str, ...]
    value: str | ParamReference
    span: Span | None = None

    def at(self, spans: SpanTree) -> Word:
        """This value with its place in the source."""
        value = self.value
        if isinstance(value, ParamReference):
            value = replace(value, span=spans.span)
        return replace(self, value=value, span=spans.span)

    def evaluate(self, environment: Environment) -> str:
        """The word; raises :class:`NetspecError` when a parameter holds no such word."""
        value = self.value
        word = value.evaluate(environment) if isinstance(value, ParamReference) else value
        if word not in self.choices:
            choices = ", ".join(f"`{choice}`" for choice in self.choices)
            raise fail("NS204", f"expected one of {choices}, got `{word}`", self.span)
        return str(word)


def word_of(choices: tuple[str, ...]) -> Any:
    """The Pydantic type of a field that takes one of ``choices``."""

    def validate(value: Any) -> Word:
        reference = _reference(value)
        if reference is not None:
            return Word(choices, reference)
        if isinstance(value, str) and value in choices:
            return Word(choices, value)
        hint = suggest(value, choices)
        listed = ", ".join(f"`{choice}`" for choice in choices)
        raise Refusal(f"expected one of {listed}, or {{param: name}}", help=hint)

    return Annotated[Word, Read(validate, literal_schema(list(choices)))]


@dataclass(frozen=True)
class AxesValue:
    """One expression for all axes, or one per axis."""

    items: tuple[Expression, ...]
    per_axis: bool

    def at(self, spans: SpanTree) -> AxesValue:
        """This value with its places in the source."""
        items = tuple(
            replace(item, span=spans.find((index,)) if self.per_axis else spans.span)
            for index, item in enumerate(self.items)
        )
        return replace(self, items=items)

    def evaluate(self, environment: Environment) -> Any:
        """A number for all axes, or a list of one per axis."""
        if self.per_axis:
            return [item.evaluate(environment) for item in self.items]
        return self.items[0].evaluate(environment)


def _axes(value: Any) -> AxesValue:
    if isinstance(value, list):
        if not value:
            raise Refusal("expected a number, or one number per axis")
        return AxesValue(tuple(_each(to_expression, value)), True)
    return AxesValue((to_expression(value),), False)


def _each(read: Callable[[Any], T], values: list[Any]) -> Iterator[T]:
    """Every item read; a refusal names the item."""
    for index, value in enumerate(values):
        try:
            yield read(value)
        except Refusal as refusal:
            raise refusal.inside(index) from None


AxesField = Annotated[AxesValue, Read(_axes), defined_as("axes")]


@dataclass(frozen=True)
class PaddingValue:
    """A padding rule by name, or explicit numbers: for all axes, per axis, or per side."""

    rule: Word | None
    pads: tuple[AxesValue, ...] = ()
    span: Span | None = None

    def at(self, spans: SpanTree) -> PaddingValue:
        """This value with its places in the source."""
        rule = self.rule.at(spans) if self.rule else None
        several = len(self.pads) > 1 or spans.children
        pads = tuple(
            pad.at(spans.subtree((index,)) if several else spans)
            for index, pad in enumerate(self.pads)
        )
        return PaddingValue(rule, pads, spans.span)

    def evaluate(self, environment: Environment, rank: int) -> Padding:
        """The padding for ``rank`` axes."""
        if self.rule is not None:
            return Padding(self.rule.evaluate(environment))  # type: ignore[arg-type]
        sides = [pad.evaluate(environment) for pad in self.pads]
        if len(sides) == 1 and not isinstance(sides[0], list):
            sides = sides * rank
        pairs = [tuple(side) if isinstance(side, list) else (side, side) for side in sides]
        if len(pairs) != rank or any(len(pair) != 2 for pair in pairs):
            raise fail(
                "NS205",
                f"padding needs one number or [before, after] for each of {rank} axes",
                self.span,
            )
        for number in (number for pair in pairs for number in pair):
            check_integer(number, "padding", self.span)
        return Padding("explicit", tuple(pairs))


PADDING_RULES = ("symmetric", "same", "valid")


def _padding(value: Any) -> PaddingValue:
    reference = _reference(value)
    if reference is not None:
        return PaddingValue(Word(PADDING_RULES, reference))
    if isinstance(value, str):
        if value in PADDING_RULES:
            return PaddingValue(Word(PADDING_RULES, value))
        if value.strip().isidentifier():
            hint = suggest(value, PADDING_RULES)
            raise Refusal(
                "expected `symmetric`, `same`, `valid`, numbers, or {param: name}", help=hint
            )
        return PaddingValue(None, (_axes(value),))
    if isinstance(value, list) and value:
        return PaddingValue(None, tuple(_each(_axes, value)))
    if isinstance(value, int) and not isinstance(value, bool):
        return PaddingValue(None, (_axes(value),))
    raise Refusal("expected `symmetric`, `same`, `valid`, numbers, or {param: name}")


PaddingField = Annotated[PaddingValue, Read(_padding), defined_as("padding")]


@dataclass(frozen=True)
class InitValue:
    """An initialiser by name, its numbers still expressions."""

    name: str
    numbers: tuple[Expression, ...] = ()
    words: tuple[str, ...] = ()

    def at(self, spans: SpanTree) -> InitValue:
        """This value with its place in the source."""
        return replace(self, numbers=tuple(replace(n, span=spans.span) for n in self.numbers))

    def evaluate(self, environment: Environment) -> Initializer:
        """The initialiser."""
        numbers = [number.evaluate(environment) for number in self.numbers]
        for number, source in zip(numbers, self.numbers, strict=True):
            if isinstance(number, bool) or not isinstance(number, int | float | Varying):
                raise fail("NS205", f"`{self.name}` needs a number, got {number!r}", source.span)
        match self.name:
            case "zeros":
                return ZEROS
            case "ones":
                return ONES
            case "glorot_uniform":
                return GLOROT_UNIFORM
            case "kaiming_normal":
                return VarianceScaling(2.0, self.words[0], "normal")  # type: ignore[arg-type]
            case "kaiming_uniform":
                return VarianceScaling(2.0, self.words[0], "uniform")  # type: ignore[arg-type]
            case "variance_scaling":
                return VarianceScaling(numbers[0], *self.words)  # type: ignore[arg-type]
            case "constant":
                return Constant(numbers[0])
            case "normal":
                return Normal(numbers[0])
            case "truncated_normal":
                return TruncatedNormal(numbers[0])
            case "uniform":
                return Uniform(numbers[0]) if numbers else UniformFanIn()
        raise AssertionError(self.name)  # pragma: no cover


PLAIN_INITS = ("zeros", "ones", "glorot_uniform")
FAN_INITS = ("kaiming_normal", "kaiming_uniform")
NUMBER_INITS = ("constant", "normal", "truncated_normal", "uniform")
FANS = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("normal", "truncated_normal", "uniform")


def _init(value: Any) -> InitValue:
    names = (*PLAIN_INITS, *FAN_INITS, *NUMBER_INITS, "variance_scaling")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return InitValue("constant", (to_expression(value),))
    if isinstance(value, str):
        if value in PLAIN_INITS:
            return InitValue(value)
        if value in names:
            raise Refusal(f"`{value}` needs a value, as in {{{value}: …}}")
        raise Refusal(f"unknown initialiser `{value}`", help=did_you_mean(value, names))
    if not isinstance(value, dict) or len(value) != 1:
        raise Refusal("expected the name of an initialiser, or a mapping with one key, its name")
    ((name, argument),) = value.items()
    try:
        if name in FAN_INITS:
            return InitValue(name, words=(_choice(argument, FANS),))
        if name == "uniform" and argument == "fan_in":
            return InitValue(name)
        if name in NUMBER_INITS:
            return InitValue(name, (to_expression(argument),))
        if name == "variance_scaling":
            return _variance_scaling(argument)
    except Refusal as refusal:
        raise refusal.inside(name) from None
    hint = did_you_mean(name, names)
    raise Refusal(f"unknown initialiser `{name}`", help=hint, at=(name,), on_key=True)


def _variance_scaling(argument: Any) -> InitValue:
    known = ("scale", "mode", "distribution")
    takes = "`variance_scaling` takes `scale`, `mode` and `distribution`"
    if not isinstance(argument, dict):
        raise Refusal(takes)
    for key in argument:
        if key not in known:
            hint = did_you_mean(key, known)
            raise Refusal(f"{takes}, not `{key}`", "NS101", hint, at=(key,), on_key=True)
    readers: dict[str, Callable[[Any], Any]] = {
        "scale": to_expression,
        "mode": lambda value: _choice(value, FANS),
        "distribution": lambda value: _choice(value, DISTRIBUTIONS),
    }
    values = {"scale": 1.0, "mode": "fan_in", "distribution": "truncated_normal", **argument}
    for key, value in values.items():
        try:
            values[key] = readers[key](value)
        except Refusal as refusal:
            raise refusal.inside(key) from None
    return InitValue(
        "variance_scaling", (values["scale"],), (values["mode"], values["distribution"])
    )


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        hint = suggest(value, choices)
        raise Refusal("expected one of " + ", ".join(f"`{c}`" for c in choices), help=hint)
    return str(value)


InitField = Annotated[InitValue, Read(_init), defined_as("initializer")]


def place_of(value: Expression | AxesValue | PaddingValue | InitValue | Word) -> Span | None:
    """Where the value of an attribute stands."""
    if isinstance(value, AxesValue):
        return value.items[0].span
    if isinstance(value, InitValue):
        return value.numbers[0].span if value.numbers else None
    return value.span


ROUNDING = "use `//` to divide, or round: `round(…)`, `make_divisible(…, 8)`"
"""What to do about a fraction where a whole number is due."""


def check_integer(value: Any, name: str, span: Span | None) -> None:
    """``value`` must be a whole number, in every instance; raises :class:`NetspecError`."""
    if type(value) is int:
        return
    values: Sequence[Any] = value.values if isinstance(value, Varying) else (value,)
    for each in values:
        if each is not None and (isinstance(each, bool) or not isinstance(each, int)):
            hint = ROUNDING if isinstance(each, float) else None
            message = f"`{name}` needs a whole number, got {show(each)}"
            raise fail("NS205", message, span, help=hint)


MAX_SHOWN = 80


def show(value: Any) -> str:
    """A value as it would stand in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | float | str | list):
        return type(value).__name__
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def literal_choices(annotation: Any) -> tuple[str, ...]:
    """The words of a ``Literal`` type."""
    return tuple(get_args(annotation))
