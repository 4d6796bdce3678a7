"""The kinds of values that fields of the language take, as Pydantic sees them.

What a bare word means is decided by the field: a number or flag is an expression over parameters, one
of a fixed set is taken literally or as ``{param: name}``. Each value knows how to take its place in the
source (``at``) and how to evaluate itself under an environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, PlainValidator

from netspec import expr
from netspec.errors import NetspecError, Span, did_you_mean, fail
from netspec.expr import Expression
from netspec.geometry import Padding
from netspec.initializers import (
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
from netspec.source import SpanTree
from netspec.symbolic import Varying

Environment = Mapping[str, Any]


def to_expression(value: Any) -> Expression:
    """A YAML value as an expression; raises ValueError, which Pydantic reports."""
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool | int | float):
        return expr.constant(value)
    if isinstance(value, str):
        try:
            return expr.parse(value)
        except NetspecError as error:
            raise ValueError(_message(error)) from None
    if isinstance(value, list) and all(isinstance(v, bool | int | float) for v in value):
        return expr.constant(value)
    raise ValueError("expected a number, true, false or an expression")


def _message(error: NetspecError) -> str:
    first = error.diagnostics[0]
    return first.message + (f" ({first.help})" if first.help else "")


Number = Annotated[Expression, BeforeValidator(to_expression)]


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
        return environment[self.name]


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
        hint = did_you_mean(value, choices) if isinstance(value, str) else None
        listed = ", ".join(f"`{choice}`" for choice in choices)
        raise ValueError(f"expected one of {listed}, or {{param: name}}" + _more(hint))

    return Annotated[Word, PlainValidator(validate, json_schema_input_type=Literal[choices])]


def _more(hint: str | None) -> str:
    return f"; {hint}" if hint else ""


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
            raise ValueError("expected a number, or one number per axis")
        return AxesValue(tuple(to_expression(item) for item in value), True)
    return AxesValue((to_expression(value),), False)


AxesField = Annotated[
    AxesValue, PlainValidator(_axes, json_schema_input_type=int | str | list[int | str])
]


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
            hint = did_you_mean(value, PADDING_RULES)
            raise ValueError(
                "expected `symmetric`, `same`, `valid`, numbers, or {param: name}" + _more(hint)
            )
        return PaddingValue(None, (_axes(value),))
    if isinstance(value, list) and value:
        return PaddingValue(None, tuple(_axes(item) for item in value))
    if isinstance(value, int) and not isinstance(value, bool):
        return PaddingValue(None, (_axes(value),))
    raise ValueError("expected `symmetric`, `same`, `valid`, numbers, or {param: name}")


PaddingField = Annotated[
    PaddingValue,
    PlainValidator(
        _padding,
        json_schema_input_type=Literal["symmetric", "same", "valid"]
        | int
        | list[int | str | list[int | str]]
        | dict[Literal["param"], str],
    ),
]


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
            raise ValueError(f"`{value}` needs a value, as in {{{value}: …}}")
        raise ValueError("unknown initialiser" + _more(did_you_mean(value, names)))
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("expected the name of an initialiser, or a mapping with one key, its name")
    ((name, argument),) = value.items()
    if name in FAN_INITS:
        return InitValue(name, words=(_choice(argument, FANS),))
    if name == "uniform" and argument == "fan_in":
        return InitValue(name)
    if name in NUMBER_INITS:
        return InitValue(name, (to_expression(argument),))
    if name == "variance_scaling":
        return _variance_scaling(argument)
    raise ValueError("unknown initialiser" + _more(did_you_mean(str(name), names)))


def _variance_scaling(argument: Any) -> InitValue:
    known = ("scale", "mode", "distribution")
    if not isinstance(argument, dict) or not set(argument) <= set(known):
        raise ValueError("`variance_scaling` takes `scale`, `mode` and `distribution`")
    mode = _choice(argument.get("mode", "fan_in"), FANS)
    distribution = _choice(argument.get("distribution", "truncated_normal"), DISTRIBUTIONS)
    scale = to_expression(argument.get("scale", 1.0))
    return InitValue("variance_scaling", (scale,), (mode, distribution))


def _choice(value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError("expected one of " + ", ".join(f"`{choice}`" for choice in choices))
    return str(value)


InitField = Annotated[
    InitValue,
    PlainValidator(_init, json_schema_input_type=Literal[PLAIN_INITS] | float | dict[str, Any]),
]


def check_integer(value: Any, name: str, span: Span | None) -> None:
    """``value`` must be a whole number, in every instance; raises :class:`NetspecError`."""
    values: Sequence[Any] = value.values if isinstance(value, Varying) else (value,)
    for each in values:
        if each is not None and (isinstance(each, bool) or not isinstance(each, int)):
            hint = "use `//` to divide" if isinstance(each, float) else None
            message = f"`{name}` needs a whole number, got {show(each)}"
            raise fail("NS205", message, span, help=hint)


def show(value: Any) -> str:
    """A value as it would stand in a spec."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float | str | list) else type(value).__name__


def literal_choices(annotation: Any) -> tuple[str, ...]:
    """The words of a ``Literal`` type."""
    return tuple(get_args(annotation))
