"""Which classes or functions the blocks of a network become, and how each is called."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from netspec.codegen.calls import same_call
from netspec.codegen.defaults import common, usual
from netspec.codegen.flow import BRANCH
from netspec.codegen.identifiers import Namespace, camel_case, one_word, safe_identifier
from netspec.codegen.nodes import Given, Parameter, call, constant, if_, parameter
from netspec.codegen.presence import optional_arguments
from netspec.codegen.printing import MISSING, Factories, Printer, is_default
from netspec.codegen.tensors import VARIABLES
from netspec.ir import Program
from netspec.ir.definition import Declared, Definition, Slot, plain
from netspec.ir.template import Call, Template, Templates
from netspec.ir.template.schedules import TOTAL, name_for
from netspec.lang.expression.formula import negated, print_node
from netspec.lang.expression.symbolic import Varying, names_of, same_value
from netspec.ops import OPS, Op

LAYER = "layer"
"""The type of an argument that makes a layer, whatever a framework calls that."""


@dataclass(frozen=True)
class Argument:
    """An argument of a class or function in source.

    Attributes:
        name: the name in the spec; :func:`safe_identifier` gives the one in source.
        type: ``int``, ``float``, ``bool`` or ``list[int]`` and the like; :data:`LAYER` for what makes one.
        default: a plain value or code, MISSING where every call gives one.
        input: the number of the input whose channels it is; None for all else.
        is_optional: whether it may be None, which says that what it is for is not there.
    """

    name: str
    type: str
    default: Any = MISSING
    input: int | None = None
    is_optional: bool = False

    @property
    def identifier(self) -> str:
        """The name in source."""
        return safe_identifier(self.name)

    def declared(self, layer_type: str) -> Parameter:
        """The parameter; ``layer_type`` is the type, as it is written, of what makes a layer."""
        kind = layer_type if self.type == LAYER else self.type
        default = None if self.default is MISSING else constant(self.default)
        return parameter(self.identifier, f"{kind} | None" if self.is_optional else kind), default

    @property
    def is_named(self) -> bool:
        """Whether calls pass it by name: where there is a default, and truth values, which say nothing alone."""
        return self.default is not MISSING or self.type == "bool"


def passed(given: Iterable[tuple[Argument, ast.expr]]) -> list[Given]:
    """Values as a call passes them for arguments, in order: by position up to the first that is named."""
    found: list[Given] = []
    is_named = False
    for argument, value in given:
        is_named = is_named or argument.is_named
        found.append(ast.keyword(argument.identifier, value) if is_named else value)
    return found


@dataclass(eq=False)
class SourceClass:
    """A class or function of source, for a template.

    Attributes:
        name: what it is called.
        template: its template.
        arguments: what it takes.
        used: the names that its body mentions.
        fixed: arguments that it takes one value for, since classes beside it take others.
    """

    name: str
    template: Template
    arguments: tuple[Argument, ...] = ()
    used: set[str] = field(default_factory=set)
    factories: Factories = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> Definition:
        """The block."""
        assert self.template.definition is not None
        return self.template.definition

    @property
    def doc(self) -> str | None:
        """What the block is, where its definition says so."""
        return self.definition.doc or None

    @property
    def local(self) -> list[tuple[str, Varying]]:
        """The values that the body names and uses, in order."""
        return [(name, value) for name, value in self.template.local.items() if name in self.used]

    def use(self, names: set[str], factories: Factories | None = None) -> None:
        """Settle the arguments: what the source mentions, or values that it mentions are made of.

        ``factories`` has what callers pass for layers.
        """
        self.used = set(names)
        self.factories = factories or {}
        for name, value in reversed(list(self.template.local.items())):
            if name in self.used:
                self.used |= names_of(value)
        found = _arguments(self.template, self.used - set(self.template.local), self.factories)
        self.arguments = found

    def passed(self, name: str, value: Any) -> Any:
        """What a call passes for an argument: for an op, what makes the layer."""
        return self.factories[name][value.key] if isinstance(value, Op) else value

    def accept(self, name: str, values: Sequence[Any]) -> None:
        """Take an argument that the body has no use for, which is given these ``values``: one, or any."""
        argument = _declared(self.definition.params[name])
        if values and all(same_value(value, values[0]) for value in values):
            self.fixed[name] = values[0]
            argument = replace(argument, default=values[0])
        found = (*self.arguments, argument)
        self.arguments = tuple(sorted(found, key=lambda each: each.default is not MISSING))

    def refusal(self) -> list[ast.stmt]:
        """What refuses other values of the arguments that are fixed."""
        if not self.fixed:
            return []
        pairs = [(safe_identifier(name), constant(value)) for name, value in self.fixed.items()]
        tests = [_is_other(ast.Name(name), value) for name, value in pairs]
        listed = " and ".join(f"{name}={print_node(value)}" for name, value in pairs)
        text = ast.Constant(f"{self.name} is made for {listed} only")
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
        return [if_(test, [ast.Raise(call("ValueError", [text]))])]


def _is_other(argument: ast.expr, value: ast.expr) -> ast.expr:
    """Whether an argument has another value."""
    match value:
        case ast.Constant(value=bool(flag)):
            return negated(argument) if flag else argument
    return ast.Compare(argument, [ast.NotEq()], [value])


def _arguments(template: Template, names: set[str], factories: Factories) -> tuple[Argument, ...]:
    optional = optional_arguments(template)
    found = [
        Argument(name, "int", input=parameter.input)
        for name, parameter in template.parameters.items()
        if parameter.input is not None and name in names
    ]
    params = template.definition.params if template.definition else {}
    own = {name for name, each in template.parameters.items() if each.qualified is None}
    for name, param in params.items():
        if name in names - own:
            found.append(_declared(param))
    # What is left are numbers of other scopes, and numbers that have no name.
    for name in sorted(names - {argument.name for argument in found}):
        found.append(_own(template, name, factories.get(name), name in optional))
    return tuple(sorted(found, key=lambda argument: argument.default is not MISSING))


def _own(
    template: Template, name: str, passed: Mapping[Any, ast.expr] | None, is_optional: bool
) -> Argument:
    """An argument that the block has no name for: ``passed`` is what callers give for a layer."""
    value = template.parameters[name].value
    kind = type_of(value) if passed is None else LAYER
    if passed is not None and all(isinstance(node, ast.Constant) for node in passed.values()):
        kind = "str"  # a layer that is called by its name
    if is_optional:
        return Argument(name, kind, None, is_optional=True)
    known = [n for n in value.values if n is not None] if isinstance(value, Varying) else []
    is_whole = isinstance(value, Varying) and len(known) == len(value.values)
    if passed is not None:
        return Argument(name, kind, usual(template, value, passed))
    if is_whole and isinstance(value, Varying):
        return Argument(name, kind, common(template, value, template.parameters[name].place))
    # Where some instances have no use for it, calls leave it out.
    return Argument(name, kind, known[0] if known else MISSING)


def _declared(param: Declared) -> Argument:
    if param.type == "steps":
        return Argument(param.name, "bool", False if param.default == [] else MISSING)
    is_plain = isinstance(param.default, bool | int | float)
    return Argument(param.name, param.type, param.default if is_plain else MISSING)


def type_of(value: Any) -> str:
    """The type of a number, or of a list of them, that may vary."""
    if isinstance(value, list):
        return f"list[{type_of(value[0])}]" if value else "list[int]"
    numbers = value.values if isinstance(value, Varying) else (value,)
    kinds = {type(number) for number in numbers if number is not None}
    return "float" if float in kinds else "int" if int in kinds else "bool"


@dataclass(frozen=True)
class Invocation:
    """A call of a class or function of source.

    Attributes:
        source_class: what is called.
        values: what is passed for arguments, by name.
    """

    source_class: SourceClass
    values: Mapping[str, Any]

    def is_like(self, other: Invocation) -> bool:
        """Whether the two say the same."""
        is_one = self.source_class is other.source_class
        return is_one and same_call([*self.values.items()], [*other.values.items()])

    def without_channels(self) -> Invocation:
        """The call of a function that sees the channels of its inputs by itself."""
        own = {a.name for a in self.source_class.arguments if a.input is not None}
        kept = {key: value for key, value in self.values.items() if key not in own}
        return Invocation(self.source_class, kept)

    def given(self) -> Iterator[tuple[Argument, Any]]:
        """The arguments with their values; those at their default are left out."""
        for argument in self.source_class.arguments:
            value = self.values.get(argument.name, argument.default)
            if argument.name in self.values and not is_default(value, argument.default):
                yield argument, value

    def call(self, printer: Printer, values: Sequence[ast.expr] = (), **more: ast.expr) -> ast.expr:
        """The call, with ``values`` ahead of the arguments and ``more`` behind them."""
        given = passed((argument, printer.value(value)) for argument, value in self.given())
        return call(self.source_class.name, [*values, *given], **more)


class Classes:
    """The classes of a network, inner blocks ahead of those that hold them.

    Args:
        templates: the templates.
        name: makes a class name of a block's definition and what sets the class apart, if anything.
        names: where class names are taken from.
    """

    def __init__(
        self, templates: Templates, name: Callable[[Definition, str], str], names: Namespace
    ) -> None:
        self.all: list[SourceClass] = []
        for _, group in groupby(templates.blocks, _block_name):
            made = [SourceClass("", template) for template in group]
            for source_class in made:
                difference = _difference(source_class, made) if made[1:] else ""
                source_class.name = names.add(name(source_class.definition, difference))
            self.all += made
        self._by_template = {id(each.template): each for each in self.all}

    def of(self, template: Template) -> SourceClass:
        """The class of a template."""
        return self._by_template[id(template)]

    def invocation(self, call: Call) -> Invocation:
        """How an instance of a block is called."""
        source_class = self.of(call.template)
        names = [a.name for a in source_class.arguments if a.name in call.arguments]
        given = {name: call.arguments[name] for name in names}
        values = {n: source_class.passed(n, v) for n, v in given.items() if v is not None}
        return Invocation(source_class, values)


def _block_name(template: Template) -> str:
    assert template.definition is not None
    return template.definition.name


def local_names(program: Program) -> set[str]:
    """What functions of source may call their arguments and variables, and nothing else then is called."""
    names = {
        *VARIABLES,
        TOTAL,
        BRANCH,
        *(f"{BRANCH}{number}" for number in range(2, len(VARIABLES))),
    }
    names |= {*program.arguments, *(one_word(stage.path) for stage in program.stages)}
    names |= {*program.input_names, *(f"{name}_shape" for name in program.input_names)}
    names |= {name for own in program.names.values() for name in own.values()}
    for block in program.main.regions("block"):
        if block.definition is not None:
            names |= {*block.definition.params, *block.definition.let, *block.definition.inputs}
            names |= {*map(name_for, block.definition.params)}
    return set(map(safe_identifier, names))


_TELLING = ("steps", "block", "bool", "str", "int", "float")
"""Types of parameters, the one whose values make the best names first."""


def _difference(source_class: SourceClass, others: Sequence[SourceClass]) -> str:
    """What sets a class apart from the others of its block, as the end of a name.

    Empty where that is the parameter's default, or where no parameter tells them apart.
    """
    params = source_class.definition.params.values()
    for param in sorted((p for p in params if p.type in _TELLING), key=_rank):
        words = {id(other): _words(param.name, other) for other in others}
        own = words.pop(id(source_class))
        left = [other for other in words.values() if other is not None]
        if own is None or len(left) < len(words) or own in left:
            continue
        given = source_class.template.representatives[0].arguments[param.name]
        written = given.written if isinstance(given, Slot) else plain(given)
        return "" if written == param.default else "".join(_own_part(own, left))
    return ""


def _rank(param: Declared) -> int:
    return _TELLING.index(param.type)


Words = tuple[str, ...]
"""Parts of a name."""


def _own_part(own: Words, others: Sequence[Words]) -> Words:
    """Words without those at the start and the end that all others have there too."""
    start = 0
    while own[start:] and all(
        other[start : start + 1] == own[start : start + 1] for other in others
    ):
        start += 1
    own, others = own[start:], [other[start:] for other in others]
    while own and all(other[-1:] == own[-1:] for other in others):
        own, others = own[:-1], [other[:-1] for other in others]
    return own


def _words(name: str, source_class: SourceClass) -> Words | None:
    """The value of a parameter as parts of a name; None where it varies."""
    values = [region.arguments[name] for region in source_class.template.representatives]
    found = [_words_of(name, value) for value in values]
    first, *others = found
    if isinstance(values[0], Slot) and first is not None:
        # Where instances were given other numbers or layers, what they have in common tells.
        columns = zip(*found, strict=True) if _are_alike(found) else ()
        common = tuple(column[0] for column in columns if len({*column}) == 1)
        return common if common or not first else None
    return None if any(other != first for other in others) else first


def _are_alike(found: Sequence[Words | None]) -> bool:
    return len({None if words is None else len(words) for words in found}) == 1


def _words_of(name: str, value: Any) -> Words | None:
    match value:
        case Slot(written=list(steps)):
            return tuple(map(_step_word, steps))
        case Slot(written=(str() | dict()) as step):
            return (_step_word(step),)
        case Slot():
            return None
    match plain(value):
        case bool(flag):
            return (camel_case(name),) if flag else ()
        case int() | float() as number:
            return (camel_case(name) + repr(number).replace(".", "p").replace("-", "m"),)
        case str(text):
            return (camel_case(text),)
    return None


def _step_word(step: Any) -> str:
    """What a step is called in a name: an op by its name, a block of several words by their initials."""
    word = step if isinstance(step, str) else next(iter(step), "") if isinstance(step, dict) else ""
    parts = [part for part in str(word).split("_") if part.isidentifier()]
    if not parts or word in OPS or len(parts) == 1:
        return camel_case("_".join(parts)) if parts else ""
    return "".join(part[0] for part in parts).upper()
