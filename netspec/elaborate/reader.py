"""What stands at a place in the text, read once for all the blocks that come by it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from netspec.elaborate.formulas import of_arguments, of_attributes
from netspec.errors import NetspecError, fail
from netspec.ir.definition import Declared, Definition
from netspec.ir.formula import Formula, Formulas
from netspec.lang.expression.expr import Expression
from netspec.lang.schema.bind import bind_attributes, bind_steps
from netspec.lang.schema.fields import to_expression
from netspec.lang.schema.refusal import Refusal
from netspec.lang.schema.syntax import (
    Action,
    Argument,
    AttributeValue,
    BlockDefinition,
    CallAction,
    Defaults,
    OpAction,
    Step,
)

Attributes = Mapping[str, AttributeValue]
T = TypeVar("T")

COUNTERS = frozenset(("index", "running_index"))
"""Names whose values change from block to block."""


def is_for_each_block(argument: Argument) -> bool:
    """Whether a value is a list of one for each block of a stage: ``{each: […]}``."""
    return isinstance(argument.value, dict) and set(argument.value) == {"each"}


class Reader:
    """Reads the values of one spec, whose types only the parameters say that they are given to."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Any] = {}

    def _once(self, key: tuple[Any, ...], read: Callable[[], T]) -> T:
        """What ``read`` gives, remembered under a key that keeps the places in it alive."""
        found: T | None = self._known.get(key)
        if found is None:
            found = self._known[key] = read()
        return found

    def expression(self, argument: Argument) -> Expression:
        """An argument as an expression."""

        def read() -> Expression:
            try:
                parsed = to_expression(argument.value)
            except Refusal as error:
                raise fail(error.code, error.message, argument.span, help=error.help) from None
            return Expression(parsed.text, parsed.node, argument.span)

        return self._once(("expression", argument), read)

    def steps(self, argument: Argument) -> tuple[Step, ...]:
        """An argument as steps."""
        return self._once(("steps", argument), lambda: bind_steps(argument.value, argument.spans))

    def items(self, argument: Argument) -> list[Argument]:
        """The items of an argument that is a list, each as one of its own."""
        spans = argument.spans
        return self._once(
            ("items", argument),
            lambda: [
                Argument(item, spans.subtree((index,))) for index, item in enumerate(argument.value)
            ],
        )

    def stride_elsewhere(self, stride: Argument) -> Argument:
        """What blocks get that a stage's stride is not for: 1, unless it says what each of them gets."""

        def read() -> Argument:
            return stride if self.is_of_each_block(stride) else Argument(1, stride.spans)

        return self._once(("stride", stride), read)

    def is_of_each_block(self, argument: Argument) -> bool:
        """Whether a value is written for each block: as a list, or by what counts them."""

        def read() -> bool:
            if is_for_each_block(argument):
                return True
            if not isinstance(argument.value, str):
                return False
            try:
                return not COUNTERS.isdisjoint(self.expression(argument).names)
            except NetspecError:  # what is wrong with it is told where it is worked out
                return False

        return self._once(("each", argument), read)

    def as_op(self, action: CallAction, kind: str) -> OpAction:
        """What a step gives to a role that is the op ``kind``."""

        def read() -> OpAction:
            raw = {name: argument.value for name, argument in action.arguments.items()}
            attributes = bind_attributes(kind, raw, action.spans) if raw else {}
            return OpAction(kind, attributes, action.spans)

        return self._once(("op", action, kind), read)

    def attributes(
        self, action: OpAction, role: OpAction | None, defaults: Defaults, label: str
    ) -> tuple[Attributes, Formulas]:
        """What fills the attributes that an op leaves open, and the formulas of all attributes.

        ``role`` holds those that the spec's role gives, ``label`` is the scope of the op's own.
        """

        def read() -> tuple[Attributes, Formulas]:
            of_role = {} if role is None else role.attributes
            open = {**defaults.attributes.get(action.kind, {}), **of_role}
            return open, of_attributes(action.attributes, label, open)

        return self._once(("attributes", action, role, label), read)

    def formulas(
        self, definition: BlockDefinition, arguments: Mapping[str, Argument], label: str
    ) -> Formulas:
        """The formulas of a call's arguments, given in the scope called ``label`` or by default."""
        return self._once(
            ("formulas", definition, label, *arguments.values()),
            lambda: of_arguments(definition.params, arguments, label, definition.name),
        )

    def definition(self, block: BlockDefinition) -> Definition:
        """A block without its text."""

        def read() -> Definition:
            params = {
                name: Declared(name, param.type, param.default and param.default.value)
                for name, param in block.params.items()
            }
            let = {name: Formula(value.node, block.name) for name, value in block.let.items()}
            return Definition(block.name, block.title, block.doc, params, let, tuple(block.inputs))

        return self._once(("definition", block), read)

    def test(self, action: Action, node: ast.expr, label: str) -> Formula:
        """The formula of what decides about ``action`` in the scope called ``label``."""
        return self._once(("test", action, label), lambda: Formula(node, label))
