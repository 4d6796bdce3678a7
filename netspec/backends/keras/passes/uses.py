"""Layers as they stand in source: what each is made with, and what it is called on.

A convolution is seen together with the `ZeroPadding` that may stand ahead of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netspec.codegen.nodes import call, reads
from netspec.lang.expression.formula import Rewriter

WRAPPERS = ("by_groups", "by_groups_1d")
"""The functions of generated source that are called on a layer, and give it back."""

_CONV = re.compile(r"(Depthwise)?Conv[123]D")
_OF_WINDOW = ("strides", "padding", "name")


@dataclass(frozen=True)
class Use:
    """A layer that is made and called.

    Attributes:
        kind: its class in ``keras.layers``.
        args: what it is given by position.
        keywords: what it is given by name, except for its name; a convolution's strides and padding apart.
        name: its name.
        tensor: what it is called on.
        wrapper: the function that it is given to ahead of that.
        strides: a convolution's; None for 1.
        is_regular: of a convolution: it has one number for all axes, and pads as one of the two rules that
            functions know, half the kernel at either side or Keras' ``same``.
        is_padded: of a convolution: it may have a layer ahead that pads.
        is_same: of a convolution: it may pad by itself.
        pads: what the layer ahead pads by.
    """

    kind: str
    args: tuple[ast.expr, ...]
    keywords: Mapping[str, ast.expr]
    name: ast.expr
    tensor: ast.expr
    wrapper: str | None = None
    strides: ast.expr | None = None
    is_regular: bool = False
    is_padded: bool = False
    is_same: bool = False
    pads: ast.expr | None = None

    @property
    def is_conv(self) -> bool:
        """Whether it is a convolution, of any number of axes, but no transposed one."""
        return _CONV.fullmatch(self.kind) is not None

    @property
    def constants(self) -> dict[str, ast.expr]:
        """What it is given by name that is the same wherever it stands."""
        return {k: v for k, v in self.keywords.items() if reads(v) <= {"initializers"}}

    @property
    def rule(self) -> str | None:
        """The rule that a convolution pads by; None where it comes to the same by either."""
        if self.is_padded:
            return "half"
        return "same" if self.is_same and self.strides is not None else None

    @property
    def kernel(self) -> ast.expr:
        """A convolution's kernel."""
        return self.args[-1]

    @property
    def parameters(self) -> tuple[str, ...]:
        """What Keras calls the first arguments, where layers that are made alike may differ in them."""
        if self.is_conv:
            return ("filters", "kernel_size")[-len(self.args) :]
        return ("units",) if self.kind == "Dense" else ()

    @property
    def free(self) -> tuple[ast.expr, ...]:
        """The arguments that these are."""
        return self.args[: len(self.parameters)]

    @property
    def fixed(self) -> tuple[ast.expr, ...]:
        """The other ones that are given by position."""
        return self.args[len(self.parameters) :]


def equal(one: ast.AST | None, other: ast.AST | None) -> bool:
    """Whether two pieces of code are the same."""
    if one is None or other is None:
        return one is other
    return ast.dump(one) == ast.dump(other)


