"""Templates of blocks as blocks of a spec: parameters, values with names, and steps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netspec.elaborate.scope import RESERVED, ROLES
from netspec.ir import Value
from netspec.ir.definition import Declared
from netspec.ir.template import Call, Template
from netspec.lang import library
from netspec.lang.expression.symbolic import Varying, same_value, worked_out
from netspec.lang.schema.parameters import type_of
from netspec.ops import OPS
from netspec.ops.words import COMBINATORS
from netspec.unparse.attributes import Defaults
from netspec.unparse.body import Body
from netspec.unparse.document import Braces, Brackets
from netspec.unparse.layout import written
from netspec.unparse.naming import Namer, Unrolled
from netspec.unparse.numbers import LANGUAGE, Numbers
from netspec.unparse.rolling import Rolling
from netspec.unparse.steps import Row, Step, every
from netspec.unparse.wiring import Wiring

NONE: Any = object()
"""In the place of a default: every call gives a value."""

_NUMBERED = re.compile(r"(.*?)_?\d+")


class PrintedBlock:
    """A template of a block as a block of the spec.

    Attributes:
        name: what the spec calls it.
        label: what its children are called in weight names, where somebody calls it by a label.
        template: the template.
        params: its parameters in order, each with its type and default.
    """

    def __init__(
        self,
        name: str,
        template: Template,
        defaults: Defaults,
        blocks: Mapping[int, PrintedBlock],
    ) -> None:
        self.name = self.label = name
        self.template = template
        known = {*template.parameters, *template.local}
        if template.definition is not None:
            known |= {*template.definition.params, *template.definition.let}
        self.numbers = Numbers(known)
        self._body = Body(template, defaults, blocks, self.numbers)
        self.row = self._body.row(template.body.items, self._body.everywhere)
        self.calls = self._body.calls
        self.inputs: list[str] = []
        self.results: list[str] = []
        self.let = self._let()
        self.params = self._params()

    def _let(self) -> dict[str, Any]:
        """The values that the body names and uses, in order; what they use is used."""
        local = self.template.local
        found = {}
        for name in reversed([*local]):
            if name in self.numbers.used:
                found[self.numbers.name(name)] = self.numbers.write(local[name])
        return dict(reversed([*found.items()]))

    def _params(self) -> dict[str, tuple[str, str, Any]]:
        """The parameters that are used: by the template's name, the spec's, the type, and the default."""
        used = self.numbers.used - {*self.template.local, *LANGUAGE}
        declared = self.template.definition.params if self.template.definition else {}
        order = [name for name in declared if name in used]
        order += [name for name in self.template.parameters if name in used and name not in order]
        return {name: self._declared(name, declared.get(name)) for name in order}

    def _declared(self, name: str, param: Declared | None) -> tuple[str, str, Any]:
        spelt, value = self.numbers.name(name), self.template.parameters[name].value
        if param is None:
            return spelt, _type_of(value), _where_it_matters(value)
        if param.type == "steps":
            return spelt, "bool", False if param.default == [] else NONE
        default = param.default
        is_plain = isinstance(default, bool | int | float) or type_of(default) is not None
        return spelt, param.type, default if is_plain else NONE

    def given(self, call: Call) -> dict[str, Any]:
        """The value of each parameter in a call, by the template's name; the default where it does not matter."""
        return {
            name: default if call.arguments[name] is None else worked_out(call.arguments[name])
            for name, (_, _, default) in self.params.items()
        }

    def arguments(self, call: Call, numbers: Numbers) -> dict[str, Any]:
        """What a call gives, by parameter, defaults left out."""
        found = Braces()
        for name, value in self.given(call).items():
            spelt, _, default = self.params[name]
            if not _is_same(value, default):
                found[spelt] = numbers.write(value)
        return found

    def settle(self) -> None:
        """Name and wire the steps."""
        template = self.template
        source, ends = template.source, template.body.outputs
        (self.row,) = settled([self.row], ends, self._body.everywhere)
        entering = self._inputs()
        is_one = len(entering) == 1
        wiring = Wiring({**template.names, **entering}, {} if is_one else entering)
        wiring.wire(self.row, source, ends[0] if len(ends) == 1 else None)
        if len(ends) > 1:
            self.results = self._results(wiring)
        wiring.settle((self.row, source), declares=True)
        self.results = [wiring.name_of(int(result)) for result in self.results]
        self.inputs = [wiring.names[id] for id in entering if id in wiring.names]

    def _inputs(self) -> dict[int, str]:
        """Names for what enters, by the id of the value."""
        definition, entering = self.template.definition, self.template.entering
        names = definition.inputs if definition is not None else ()
        if len(names) != len(entering):
            names = tuple(f"input{number}" for number in range(1, len(entering) + 1))
        return {value.id: name for value, name in zip(entering, names, strict=True)}

    def _results(self, wiring: Wiring) -> list[str]:
        """The values that the block gives, by id; one that comes twice gets a further name."""
        found: list[str] = []
        lowest = min((v.id for step in every(self.row) for v in step.values()), default=0)
        for number, value in enumerate(self.template.body.outputs, 1):
            if str(value.id) in found:
                alias = Value(min(lowest, 0) - number, value.type)
                step = Step("pass", takes=(value,), gives=(alias,), origins=[str(value.id)])
                wiring.need(value)
                self.row.append(step)
                value = alias
            wiring.need(value)
            found.append(str(value.id))
        return found

    def data(self) -> dict[str, Any]:
        """The block as the spec declares it."""
        definition = self.template.definition
        assert definition is not None
        found: dict[str, Any] = {}
        if definition.doc:
            found["doc"] = definition.doc
        if definition.title:
            found["title"] = definition.title
        if self.label != self.name:
            found["label"] = self.label
        if self.inputs:
            found["inputs"] = Brackets(self.inputs)
        if self.results:
            found["results"] = Brackets(self.results)
        if self.params:
            found["params"] = {
                spelt: _declaration(kind, default) for spelt, kind, default in self.params.values()
            }
        if self.let:
            found["let"] = self.let
        found["body"] = written(self.row) or Brackets()
        return found


