"""The tree of steps that the elaborator expands, as a program: names of results become edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from netspec import tree
from netspec.errors import Span
from netspec.ir.program import Kind, Node, Program, Region, Value
from netspec.ops import Op
from netspec.ops.merge import MERGES
from netspec.types import TensorType

Named = dict[str, Value]
"""The results that have names, in one block or in the network itself."""


def program_of(network: tree.Network) -> Program:
    """The program of an elaborated network."""
    return _Builder().program(network)


class _Builder:
    def __init__(self) -> None:
        self._ids = count()
        self._rows: list[list[Node | Region]] = [[]]
        self._names: dict[int, str] = {}

    def _value(self, type: TensorType) -> Value:
        return Value(next(self._ids), type)

    def program(self, network: tree.Network) -> Program:
        entering = value = self._value(network.source)
        named: Named = {}
        value = self._region("sequence", network.stem.items, value, named, span=network.stem.span)
        stages: Named = {}
        for stage in network.stages:
            value = stages[stage.path] = self._stage(stage, value, dict(stages))
        named |= stages
        value = self._region("sequence", network.head.items, value, named, span=network.head.span)
        outputs = {name: named[place] for name, place in network.outputs.items()}
        return Program(
            main=Region(
                "network",
                tuple(self._rows.pop()),
                entering,
                value,
                arguments=network.values,
                span=network.span,
                formulas=network.formulas,
            ),
            inputs=(entering,),
            outputs={**outputs, "output": value},
            name=network.name,
            variant=network.variant,
            title=network.title,
            doc=network.doc,
            arguments=network.arguments,
            span=network.span,
            names=self._names,
        )

    def _stage(self, stage: tree.Stage, value: Value, earlier: Named) -> Value:
        self._rows.append([])
        entering = value
        if stage.between.items:
            value = self._region("sequence", stage.between.items, value, earlier)
        for block in stage.blocks:
            value = self._step(block, value, {})
        items = tuple(self._rows.pop())
        self._rows[-1].append(Region("stage", items, entering, value, stage.path, span=stage.span))
        return value

    def _region(
        self,
        kind: Kind,
        steps: Sequence[tree.Node],
        value: Value,
        named: Named,
        path: str = "",
        **more: Any,
    ) -> Value:
        """Add a region of ``steps``, one after another, to what stands around it."""
        self._rows.append([])
        entering = value
        for step in steps:
            value = self._step(step, value, named)
        items = tuple(self._rows.pop())
        self._rows[-1].append(Region(kind, items, entering, value, path, **more))
        return value

    def _step(self, step: tree.Node, value: Value, named: Named) -> Value:
        """Add a step; the value that leaves it."""
        match step:
            case tree.Layer():
                noted = {"formulas": step.formulas, "indices": step.indices}
                return self._node(step.op, (value,), step.target, step.path, step.span, **noted)
            case tree.Sequence(path=None, expansion=None):
                for item in step.items:
                    value = self._step(item, value, named)
                return value
            case tree.Sequence():
                return self._sequence(step, value, named)
            case tree.Block():
                return self._region(
                    "block",
                    (step.body,),
                    value,
                    {},
                    step.path,
                    span=step.span,
                    definition=step.definition,
                    arguments=step.arguments,
                    formulas=step.formulas,
                    indices=step.indices,
                )
            case tree.Reference():
                values = [named[name] for name in step.names]
                if len(values) == 1:
                    return values[0]
                return self._node(MERGES[step.merge](), values, step.target, step.path, step.span)
            case tree.Tap():
                given = named[step.name] = self._step(step.body, value, named)
                if given is not value:  # what a step passes on has the name that it was given
                    self._names.setdefault(given.id, step.name)
                return given
            case tree.Residual() | tree.Gate() | tree.Branches():
                return self._combinator(step, value, named)
        raise AssertionError(step)  # pragma: no cover

    def _sequence(self, step: tree.Sequence, value: Value, named: Named) -> Value:
        """Add what has a name, or a part that the spec says in a word of its own."""
        note, path = step.expansion, step.path or ""
        if note is None:
            return self._region("sequence", step.items, value, named, path, span=step.span)
        # What a slot or an inline block names is its own.
        inner = {} if note.kind in ("slot", "inline") else named
        return self._region(
            "when" if note.kind == "slot" else note.kind,
            step.items,
            value,
            inner,
            path,
            definition=note.definition,
            arguments=note.arguments,
            span=step.span,
            formulas=note.formulas,
            indices=note.indices,
            test=note.test,
            outcome=note.outcome,
            position=note.position,
        )

    def _combinator(
        self, step: tree.Residual | tree.Gate | tree.Branches, value: Value, named: Named
    ) -> Value:
        kind, merge = _KINDS[type(step)]
        self._rows.append([])
        operands = [
            self._region("sequence", part.items, value, named, span=part.span)
            for part in step.children
            if isinstance(part, tree.Sequence)
        ]
        if isinstance(step, tree.Residual) and step.shortcut_first:
            operands.reverse()
        if isinstance(step, tree.Gate):
            operands.insert(0, value)
        op = MERGES[step.merge if isinstance(step, tree.Branches) else merge]()
        result = self._node(op, operands, step.target, step.path, step.span)
        items = tuple(self._rows.pop())
        self._rows[-1].append(Region(kind, items, value, result, span=step.span))
        return result

    def _node(
        self,
        op: Op,
        inputs: Sequence[Value],
        target: TensorType,
        path: str,
        span: Span | None,
        **noted: Any,
    ) -> Value:
        """Add an op; the value that it gives."""
        result = self._value(target)
        self._rows[-1].append(Node(op, tuple(inputs), (result,), path, span, **noted))
        return result


_KINDS: Mapping[type[tree.Node], tuple[Kind, str]] = {
    tree.Residual: ("residual", "add"),
    tree.Gate: ("gate", "mul"),
    tree.Branches: ("branches", ""),
}
