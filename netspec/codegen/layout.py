"""Lays code out as `ruff format` does at a line length, so that generated source needs no formatter.

Code is Python's own syntax tree. Where what is done here stands for a choice of ruff's, a comment says so. A
test holds generated files against ruff itself.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence

from netspec.lang.expression.documents import (
    INDENT,
    Document,
    Group,
    IfBroken,
    Indent,
    Line,
    brackets,
    enclosed_if_broken,
    flat,
    lines_of,
    row,
    separated,
)
from netspec.lang.expression.formula import (
    SIGNS,
    bare,
    document_of,
    is_enclosed,
    is_operation,
    joined,
    operands_of,
    print_node,
)
from netspec.system.line_length import LINE_LENGTH


def lay_out(statements: Sequence[ast.stmt], level: int = 0, width: int = LINE_LENGTH) -> str:
    """The lines of statements, ``level`` levels deep and of ``width`` characters, without a last line end."""
    return "\n".join(_Layout(width).body(statements, level))


class _Layout:
    def __init__(self, width: int) -> None:
        self.width = width

    def body(self, statements: Sequence[ast.stmt], level: int) -> Iterator[str]:
        for statement in statements:
            yield from self.statement(statement, level)

    def statement(self, node: ast.stmt, level: int) -> list[str]:
        match node:
            case ast.Assign(targets=targets, value=value):
                ahead = row(*(row(bare(target), " = ") for target in targets))
                return self.expression(ahead, value, "", level)
            case ast.AnnAssign(target=target, annotation=kind, value=ast.expr() as value):
                ahead = row(document_of(target), f": {print_node(kind)} = ")
                return self.expression(ahead, value, "", level)
            case ast.AugAssign(target=target, op=op, value=value):
                ahead = row(document_of(target), f" {SIGNS[type(op)]}= ")
                return self.expression(ahead, value, "", level)
            case ast.Expr(value=ast.Constant(value=str(text))):
                return _docstring(text, level, self.width)
            case ast.Expr(value=value):
                return self.expression("", value, "", level)
            case ast.Return(value=ast.expr() as value):
                return self.expression("return ", value, "", level)
            case ast.Raise(exc=ast.expr() as value):
                return self.expression("raise ", value, "", level)
            case ast.Import() | ast.ImportFrom():
                return [ast.unparse(node)]
            case ast.For(target=target, iter=source, body=body):
                names = bare(target)
                head = row("for ", enclosed_if_broken(names), " in ", document_of(source), ":")
                lines = lines_of(head, level, self.width)
                if len(lines[-1]) > self.width:  # what is written to breaks first, in ruff too
                    lines = self.expression(row("for ", names, " in "), source, ":", level)
                return [*lines, *self.body(body, level + 1)]
            case ast.If():
                return self.branches("if ", node, level)
            case ast.FunctionDef():
                return [*self.decorators(node, level), *self.function(node, level)]
            case ast.ClassDef():
                return [*self.decorators(node, level), *self.definition(node, level)]
        raise AssertionError(ast.dump(node))  # pragma: no cover

    def branches(self, word: str, node: ast.If, level: int) -> list[str]:
        lines = [*self.expression(word, node.test, ":", level), *self.body(node.body, level + 1)]
        match node.orelse:
            case [ast.If() as other]:
                lines += self.branches("elif ", other, level)
            case [_, *_]:
                lines += [f"{_margin(level)}else:", *self.body(node.orelse, level + 1)]
        return lines

    def decorators(self, node: ast.FunctionDef | ast.ClassDef, level: int) -> Iterator[str]:
        for decorator in node.decorator_list:
            yield f"{_margin(level)}@{print_node(decorator)}"

    def function(self, node: ast.FunctionDef, level: int) -> list[str]:
        result = "" if node.returns is None else f" -> {print_node(node.returns)}"
        parameters = brackets("(", [*_parameters(node.args)], ")")
        head = row(f"def {node.name}", parameters, f"{result}:")
        return [*lines_of(head, level, self.width), *self.body(node.body, level + 1)]

    def definition(self, node: ast.ClassDef, level: int) -> list[str]:
        bases = f"({', '.join(map(print_node, node.bases))})" if node.bases else ""
        lines = [f"{_margin(level)}class {node.name}{bases}:"]
        for index, statement in enumerate(node.body):
            lines += [""] if index else []
            lines += self.statement(statement, level + 1)
        return lines

    def expression(self, ahead: Document, node: ast.expr, behind: str, level: int) -> list[str]:
        """The lines of a statement that holds an expression, which has parentheses where it needs them."""
        document = self.atom(node, level)
        match _signed(node):
            case ast.Tuple(elts=[_, _, *_] as items):
                document = _side_by_side(items)
            case ast.IfExp():
                document = enclosed_if_broken(document)
            case operation if is_operation(operation):
                lines = lines_of(row(ahead, joined(node), behind), level, self.width)
                if _can_omit(operation) and max(map(len, (lines[0], lines[-1]))) <= self.width:
                    return lines
                document = enclosed_if_broken(document)
        return lines_of(row(ahead, document, behind), level, self.width)

    def atom(self, node: ast.expr, level: int) -> Document:
        """An expression; one that has no place to break has parentheses where these make it fit."""
        document = document_of(node)
        fits = INDENT * (level + 1) + len(flat(document)) <= self.width
        return enclosed_if_broken(document) if fits and _is_whole(node) else document


def _signed(node: ast.expr) -> ast.expr:
    """What stands behind a sign or `not` without parentheses of its own, else the expression itself."""
    return node.operand if isinstance(node, ast.UnaryOp) and not is_enclosed(node) else node


def _is_whole(node: ast.expr) -> bool:
    """Whether there is no place where a line may break."""
    match node:
        case ast.Attribute(value=inner) | ast.Call(func=inner, args=[], keywords=[]):
            return _is_whole(inner)
        case ast.UnaryOp(operand=inner):
            return _is_whole(inner)
    return isinstance(node, ast.Name | ast.Constant | ast.JoinedStr)


def _side_by_side(items: Sequence[ast.expr]) -> Document:
    """A tuple of a statement, which has parentheses where it breaks."""
    inside = Indent((Line(), *separated([*map(document_of, items)])))
    return Group((IfBroken("("), inside, Line(), IfBroken(")")))


def _can_omit(node: ast.expr) -> bool:
    """Whether ruff tries without parentheses: there are brackets to break beside a single operator."""
    return len(operands_of(node)) == 2 and (_starts_in_brackets(node) or _ends_in_brackets(node))


def _starts_in_brackets(node: ast.expr) -> bool:
    if is_operation(node):
        (_, first, has_parentheses), *_ = operands_of(node)
        return has_parentheses or _starts_in_brackets(first)
    return isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.ListComp | ast.GeneratorExp)


def _ends_in_brackets(node: ast.expr) -> bool:
    match node:
        case ast.UnaryOp(operand=operand):
            return is_enclosed(node) or _ends_in_brackets(operand)
        case ast.Call(args=args, keywords=keywords):
            return bool(args or keywords)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Dict(values=items):
            return bool(items)
        case ast.ListComp() | ast.GeneratorExp() | ast.Subscript():
            return True
    if is_operation(node):
        *_, (_, last, has_parentheses) = operands_of(node)
        return has_parentheses or _ends_in_brackets(last)
    return False


def _parameters(arguments: ast.arguments) -> Iterator[Document]:
    """The parameters of a function, as they are declared."""
    plain = len(arguments.args) - len(arguments.defaults)
    for index, argument in enumerate(arguments.args):
        yield _parameter(argument, arguments.defaults[index - plain] if index >= plain else None)
    if arguments.vararg is not None:
        yield row("*", _parameter(arguments.vararg, None))
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default)
    if arguments.kwarg is not None:
        yield row("**", _parameter(arguments.kwarg, None))


def _parameter(argument: ast.arg, default: ast.expr | None) -> Document:
    name: Document = argument.arg
    if argument.annotation is not None:
        name = row(f"{argument.arg}: ", document_of(argument.annotation))
    if default is None:
        return name
    sign = "=" if argument.annotation is None else " = "
    return row(name, sign, document_of(default))


def _docstring(text: str, level: int, width: int) -> list[str]:
    """A text in three double quotes, each of its lines wrapped; whatever they hold, they stay text."""
    margin = _margin(level)
    escaped = inspect.cleandoc(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = f'{escaped[:-1]}\\"'
    wrapped: list[str] = []
    for line in escaped.split("\n"):
        room = width - len(margin) - (0 if wrapped else 6)
        found = textwrap.wrap(line, room, break_on_hyphens=False, break_long_words=False)
        wrapped += found or [""]
    first, *rest = wrapped
    if not rest:
        return [f'{margin}"""{first}"""']
    return [
        f'{margin}"""{first}',
        *(f"{margin}{line}".rstrip() for line in rest),
        f'{margin}"""',
    ]


def _margin(level: int) -> str:
    return " " * (INDENT * level)
