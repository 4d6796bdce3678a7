"""Numbers that source works out where they stand, since nobody would write the digits: ``2048**-0.5``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from typing import Any

from netspec.codegen.calls import OPERATORS, Call
from netspec.ir.template.numbers import fit
from netspec.lang.expression.arithmetic import COPIED
from netspec.lang.expression.formula import is_long
from netspec.lang.expression.symbolic import Varying, same
from netspec.ops.initializers import Initializer, Plain, VarianceScaling, plain
from netspec.ops.types import Parameter, TensorType


def _operators(target: str) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """The methods of an operator, with the number on its left and on its right."""
    return (
        lambda self, other: Unrounded.made(target, self, other),
        lambda self, other: Unrounded.made(target, other, self),
    )


class Unrounded:
    """A number with the call that gives it.

    Where a step gives no more digits than people write, the number stands for the step; but a power of a
    whole number stays one, however it comes out.

    Attributes:
        value: the number.
        said: the same as it is written: the number, or the call of an operator.
    """

    def __init__(self, value: Any, said: Any) -> None:
        self.value = value
        self.said = said

    @staticmethod
    def made(target: str, left: Any, right: Any) -> Unrounded:
        """What an operator makes of two numbers."""
        one, other = (
            each if isinstance(each, Unrounded) else Unrounded(each, each) for each in (left, right)
        )
        value = OPERATORS[target](one.value, other.value)
        is_power = target == "**" and isinstance(one.value, int)
        if not is_power and not is_long(value):
            return Unrounded(value, value)
        above = one.said
        if target == "/" and isinstance(above, float) and above.is_integer():
            above = int(above)  # which gives the same fraction
        return Unrounded(value, Call(target, (above, other.said)))

    __add__, __radd__ = _operators("+")
    __mul__, __rmul__ = _operators("*")
    __truediv__, __rtruediv__ = _operators("/")
    __pow__, __rpow__ = _operators("**")

    def __neg__(self) -> Unrounded:
        is_call = isinstance(self.said, Call)
        return Unrounded(-self.value, Call("-", (self.said,)) if is_call else -self.value)


def said(number: Any) -> Any:
    """A number as an argument of a call."""
    return number.said if isinstance(number, Unrounded) else number


def features(source: TensorType) -> Any:
    """The features of a vector as an argument of a call: of a flattened map, `512 * 7 * 7`."""
    if source.flat is None or isinstance(source.channels, Varying):
        return source.channels
    lengths = [length for length in source.flat.size if length != 1]
    found: Any = source.flat.channels
    for length in lengths:
        found = Call("*", (found, length))
    return found


def without_own_functions(value: Varying, parameters: Collection[Varying]) -> Varying:
    """A number without functions that source would hold a copy of, where a product or quotient is the same.

    So `in_channels // 16` stands for `make_divisible(in_channels * 0.0625, 8)` where no channels are
    rounded up. What is kept has values that are not known here.
    """
    if value.kept or value.node is None:
        return value
    called = (n.func for n in ast.walk(value.node) if isinstance(n, ast.Call))
    if not any(isinstance(function, ast.Name) and function.id in COPIED for function in called):
        return value
    column = {i: number for i, number in enumerate(value.values) if number is not None}
    return fit(column, [each for each in parameters if not each.kept]) or value


def unrounded(parameter: Parameter, source: TensorType) -> Plain:
    """How a parameter starts, without fans; what these make of its numbers is worked out in source.

    What varies has its formula anyway, and a cut normal names its deviation thrice, so a number is shorter.

    Args:
        parameter: the parameter.
        source: what enters its layer.
    """
    init: Initializer = parameter.init
    fan_in, fan_out = parameter.fans
    if isinstance(init, VarianceScaling):
        together = (fan_in, fan_out) if init.mode == "fan_avg" else ()
        is_cut = init.distribution == "truncated_normal"
        if is_cut or any(isinstance(number, Varying) for number in (init.scale, *together)):
            return plain(init, parameter.fans)
    words = features(source) if same(fan_in, source.channels) else fan_in
    return plain(init, (_open(fan_in, words), _open(fan_out, fan_out)))


def _open(number: Any, words: Any) -> Any:
    return number if isinstance(number, Varying) else Unrounded(number, words)
