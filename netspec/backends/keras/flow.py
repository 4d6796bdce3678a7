"""Keras source of a body: a statement for each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netspec.backends.keras.lowered import Joined, Lowered, X, bound, is_layer
from netspec.backends.keras.plan import lower
from netspec.codegen.calls import Call, Raw
from netspec.codegen.cases import Case, by_cases, where
from netspec.codegen.flow import Flow, Value
from netspec.codegen.identifiers import Namespace
from netspec.codegen.layout import (
    Document,
    Row,
    call,
    enclosed_if_broken,
    keyword,
    literal,
    text_of,
)
from netspec.codegen.printing import Printer, quoted
from netspec.codegen.second import tree
from netspec.codegen.statements import Assign, If, Statement
from netspec.schema.names import flat_name

Naming = Callable[[str], Document]
"""The name argument of a layer: by the path of the op and a suffix."""

BlockCall = Callable[[tree.Block, Document, Document], Document]
"""The call of a block's function, on a tensor and under a name."""


EXPRESSION = "expression"
"""The function of generated source that makes a model of an expression."""


class KerasFlow(Flow):
    """A statement for each layer."""

    def __init__(
        self, printer: Printer, variables: Namespace, naming: Naming, block_call: BlockCall
    ) -> None:
        super().__init__(variables)
        self.printer = printer
        self.naming = naming
        self.block_call = block_call

    def apply(
        self, node: tree.Layer | tree.Block | tree.Sequence, value: Value, target: str
    ) -> Value:
        """The layers of an op, or the function of a block."""
        if isinstance(node, tree.Block):
            name = self.naming(flat_name(node.path))
            self.statements.append(Assign(target, self.block_call(node, value.document, name)))
            return Value(target)
        assert isinstance(node, tree.Layer)
        value = self.settle(value, target)
        lowered = by_cases(lambda: lower(node))
        self.statements += self._lowered(node, lowered, value.document, target)
        return Value(target)

    def _lowered(
        self, layer: tree.Layer, lowered: Lowered | Case[Lowered], value: Document, target: str
    ) -> list[Statement]:
        if isinstance(lowered, Case):
            test = self.printer.formula(lowered.test)
            with where(lowered.test, True), self.printer.assuming(lowered.test, True):
                then = self._lowered(layer, lowered.then, value, target)
            with where(lowered.test, False), self.printer.assuming(lowered.test, False):
                other = self._lowered(layer, lowered.other, value, target)
            return [If(test, tuple(then), tuple(other))]
        *ahead, last = lowered
        if any(isinstance(made, Joined) for _, made in lowered):
            with self._beside() as inner:
                return self._row(layer, ahead, last, value, inner, target)
        return self._row(layer, ahead, last, value, target, target)

    def _row(
        self,
        layer: tree.Layer,
        ahead: Sequence[tuple[str, Call]],
        last: tuple[str, Call],
        given: Document,
        inner: str,
        target: str,
    ) -> list[Statement]:
        """Calls one after another: the results of those ahead of the last are written to ``inner``."""
        statements: list[Statement] = []
        value = given
        for written, (suffix, made) in (*((inner, step) for step in ahead), (target, last)):
            name = self.naming(flat_name(layer.path) + suffix)
            tensor = literal("[", [given, value], "]") if isinstance(made, Joined) else value
            statements.append(Assign(written, call(self._layer(made, value, name), [tensor])))
            value = written
        return statements

    def _layer(self, made: Call, value: Document, name: Document) -> Document:
        """What is called on ``value``: a layer, or a model of an expression."""
        if not is_layer(made):
            expression = self.printer.call(bound(made, X, X))
            self.printer.targets.add(EXPRESSION)
            return call(
                EXPRESSION,
                [Row(("lambda x: ", enclosed_if_broken(expression))), value, keyword("name", name)],
            )
        made = bound(made, X, Raw(f"{text_of(value)}.shape[1:]", None))
        named = {**made.kwargs, "name": Raw(text_of(name), None)}
        return self.printer.call(Call(made.target, made.args, named))

    def is_unit(self, node: tree.Sequence) -> bool:
        """Keras has no layer for a row of layers here."""
        return False

    def merge(self, values: list[Value], how: tree.Merge, path: str, target: str) -> Value:
        """A merging layer."""
        kind = {"add": "Add", "mul": "Multiply", "concat": "Concatenate"}[how]
        made = call(f"layers.{kind}", [keyword("name", self.naming(flat_name(path)))])
        tensors = literal("[", [value.document for value in values], "]")
        self.statements.append(Assign(target, call(made, [tensors])))
        return Value(target)

    def test(self, choice: tree.Choice) -> tuple[Document, bool] | None:
        """The test itself: functions see their arguments."""
        return self.printer.formula(choice.test), True


def relative_name(name: str) -> Document:
    """The name of a layer in a block's function, which knows its own as ``name``."""
    return f'f"{{name}}_{name}"'


def absolute_name(name: str) -> Document:
    """The name of a layer of the network itself."""
    return quoted(name)