def settled(rows: Sequence[Row], used: Sequence[Value], shapes: Iterable[int]) -> list[Row]:
    """The rows of one naming scope with their repeats and names.

    Args:
        rows: the rows, in the order of names.
        used: the values that are used beside them.
        shapes: the numbers of the shapes, which may go different ways.
    """
    refused: set[int] = set()
    shapes = [*shapes]
    while True:
        rolling = Rolling([step for row in rows for step in row], used, refused)
        found = [rolling.roll(row) for row in rows]
        try:
            Namer(found, shapes).settle()
        except Unrolled as unrolled:
            refused.add(id(unrolled.step.rounds[0][0]))
            for row in rows:
                _forget_names(row)
            continue
        for row in found:
            for step in every(row):
                for inner, said in step.fitted:
                    inner.said = said
        return found


def _forget_names(row: Row) -> None:
    """Take the names that steps were given, and what holds an index, out again."""
    row[:] = [step for step in row if step.kind != "hold"]
    for step in row:
        step.name = ""
        for inner in step.inner:
            _forget_names(inner)


def declared(value: Any, kind: str, doc: str = "") -> Any:
    """A parameter with a default, as short as it gets."""
    if not doc:
        return _declaration(kind, value)
    return Braces(type=kind, default=value, doc=doc)


def _declaration(kind: str, default: Any) -> Any:
    if default is NONE:
        return kind
    value = Brackets(default) if isinstance(default, list) else default
    return value if type_of(default) == kind else Braces(type=kind, default=value)


def _is_same(value: Any, default: Any) -> bool:
    if isinstance(value, list) and isinstance(default, list):
        return len(value) == len(default) and all(map(_is_same, value, default))
    return not isinstance(value, Varying) and same_value(value, default)


def _where_it_matters(value: Any) -> Any:
    """The default of a number that some instances do without; none where all have one."""
    values = value.values if isinstance(value, Varying) else ()
    known = [each for each in values if each is not None]
    return known[0] if known and len(known) < len(values) else NONE


def _type_of(value: Any) -> str:
    if isinstance(value, list):
        return f"list[{_type_of(value[0])}]" if value else "list[int]"
    numbers = value.values if isinstance(value, Varying) else (value,)
    kinds = {type(number) for number in numbers if number is not None}
    return "float" if float in kinds else "int" if int in kinds else "bool"


# Names of blocks


def block_names(templates: Sequence[Template], taken: Iterable[str]) -> list[str]:
    """A name for each template's block, none that the language has taken."""
    used = {*taken, *library.built_in_blocks(), *OPS, *COMBINATORS, *ROLES, *RESERVED}
    found = []
    for template in templates:
        assert template.definition is not None
        own = template.definition.name
        name, number = own, 1
        if name in library.built_in_blocks():
            name = own = f"{own}_block"
        while name in used:
            number += 1
            name = f"{own}_{number}"
        used.add(name)
        found.append(name)
    return found


def settle_labels(
    blocks: Iterable[PrintedBlock], more: Iterable[tuple[Step, PrintedBlock]]
) -> None:
    """Give blocks the labels by which their callers name them most, and their calls these."""
    every = [*blocks]
    calls = [*more, *(call for block in every for call in block.calls)]
    words: dict[int, Counter[str]] = {}
    for step, block in calls:
        last = step.path.rpartition(".")[2]
        words.setdefault(id(block), Counter())[_label(last, block)] += 1
    for block in every:
        for word, _ in words.get(id(block), Counter()).most_common(1):
            block.label = word
    for step, block in calls:
        step.label = block.label


def _label(name: str, block: PrintedBlock) -> str:
    """What a name is made of, but for the number; the block's own name where nothing is left."""
    assert block.template.definition is not None
    for own in (block.name, block.template.definition.name):
        if re.fullmatch(rf"{re.escape(own)}(_?\d+)?", name):
            return own
    match = _NUMBERED.fullmatch(name)
    word = match[1] if match else name
    is_word = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", word)
    return word if is_word else block.name
