"""Layers that a file makes over and over become functions, which hold what is always the same."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from netspec.backends.keras.passes.uses import Use, Uses, equal, half, half_of_any
from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.codegen.identifiers import Namespace, snake_case
from netspec.codegen.nodes import (
    Parameter,
    annotation,
    assign,
    call,
    constant,
    filled,
    function,
    if_,
    parameter,
    reads,
)

LEAST = 3
"""So many layers that are made alike are said once."""

TENSOR = "KerasTensor"

_X, _NAME, _STRIDES, _KERNEL, _PADDING = map(
    ast.Name, ("x", "name", "strides", "kernel_size", "padding")
)
_ONE = ast.Constant(1)


def say_layers_once(definitions: Sequence[ast.stmt], names: Namespace) -> list[ast.stmt]:
    """One function for the convolutions of a file, with the padding that they need, and for others alike."""
    uses: list[Use] = []
    for definition in definitions:
        Uses(uses.append).visit(definition)
    idioms = {kind: idiom for kind in _kinds(uses) if (idiom := _idiom(kind, uses)) is not None}
    for kind, idiom in idioms.items():
        idiom.name = names.add(_function_name(kind))

    def written(use: Use) -> ast.expr | None:
        idiom = idioms.get(use.kind)
        return idiom.call(use) if idiom is not None and idiom.has(use) else None

    return [
        *(idiom.function() for idiom in idioms.values()),
        *map(Uses(written).visit, definitions),
    ]


def _kinds(uses: Sequence[Use]) -> list[str]:
    return [*dict.fromkeys(use.kind for use in uses)]


def _idiom(kind: str, uses: Sequence[Use]) -> _Idiom | None:
    """The layers of a kind that go by one function; None where it would say no more than they do.

    What most of them are given is the same for all; the others may be given more.
    """
    uses = [use for use in uses if use.kind == kind]
    rules = Counter(use.rule for use in uses if use.rule is not None)
    rule = max(rules, key=lambda each: rules[each], default=None)
    alike: dict[tuple[str, ...], _Idiom] = {}
    for use in uses:
        if use.is_regular or not use.is_conv:
            given = (*use.fixed, *(ast.keyword(k, v) for k, v in use.constants.items()))
            alike.setdefault(tuple(map(ast.dump, given)), _Idiom(use, rule)).uses.append(use)
    for idiom in sorted(alike.values(), key=lambda each: -len(each.uses)):
        idiom.uses = [use for each in alike.values() for use in each.uses if idiom.has(use)]
        if idiom.is_worth:
            idiom.is_all = len(idiom.uses) == len(uses)
            return idiom
    return None


def _function_name(kind: str) -> str:
    """``batch_norm`` for ``BatchNormalization``, ``depthwise_conv`` for ``DepthwiseConv2D``."""
    name = snake_case(kind.rstrip("D").rstrip("123"))
    return name.replace("normalization", "norm").replace("pooling", "pool")


@dataclass(eq=False)
class _Idiom:
    """Layers of one kind, and the function that makes them.

    Attributes:
        model: one that has what all have in common.
        rule: what convolutions pad by.
        uses: the layers.
        is_all: whether these are all of their kind.
        name: the function's.
    """

    model: Use
    rule: str | None
    uses: list[Use] = field(default_factory=list)
    is_all: bool = False
    name: str = ""

    def has(self, use: Use) -> bool:
        """Whether a layer has what all have in common, and nothing else that no parameter can say."""
        common, defaults = self.model.constants, SIGNATURE_DEFAULTS.get(f"layers.{use.kind}", {})
        if use.is_conv and not (use.is_regular and use.rule in (None, self.rule)):
            return False
        fixed = zip(use.fixed, self.model.fixed, strict=False)
        if len(use.args) != len(self.model.args) or not all(equal(*each) for each in fixed):
            return False
        if any(map(reads, use.fixed)):
            return False
        same = all(k in use.keywords and equal(use.keywords[k], v) for k, v in common.items())
        return same and use.keywords.keys() - common.keys() <= defaults.keys()

    @property
    def is_worth(self) -> bool:
        """Whether a function says more than the layers do."""
        if any(use.is_same and use.is_padded for use in self.uses):
            return True
        constants = len(self.model.constants) + any(u.is_same or u.is_padded for u in self.uses)
        is_special = any(map(_is_special, self.model.constants.values()))
        return len(self.uses) >= LEAST and (constants > 1 or is_special)

    @property
    def _more(self) -> list[str]:
        """What single layers are given besides."""
        every = dict.fromkeys(name for use in self.uses for name in use.keywords)
        return [name for name in every if name not in self.model.constants]

    @property
    def _needed(self) -> list[str]:
        """What every layer is given besides, each its own."""
        return [name for name in self._more if all(name in use.keywords for use in self.uses)]

    @property
    def _free(self) -> tuple[str, ...]:
        """The parameters that every layer gives by position: those in which any two differ."""
        named = zip(
            self.model.parameters, zip(*(use.free for use in self.uses), strict=True), strict=True
        )
        return tuple(
            name
            for name, values in named
            if not isinstance(values[0], ast.Constant)
            or not all(equal(value, values[0]) for value in values)
        )

    def call(self, use: Use) -> ast.expr:
        """The call of the function in the place of a layer."""
        given = dict(zip(use.parameters, use.free, strict=True))
        values = [given[name] for name in self._free]
        values += [] if use.strides is None else [use.strides]
        more = {name: self._given(use, name) for name in self._more}
        left = [n for n in more if n not in self._needed and equal(more[n], self._default(n))]
        for name in left:
            del more[name]
        return call(self.name, [use.tensor, *values], **more, name=use.name)

    def function(self) -> ast.stmt:
        """The function."""
        return function(
            self.name,
            [(parameter("x", TENSOR), None), *self._parameters()],
            [*self._body()],
            doc=self._doc(),
            returns=annotation(TENSOR),
            by_keyword=[*map(self._parameter, self._more), (parameter("name", "str"), None)],
        )

    def _parameters(self) -> Iterator[Parameter]:
        for name in self._free:
            yield parameter(name, "int"), None
        if self._is_strided:
            yield parameter("strides", "int"), _ONE

    def _parameter(self, name: str) -> Parameter:
        """The parameter for what single layers are given besides."""
        default = None if name in self._needed else self._default(name)
        return parameter(name, self._type(name)), default

    def _given(self, use: Use, name: str) -> ast.expr:
        """What a layer is given, which may be Keras' default."""
        return use.keywords.get(name) or constant(self._keras_default(name))

    def _keras_default(self, name: str) -> Any:
        return SIGNATURE_DEFAULTS[f"layers.{self.model.kind}"][name]

    def _default(self, name: str) -> ast.expr:
        """What most layers are given: Keras' default, or another word or number."""
        given = [self._given(use, name) for use in self.uses]
        plain = [
            constant(self._keras_default(name)),
            *(each for each in given if isinstance(each, ast.Constant)),
        ]
        return max(plain, key=lambda each: sum(equal(each, other) for other in given))

    def _type(self, name: str) -> str:
        """The type of what single layers are given: that of Keras' default, or an initialiser."""
        given = [self._given(use, name) for use in self.uses]
        made = {isinstance(value, ast.Call) for value in given if not isinstance(value, ast.Name)}
        plain = type(self._keras_default(name)).__name__
        if not name.endswith("_initializer") or made == {False}:
            return plain
        return (
            "initializers.Initializer" if made == {True} else f"{plain} | initializers.Initializer"
        )

    @property
    def _is_strided(self) -> bool:
        return any(use.strides is not None for use in self.uses)

    def _body(self) -> Iterator[ast.stmt]:
        """What pads, where anything does, and the layer."""
        keywords: dict[str, ast.expr] = {"strides": _STRIDES} if self._is_strided else {}
        if any(use.is_padded for use in self.uses):
            yield from self._padding()
            keywords["padding"] = _PADDING
        elif any(use.is_same for use in self.uses):
            keywords["padding"] = ast.Constant("same")
        keywords |= {name: ast.Name(name) for name in self._more}
        model = self.model
        args = [*model.args]
        for index, name in enumerate(model.parameters):
            if name in self._free:
                args[index] = ast.Name(name)
        made = call(f"layers.{model.kind}", args, **keywords, **model.constants, name=_NAME)
        wrapper = next((use.wrapper for use in self.uses if use.wrapper is not None), None)
        yield ast.Return(call(made if wrapper is None else call(wrapper, [made]), [_X]))

    def _padding(self) -> Iterator[ast.stmt]:
        """A layer that pads ahead of what is strided; a kernel of 1 has nothing to pad."""
        tested = [_STRIDES]
        amount = half(_KERNEL)
        if any(equal(use.pads, half_of_any(use.kernel)) for use in self.uses if use.is_padded):
            amount = half_of_any(_KERNEL)
        if "kernel_size" in self._free:
            tested.append(_KERNEL)
        elif isinstance(self.model.kernel, ast.Constant):
            amount = ast.Constant(int(str(self.model.kernel.value)) // 2)
        layout = {k: v for k, v in self.model.constants.items() if k == "data_format"}
        name = filled("{name}_pad", name=_NAME)
        pad = call(f"layers.ZeroPadding{self.model.kind[-2]}D", [amount], **layout, name=name)
        larger: list[ast.expr] = [ast.Compare(each, [ast.Gt()], [_ONE]) for each in tested]
        test = ast.BoolOp(ast.And(), larger) if len(larger) > 1 else larger[0]
        yield assign(_PADDING, ast.Constant("same"))
        then = [assign("x", call(pad, [_X])), assign(_PADDING, ast.Constant("valid"))]
        yield if_(test, then)

    def _doc(self) -> str:
        kind = snake_case(self.model.kind.rstrip("D").rstrip("123")).replace("_", " ")
        if not self.model.is_conv:
            what = f"A {kind} layer" if self.model.parameters else kind.capitalize()
            return f"{what} with the settings used {'throughout' if self.is_all else 'most'}."
        what = f"A {kind.replace('conv', 'convolution')}"
        if "use_bias" in self.model.constants:
            what += " without bias"
        if any(use.is_padded for use in self.uses):
            return f"{what}, padded by half its kernel on either side."
        return f"{what}."


def _is_special(value: ast.expr) -> bool:
    """Whether a constant says so much that nobody would say it at each layer: a fraction, or what starts weights."""
    match value:
        case ast.Constant(value=float(number)):
            return not number.is_integer()
    return isinstance(value, ast.Call)
