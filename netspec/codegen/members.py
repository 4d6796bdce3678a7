"""Networks that share a class or function of source: what it takes, and what each of them passes."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from netspec.codegen.classes import Argument, Classes, local_names, type_of
from netspec.codegen.family import BlockType
from netspec.codegen.identifiers import Namespace, safe_identifier
from netspec.codegen.nodes import Given
from netspec.codegen.printing import MISSING, Printer, is_default
from netspec.ir import Program
from netspec.ir.template import Template, Templates
from netspec.ir.template.numbers import at


@dataclass(frozen=True, eq=False)
class Family:
    """Networks that are one class or function of source.

    Attributes:
        template: what they have in common.
        members: the networks, one for each shape of the template.
        name: what the class or function is called.
    """

    template: Template
    members: tuple[Program, ...]
    name: str

    @property
    def first(self) -> Program:
        """One of them, for what all have alike."""
        return self.members[0]

    @property
    def is_one(self) -> bool:
        """Whether it is a family of one."""
        return len(self.members) == 1

    def arguments(
        self, names: Collection[str], classes: Classes, block_type: BlockType
    ) -> tuple[Argument, ...]:
        """What the class or function takes, which mentions ``names``; those without a default first."""
        found: list[Argument] = []
        for name, templates in self.template.blocks.items():
            known = dict.fromkeys(map(classes.of, templates))
            found.append(Argument(name, block_type([*known])))
        made = {series.channels for series in self.template.series.values()}
        for name, parameter in self.template.parameters.items():
            if name in names and name not in self.first.arguments and name not in made:
                found.append(Argument(name, type_of(parameter.value), self._default(name)))
        for argument in kept_of(self.first):
            values = [program.arguments[argument.name] for program in self.members]
            is_common = all(value == values[0] for value in values)
            default = values[0] if is_common else MISSING
            found.append(Argument(argument.name, argument.type, default))
        return tuple(sorted(found, key=lambda argument: argument.default is not MISSING))

    def _default(self, name: str) -> Any:
        """The value that half of the members have, or more; MISSING for a list, and where there is none."""
        values = self._values(name)
        if any(isinstance(value, list) for value in values):
            return MISSING
        (value, count), *_ = Counter(values).most_common(1)
        return value if count > 1 and 2 * count >= len(values) else MISSING

    def _values(self, name: str) -> list[Any]:
        value = self.template.parameters[name].value
        return [at(value, shape) for shape in range(len(self.members))]

    def passed(
        self,
        member: Program,
        arguments: Sequence[Argument],
        classes: Classes,
        others_between: bool = False,
    ) -> list[Given]:
        """What the function of a member passes for ``arguments``; kept ones are its own.

        What has a default is passed by name where ``others_between`` stand ahead of it.
        """
        shape = self.members.index(member)
        found: list[Given] = []
        by_name = False
        for argument in arguments:
            is_block, is_kept = (
                argument.name in known for known in (self.template.blocks, self.first.arguments)
            )
            if is_block:
                template = self.template.blocks[argument.name][shape]
                node: ast.expr = ast.Name(classes.of(template).name)
            elif is_kept:
                node = ast.Name(argument.identifier)
            else:
                value = self._values(argument.name)[shape]
                if is_default(value, argument.default):
                    by_name = True
                    continue
                node = Printer({}).value(value)
            # Blocks, lists and what is called as it is here say what they are; numbers do not.
            is_told = is_block or is_kept or isinstance(node, ast.List)
            is_behind = others_between and argument.default is not MISSING
            by_name = by_name or is_behind or not is_told
            found.append(ast.keyword(argument.identifier, node) if by_name else node)
        return found


def names_for(programs: Sequence[Program]) -> Namespace:
    """The names that classes and functions of a file may have, besides the networks' own functions."""
    taken = {safe_identifier(program.model_name) for program in programs}
    return Namespace(taken.union(*map(local_names, programs)))


def families(
    templates: Templates, programs: Sequence[Program], name: Callable[[Sequence[Program]], str]
) -> tuple[Family, ...]:
    """The networks of a file, those together that are one class or function; ``name`` gives its name."""
    return tuple(family_of(template, programs, name) for template in templates.networks)


def family_of(
    template: Template, programs: Sequence[Program], name: Callable[[Sequence[Program]], str]
) -> Family:
    """The networks of a template."""
    by_region = {id(program.main): program for program in programs}
    members = tuple(by_region[id(region)] for region in template.instances)
    return Family(template, members, name(members))


def kept_of(program: Program) -> list[Argument]:
    """The arguments that the function of a network keeps."""
    return [Argument(name, _number_type(v), v) for name, v in program.arguments.items()]


def _number_type(value: Any) -> str:
    return "float" if isinstance(value, float) else "int"