class Uses(Rewriter):
    """Code with some of its layers written otherwise.

    ``written`` gives the expression for a use, or None where it stays as it is.
    """

    def __init__(self, written: Callable[[Use], ast.expr | None]) -> None:
        self.written = written

    def visit_Call(self, node: ast.Call) -> ast.AST:
        use = _use(node)
        if use is None:
            return self.generic_visit(node)
        made = self.written(replace(use, tensor=self.visit(use.tensor)))
        return self.generic_visit(node) if made is None else made

    def _field(self, value: Any) -> Any:
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            return self._statements(value)
        return super()._field(value)

    def _statements(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements; the two that pad and convolve become one where their use is written otherwise."""
        done: list[ast.stmt] = []
        rest = [*statements]
        while rest:
            for count, found in ((1, _chosen(rest[0])), (2, _padded(rest[:2]))):
                if found is None:
                    continue
                last, use = found
                made = self.written(use)
                done += rest[:count] if made is None else [_with_value(last, made)]
                del rest[:count]
                break
            else:
                done.append(self.visit(rest.pop(0)))
        return done


def _use(node: ast.expr) -> Use | None:
    """The layer that an expression makes and calls."""
    match node:
        case ast.Call(
            func=ast.Call(func=ast.Name(id=wrapper), args=[ast.Call() as made], keywords=[]),
            args=[tensor],
            keywords=[],
        ) if wrapper in WRAPPERS:
            return _made(made, tensor, wrapper)
        case ast.Call(func=ast.Call() as made, args=[tensor], keywords=[]):
            return _made(made, tensor, None)
    return None


def _made(made: ast.Call, tensor: ast.expr, wrapper: str | None) -> Use | None:
    match made:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="layers"), attr=kind), args=args):
            given = {each.arg: each.value for each in made.keywords if each.arg is not None}
            if "name" not in given:
                return None
            use = Use(kind, tuple(args), given, given["name"], tensor, wrapper)
            if use.is_conv:
                return _conv(use)
            return replace(use, keywords={k: v for k, v in given.items() if k != "name"})
    return None


def _conv(use: Use) -> Use:
    given = use.keywords
    strides = given.get("strides")
    is_same = "padding" in given and equal(given["padding"], ast.Constant("same"))
    others = {name: value for name, value in given.items() if name not in _OF_WINDOW}
    regular = _is_number(use.kernel) and (strides is None or _is_number(strides))
    if not is_same:  # a kernel of 1 pads nothing, and all else by no rule
        regular = regular and _odd(use.kernel) == 1
    return replace(use, keywords=others, strides=strides, is_same=is_same, is_regular=regular)


def _is_number(node: ast.expr) -> bool:
    """Whether it is one number for all axes: whatever is no tuple."""
    return not isinstance(node, ast.Tuple)


def _odd(node: ast.expr) -> int | None:
    """A kernel that is written as an odd number."""
    match node:
        case ast.Constant(value=int(number)) if number % 2 == 1:
            return number
    return None


def _padded(statements: Sequence[ast.stmt]) -> tuple[ast.stmt, Use] | None:
    """A padding and the convolution behind it, with the latter's statement."""
    match statements:
        case [ast.Assign(targets=[target]) as ahead, (ast.Assign() | ast.Return()) as last]:
            pad, conv = _value(ahead), _value(last)
        case _:
            return None
    if pad is None or conv is None or not conv.is_conv or not pad.kind.startswith("ZeroPadding"):
        return None
    if not equal(target, conv.tensor) or not _ends(pad.name, conv.name, "_pad") or conv.is_same:
        return None
    regular = conv.strides is not None and _is_number(conv.strides)
    regular = regular and _is_half(pad.args[0], conv.kernel)
    return last, replace(
        conv, tensor=pad.tensor, is_regular=regular, is_padded=True, pads=pad.args[0]
    )


def _chosen(statement: ast.stmt) -> tuple[ast.stmt, Use] | None:
    """A convolution that pads by itself at stride 1, and has a padding ahead else."""
    match statement:
        case ast.If(
            test=ast.Compare(left=strides, ops=[operator], comparators=[ast.Constant(value=1)]),
            body=then,
            orelse=other,
        ) if isinstance(operator, ast.Eq | ast.NotEq):
            dense, strided = (then, other) if isinstance(operator, ast.Eq) else (other, then)
        case _:
            return None
    found = _padded(strided)
    if found is None or len(dense) != 1 or not isinstance(dense[0], ast.Assign | ast.Return):
        return None
    (last, padded), same = found, _value(dense[0])
    if same is None or not same.is_same or not equal(padded.strides, strides):
        return None
    if not equal(_with_value(last, _plain(padded)), _with_value(dense[0], _plain(same))):
        return None
    return last, replace(padded, is_same=True, is_regular=padded.is_regular and same.is_regular)


def _plain(use: Use) -> ast.expr:
    """All that a use says but how it is padded."""
    made = call(use.kind, use.args, **use.keywords)
    return call(use.wrapper or "", [made, use.name, use.tensor])


def _value(statement: ast.stmt) -> Use | None:
    match statement:
        case ast.Assign(value=ast.expr() as value) | ast.Return(value=ast.expr() as value):
            return _use(value)
    return None


def _with_value(statement: ast.stmt, value: ast.expr) -> ast.stmt:
    if isinstance(statement, ast.Assign):
        return ast.Assign(statement.targets, value)
    return ast.Return(value)


def _is_half(amount: ast.expr, kernel: ast.expr) -> bool:
    """Whether an amount of padding is half of the kernel."""
    number = _odd(kernel)
    if number is not None:
        return equal(amount, ast.Constant(number // 2))
    return equal(amount, half(kernel)) or equal(amount, half_of_any(kernel))


def half(kernel: ast.expr) -> ast.expr:
    """What an odd kernel pads at either side."""
    return ast.BinOp(kernel, ast.FloorDiv(), ast.Constant(2))


def half_of_any(kernel: ast.expr) -> ast.expr:
    """What a kernel pads at either side, as the geometry of ops has it: for even ones too."""
    return half(ast.BinOp(kernel, ast.Sub(), ast.Constant(1)))


def _ends(name: ast.expr, stem: ast.expr, suffix: str) -> bool:
    """Whether a name is another with ``suffix`` behind it."""
    match name, stem:
        case ast.Constant(value=str(one)), ast.Constant(value=str(other)):
            return one == other + suffix
        case ast.JoinedStr(values=[*ahead, ast.Constant(value=str(one))]), ast.JoinedStr(
            values=[*start, ast.Constant(value=str(other))]
        ):
            alike = len(ahead) == len(start) and all(map(equal, ahead, start))
            return alike and one == other + suffix
    return False
