"""PyTorch source of what makes the stages of several networks: a method for stages of one pattern."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence

from netspec.backends.torch.naming import NAMING
from netspec.backends.torch.rows import SIGNATURE_DEFAULTS
from netspec.codegen.classes import SourceClass
from netspec.codegen.family import Style
from netspec.codegen.helper import INDEX, Helper, attribute_of
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.nodes import (
    assign,
    call,
    clause,
    dotted,
    for_,
    function,
    parameter,
    reads,
)
from netspec.codegen.printing import Printer
from netspec.ir.template import Growth, Series

FACTORY = "Callable[..., nn.Module]"
"""The type of an argument that makes a layer."""

MAKE_LAYER = "_make_layer"
"""What the method is called, as in torchvision."""


def block_type(kinds: Sequence[SourceClass]) -> str:
    """The type of a parameter whose value is one of these classes."""
    return " | ".join(f"type[{kind.name}]" for kind in kinds)


def _own(identifier: str) -> ast.expr:
    """A number that the network keeps."""
    return dotted(f"self.{identifier}")


STYLE = Style(
    takes_channels=True,
    block_type=block_type,
    channels_of=lambda channels: channels,
    share=_own,
    reserved=frozenset(NAMING.reserved),
)
"""The networks keep what they give to all blocks alike, as torchvision's do."""


def keeping(known: Collection[Helper], printer: Printer) -> list[ast.stmt]:
    """What a network keeps for its helpers."""
    shared = {
        safe_identifier(name): value for helper in known for name, value in helper.shared.items()
    }
    return [assign(f"self.{name}", printer.value(value)) for name, value in shared.items()]


def method(helper: Helper) -> ast.stmt:
    """The method: blocks in a row, which are called by their index or by a name with a number."""
    printer = Printer(SIGNATURE_DEFAULTS)
    is_added = helper.growth is not None and helper.growth.is_added
    is_plain = helper.is_numbered and not helper.has_last and not (is_added and helper.channels)
    body = _at_once(helper, printer) if is_plain else _in_loop(helper, printer)
    declared = [each.declared(FACTORY) for each in helper.parameters]
    if helper.shared:
        declared.insert(0, (parameter("self"), None))
    made = function(helper.name, declared, body, returns=dotted("nn.Sequential"))
    assert isinstance(made, ast.FunctionDef)
    if not helper.shared:
        made.decorator_list = [ast.Name("staticmethod")]
    return made


def _at_once(helper: Helper, printer: Printer) -> list[ast.stmt]:
    """One call that holds all blocks."""
    widens = bool(helper.channels and helper.growth is not None)
    entering = [ast.Name(helper.identifier(helper.channels))] if helper.channels else []
    if not (widens or helper.has_first):
        every = _repeated(helper.block_call(printer, "rest", entering), helper.numbers())
        return [ast.Return(call("nn.Sequential", [every]))]
    before: list[ast.stmt] = []
    behind: list[ast.expr] = [*entering]
    if widens:
        node = helper.widened(printer)
        behind = [node]
        if not isinstance(node, ast.Name | ast.Constant):
            out = helper.local("out_channels")
            before, behind = [assign(out, node)], [ast.Name(out)]
    others = _repeated(helper.block_call(printer, "rest", behind), helper.numbers(1))
    blocks = [helper.block_call(printer, "first", entering), others]
    return [*before, ast.Return(call("nn.Sequential", blocks))]


def _repeated(block: ast.expr, numbers: ast.expr) -> ast.expr:
    """A block for each number, as arguments."""
    return ast.Starred(ast.GeneratorExp(block, [clause("_", numbers)]))


def _in_loop(helper: Helper, printer: Printer) -> list[ast.stmt]:
    """Blocks that are added one by one."""
    entering = [ast.Name(helper.identifier(helper.channels))] if helper.channels else []
    block = helper.block_call(printer, "each", entering)
    stage = helper.local("stage")
    if helper.is_numbered:
        added = call(f"{stage}.append", [block])
    else:
        added = call(f"{stage}.add_module", [helper.block_name(), block])
    body: list[ast.stmt] = [ast.Expr(added)]
    if helper.channels and helper.growth is not None:
        widened = helper.widened(printer)
        if helper.growth.is_added:
            body.append(ast.AugAssign(entering[0], ast.Add(), widened))
        else:
            body.append(assign(entering[0], widened))
    index = INDEX if any(INDEX in reads(each) for each in body) else "_"
    loop = for_(index, helper.numbers(), body)
    return [assign(stage, call("nn.Sequential")), loop, ast.Return(ast.Name(stage))]


def factors_of(
    source_class: SourceClass, made: Iterable[Mapping[Series, Helper]]
) -> dict[Growth, int]:
    """By how much a block widens, where networks ask its class."""
    found: dict[Growth, int] = {}
    for helper in (helper for known in made for helper in known.values()):
        growth = helper.growth
        if growth is not None and helper.asks and source_class.template in helper.templates:
            shape = helper.templates.index(source_class.template)
            found[growth] = growth.factors[shape]
    return found


def widened(formula: ast.expr, factors: Mapping[Growth, int]) -> ast.expr:
    """A formula of a block, in which an attribute of its class stands for the factor by which it widens."""
    for growth, factor in factors.items():
        match formula:
            case ast.BinOp(ast.Name(id=name), ast.Mult(), ast.Constant(value=number)):
                if (name, number) == (safe_identifier(growth.argument), factor):
                    own = dotted(f"self.{attribute_of(growth)}")
                    return ast.BinOp(ast.Name(name), ast.Mult(), own)
    return formula
