"""From the regions and ops of a template to steps: what a combinator, a block or a choice is written as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from netspec.errors import NetspecError, Span, fail
from netspec.ir import Node, Region, Value
from netspec.ir.program import MERGING
from netspec.ir.template import Call, Choice, Merged, Template
from netspec.ir.template.numbers import at
from netspec.lang.expression.symbolic import value_at
from netspec.ops import OPS
from netspec.ops.base import Function
from netspec.ops.merge import MERGES, Concat, Merge, Mul
from netspec.ops.structure import ResizeLike, Split
from netspec.unparse.attributes import Defaults, Place, written
from netspec.unparse.numbers import Numbers
from netspec.unparse.steps import Row, Step

Item = Node | Region | Choice

ROLES: Mapping[str, str] = {"batch_norm": "norm", "relu": "act"}
"""The roles that the language has for ops."""

LIKE = "like"
"""The attribute that names what gives the size."""


class Block(Protocol):
    """A block as the spec declares it."""

    name: str

    def arguments(self, call: Call, numbers: Numbers) -> dict[str, Any]:
        """What a call gives, by parameter."""


B = TypeVar("B", bound=Block)


def unprintable(what: str, span: Span | None, path: str = "") -> NetspecError:
    """The error of what no spec can say."""
    return fail("NS707", f"the network has {what}, which no spec can say", span, path=path or None)


def places(template: Template) -> list[Place]:
    """The ops of a template that are written in it, with the shapes that have each."""
    found: list[Place] = []

    def visit(item: Item, shapes: frozenset[int]) -> None:
        match item:
            case Node():
                found.append((item, shapes))
            case Choice():
                for outcome, side in ((True, item.then), (False, item.other)):
                    visit(side, sides(item, shapes)[outcome])
            case Region() if item.kind != "block":
                for inner in item.items:
                    visit(inner, shapes)

    for item in template.body.items:
        visit(item, frozenset(range(len(template.representatives))))
    return found


def sides(choice: Choice, shapes: frozenset[int]) -> dict[bool, frozenset[int]]:
    """The shapes that a choice sends each way."""
    then = frozenset(i for i in shapes if value_at(choice.test, i))
    return {True: then, False: shapes - then}


class Body(Generic[B]):
    """Makes the steps of one template.

    Attributes:
        numbers: writes its numbers.
        calls: the steps that call blocks, with what they call.
    """

    def __init__(
        self,
        template: Template,
        defaults: Defaults,
        blocks: Mapping[int, B],
        numbers: Numbers,
    ) -> None:
        """``blocks`` are those of the templates inside, by identity."""
        self.numbers = numbers
        self.calls: list[tuple[Step, B]] = []
        self._template = template
        self._defaults = defaults
        self._blocks = blocks

    @property
    def everywhere(self) -> frozenset[int]:
        """All shapes."""
        return frozenset(range(len(self._template.representatives)))

    def row(self, items: Sequence[Item], shapes: frozenset[int]) -> Row:
        """The steps of items in a row, in the shapes that have them."""
        found: Row = []
        for item in items:
            match item:
                case Node() if isinstance(item.op, Merge):
                    found.append(self._merge(item, shapes))
                case Node():
                    found.append(self._op(item, shapes))
                case Choice():
                    found.append(self._when(item, shapes))
                case Region():
                    found += self._region(item, shapes)
        return found

    def _region(self, region: Region, shapes: frozenset[int]) -> Row:
        if region.kind == "block":
            return [self.call(region)]
        if region.kind == "sequence" and region.path:
            return self._sequence(region, shapes)
        if region.kind == "repeat":
            return self._repeat(region, shapes)
        whole = _combinator(region)
        if whole is None:
            return self.row(region.items, shapes)
        word, parts, merge = whole
        step = Step(
            "part",
            word,
            merge.path,
            merge.op.label,
            takes=(region.source,),
            gives=merge.outputs,
            said={} if word != "branches" else {"merge": merge.op.kind},
        )
        for key, part in zip(self._keys(word, parts), parts, strict=True):
            step.parts[key] = self.row(part.items, shapes)
            step.ends[key] = part.result
        return [step]

    def _keys(self, word: str, parts: Sequence[Region]) -> list[str]:
        if word != "branches":
            return ["body", "shortcut"][: len(parts)]
        names = [self._template.names.get(part.result.id, "") for part in parts]
        if len({*names, "", "merge"}) < len(names) + 2:
            return [f"path{number}" for number in range(1, len(parts) + 1)]
        return names

    def _sequence(self, region: Region, shapes: frozenset[int]) -> Row:
        row = self.row(region.items, shapes)
        if not row:
            return []
        return [
            Step(
                "sequence",
                "sequence",
                region.path,
                takes=(region.source,),
                gives=_given(region),
                parts={"": row},
                ends={"": region.result},
            )
        ]

    def _repeat(self, region: Region, shapes: frozenset[int]) -> Row:
        times, items = region.outcome, region.items
        if not isinstance(times, int) or times < 2 or len(items) % times:
            return self.row(items, shapes)
        size = len(items) // times
        rounds = [self.row(items[n * size : (n + 1) * size], shapes) for n in range(times)]
        return [
            Step("repeat", "repeat", takes=(region.source,), gives=_given(region), rounds=rounds)
        ]

    def _when(self, choice: Choice, shapes: frozenset[int]) -> Step:
        of = sides(choice, shapes)
        merged = _merged(choice)
        first = merged[0] if merged else None
        flows = choice.then.result if first is None else first.result
        step = Step(
            "when",
            "when",
            takes=(choice.then.source,),
            gives=() if flows.id == choice.then.source.id else (flows,),
            said={"test": self.numbers.write(choice.test)},
            test=choice.test,
            merged=tuple(merged[1:]),
        )
        for key, side in (("then", choice.then), ("else", choice.other)):
            step.parts[key] = self.row(side.items, of[key == "then"])
            step.ends[key] = side.result
        if first is not None:
            step.ends = {"then": first.then, "else": first.other}
        return step

    def _merge(self, node: Node, shapes: frozenset[int]) -> Step:
        if len(node.inputs) < 2:
            raise unprintable(f"`{node.op.kind}` of a single input", node.span, node.path)
        if isinstance(node.op, Mul) and self._is_spread(node, shapes):
            if len(node.inputs) > 2:
                message = "a product of several, one of them with one value a channel"
                raise unprintable(message, node.span, node.path)
            source, factor = node.inputs
            body: Row = [Step("pass", takes=(factor,), gives=(factor,))]
            return Step(
                "part",
                "gate",
                node.path,
                node.op.label,
                takes=(source,),
                gives=node.outputs,
                parts={"body": body},
                ends={"body": factor},
            )
        return Step("merge", node.op.kind, node.path, "join", takes=node.inputs, gives=node.outputs)

    @staticmethod
    def _is_spread(node: Node, shapes: frozenset[int]) -> bool:
        types = [tuple(at(v.type.size, i) for i in sorted(shapes)) for v in node.inputs]
        return any(type != types[0] for type in types)

    def _op(self, node: Node, shapes: frozenset[int]) -> Step:
        op = node.op
        known = isinstance(op, Split | ResizeLike) or not isinstance(op, Function)
        if not known or (OPS.get(op.kind) is not type(op) and not isinstance(op, ResizeLike)):
            raise unprintable(f"the op `{op.kind}`", node.span, node.path)
        said = written((node, shapes), self._defaults, self.numbers)
        return Step(
            "op",
            ROLES.get(op.kind, op.kind),
            node.path,
            op.label,
            op.numbered,
            takes=node.inputs,
            gives=node.outputs,
            said=said,
            like=LIKE if len(node.inputs) > 1 else "",
        )

    def call(self, region: Region) -> Step:
        """The step that calls a block."""
        call = self._template.calls[region]
        block = self._blocks[id(call.template)]
        step = Step(
            "call",
            block.name,
            region.path,
            takes=region.inputs,
            gives=region.outputs if len(region.outputs) > 1 else _given(region),
            said=block.arguments(call, self.numbers),
        )
        self.calls.append((step, block))
        return step


def _merged(choice: Choice) -> list[Merged]:
    """What a choice merges, each value that of a side: one may be said by another result."""
    by_result = {each.result.id: each for each in choice.merged}

    def of(value: Value, is_then: bool) -> Value:
        while value.id in by_result:
            found = by_result[value.id]
            value = found.then if is_then else found.other
        return value

    return [Merged(m.result, of(m.then, True), of(m.other, False)) for m in choice.merged]


def _given(region: Region) -> tuple[Value, ...]:
    return () if region.result.id == region.source.id else (region.result,)


def _combinator(region: Region) -> tuple[str, list[Region], Node] | None:
    """The word for a region, its parts and what merges them, where it is still what that word means."""
    *first, merge = region.items or (None,)
    if region.kind not in MERGING or not isinstance(merge, Node):
        return None
    parts = [p for p in first if isinstance(p, Region) and p.kind == "sequence" and not p.path]
    if len(parts) != len(first) or not isinstance(merge.op, Merge):
        return None
    if merge.outputs[0].id != region.result.id or type(merge.op) is not MERGES[merge.op.kind]:
        return None
    if any(part.source.id != region.source.id for part in parts):
        return None
    taken = [value.id for value in merge.inputs]
    results = [part.result.id for part in parts]
    if region.kind == "gate" and merge.op.kind == "mul" and len(parts) == 1:
        return ("gate", parts, merge) if taken == [region.source.id, *results] else None
    if taken != results or len(parts) < 2:
        return None
    if region.kind == "residual":
        if merge.op.kind != "add" or len(parts) != 2:
            return None
        plain = not parts[1].items and results[1] == region.source.id
        return "residual", parts[:1] if plain else parts, merge
    is_behind = isinstance(merge.op, Concat) and len(parts) == 2 and not parts[0].items
    if is_behind and results[0] == region.source.id:
        return "concat", parts[1:], merge
    return "branches", parts, merge
