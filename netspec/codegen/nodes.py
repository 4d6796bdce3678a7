"""Code as data: makes nodes of Python's syntax tree, of which generated source is printed."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from netspec.lang.expression.formula import Rewriter, print_number

Given = ast.expr | ast.keyword
"""An argument of a call."""


def dotted(path: str) -> ast.expr:
    """A name, or what stands behind its dots: ``nn.Conv2d``."""
    first, *rest = path.split(".")
    node: ast.expr = ast.Name(first)
    for attribute in rest:
        node = ast.Attribute(node, attribute)
    return node


def names(found: Sequence[str]) -> ast.expr:
    """Variables side by side, or the one that there is."""
    return side_by_side([ast.Name(each) for each in found])


def side_by_side(nodes: Sequence[ast.expr]) -> ast.expr:
    """Expressions with commas between them, or the one that there is."""
    return ast.Tuple([*nodes]) if len(nodes) > 1 else nodes[0]


def constant(value: Any) -> ast.expr:
    """A number, text, None, or a tuple or list of them; code as it is."""
    match value:
        case tuple():
            return ast.Tuple([*map(constant, value)])
        case list():
            return ast.List([*map(constant, value)])
        case float():
            return _fraction(value)
        case ast.expr():
            return value
    return ast.Constant(value)


def _fraction(value: float) -> ast.expr:
    """A number; a simple fraction that has no short decimal form is written as one."""
    if math.isfinite(value) and len(print_number(value)) > 12:
        fraction = Fraction(value).limit_denominator(64)
        if fraction.numerator / fraction.denominator == value:
            numbers = ast.Constant(fraction.numerator), ast.Constant(fraction.denominator)
            return ast.BinOp(numbers[0], ast.Div(), numbers[1])
    return ast.Constant(value)


def filled(pattern: str, **values: ast.expr) -> ast.expr:
    """A text in which expressions stand in braces, as an f-string; texts that have none are plain."""
    parts: list[ast.expr] = []
    rest = pattern
    for key, node in values.items():
        before, _, rest = rest.partition(f"{{{key}}}")
        parts += [ast.Constant(before)] if before else []
        parts.append(ast.FormattedValue(node, -1))
    return ast.JoinedStr([*parts, ast.Constant(rest)] if rest else parts)


def call(
    function: str | ast.expr, arguments: Iterable[Given] = (), **keywords: ast.expr
) -> ast.Call:
    """``function(arguments)``; a text is a dotted name."""
    given = [*arguments, *(ast.keyword(key, value) for key, value in keywords.items())]
    return ast.Call(
        dotted(function) if isinstance(function, str) else function,
        [each for each in given if isinstance(each, ast.expr)],
        [each for each in given if isinstance(each, ast.keyword)],
    )


def lambda_of(variable: str, body: ast.expr) -> ast.expr:
    """``lambda variable: body``."""
    return ast.Lambda(_arguments([(ast.arg(variable), None)]), body)


def by_name(values: Mapping[str, ast.expr]) -> ast.expr:
    """A dict whose keys are texts."""
    return ast.Dict([ast.Constant(key) for key in values], [*values.values()])


def clause(variable: str, source: ast.expr) -> ast.comprehension:
    """``for variable in source`` of a comprehension."""
    return ast.comprehension(ast.Name(variable), source, [], 0)


def assign(target: str | ast.expr, value: ast.expr) -> ast.Assign:
    """``target = value``; a text is a dotted name."""
    return ast.Assign([dotted(target) if isinstance(target, str) else target], value)


def if_(test: ast.expr, then: Sequence[ast.stmt], other: Sequence[ast.stmt] = ()) -> ast.If:
    """``if test``, with ``else`` where ``other`` holds anything."""
    return ast.If(test, [*then], [*other])


def for_(target: str, source: ast.expr, body: Sequence[ast.stmt]) -> ast.For:
    """A loop."""
    return ast.For(ast.Name(target), source, [*body], [])


def variable_of(operand: ast.expr) -> str | None:
    """The variable that an operand is; None for an expression that was not given to one yet."""
    return operand.id if isinstance(operand, ast.Name) else None


def reads(node: ast.AST) -> frozenset[str]:
    """The names in a node."""
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def returning(statements: Sequence[ast.stmt], *operands: ast.expr) -> list[ast.stmt]:
    """The statements with a return of tensors behind them; of one, folded into an assignment to it."""
    match [*statements], operands:
        case [*before, ast.Assign(targets=[ast.Name(id=target)], value=value)], [
            ast.Name(id=result)
        ]:
            if target == result:
                return [*before, ast.Return(value)]
    return [*statements, ast.Return(side_by_side(operands))]


Parameter = tuple[ast.arg, ast.expr | None]
"""A parameter of a function, and its default."""


def parameter(identifier: str, kind: str | None = None) -> ast.arg:
    """A parameter of a type that is written ``kind``."""
    return ast.arg(identifier, None if kind is None else annotation(kind))


def annotation(kind: str) -> ast.expr:
    """A type as it is written."""
    return ast.parse(kind, mode="eval").body


def function(
    identifier: str,
    parameters: Sequence[Parameter],
    body: Sequence[ast.stmt],
    *,
    doc: str | None = None,
    returns: ast.expr | None = None,
    by_keyword: Sequence[Parameter] = (),
) -> ast.stmt:
    """A function; calls pass the parameters ``by_keyword`` so only."""
    arguments = _arguments(parameters, by_keyword)
    return ast.FunctionDef(identifier, arguments, _documented(doc, body), [], returns)


def _arguments(
    parameters: Sequence[Parameter], by_keyword: Sequence[Parameter] = ()
) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=[each for each, _ in parameters],
        kwonlyargs=[each for each, _ in by_keyword],
        kw_defaults=[default for _, default in by_keyword],
        defaults=[default for _, default in parameters if default is not None],
    )


def class_(identifier: str, base: str, doc: str | None, body: Sequence[ast.stmt]) -> ast.stmt:
    """A class."""
    return ast.ClassDef(identifier, [dotted(base)], [], _documented(doc, body), [])


def docstring(*lines: str) -> ast.stmt:
    """A docstring of lines, each printable and without a quote that could end it."""
    return ast.Expr(ast.Constant("\n".join(map(_as_text, lines))))


def _as_text(line: str) -> str:
    text = " ".join(line.split())
    text = "".join(character if character.isprintable() else "?" for character in text)
    text = text.replace('"""', "'''")
    return text.removesuffix('"') + "'" if text.endswith('"') else text


def _documented(doc: str | None, body: Sequence[ast.stmt]) -> list[ast.stmt]:
    return [*body] if doc is None else [docstring(doc), *body]


class Replaced(Rewriter):
    """A copy in which expressions stand for names.

    Args:
        known: the expressions, by name.
    """

    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The expression that stands for a name, or the name."""
        return self.known.get(node.id, node)


def imports(*modules: str) -> list[ast.stmt]:
    """``import module``, for those that have a name."""
    return [ast.Import([ast.alias(module)]) for module in modules if module]


def import_from(module: str, found: Sequence[str]) -> ast.stmt:
    """``from module import …``."""
    return ast.ImportFrom(module, [*map(ast.alias, found)], 0)
