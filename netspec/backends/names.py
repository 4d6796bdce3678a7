"""What frameworks ask of names: a backend says it as data, and networks are held against that here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from netspec.errors import Diagnostic, by_position
from netspec.ir import Program
from netspec.ir.names import Named, names_of


@dataclass(frozen=True)
class Naming:
    """What a framework asks of the names of layers and inputs.

    Attributes:
        framework: what people call it.
        reserved: words that no level of a layer's name may be.
        separator: what stands between the levels of a name there; names that come to one are refused.
        inputs_are_layers: whether an input has a name among those of layers.
        words: what its source calls other things, and therefore no input.
    """

    framework: str
    reserved: frozenset[str] = frozenset()
    separator: str = "."
    inputs_are_layers: bool = False
    words: frozenset[str] = frozenset()

    def spell(self, path: str) -> str:
        """A path as the framework has it."""
        return path.replace(".", self.separator)


def name_problems(naming: Naming, program: Program, is_sound: bool = True) -> list[Diagnostic]:
    """What the framework cannot take of a network's names, in the order of the text.

    Of one that is not sound, since there are gaps in it, words are looked at alone, and not which are equal.
    """
    found = [
        *_reserved_names(naming, program),
        *(_equal_names(naming, program) if is_sound else ()),
    ]
    return sorted(found, key=by_position)


def _reserved_names(naming: Naming, program: Program) -> Iterator[Diagnostic]:
    """The names of layers and inputs that the framework has for other things, each place once."""
    told = set()
    for each in names_of(program) if _has_reserved(naming, program) else ():
        for word in naming.reserved.intersection(each.own.split(".")):
            found = _reserved(naming, each, word)
            if (found.message, found.span) not in told:
                told.add((found.message, found.span))
                yield found
    for name, span in program.input_names.items():
        message = f"input `{name}` hides a name of generated source"
        if _VARIABLE.fullmatch(name):
            yield Diagnostic("NS223", message, span)
        elif name in naming.words:
            yield Diagnostic("NS223", f"{message} for {naming.framework}", span)


def _has_reserved(naming: Naming, program: Program) -> bool:
    """Whether any path has such a word: what most networks are asked, and nothing else."""
    levels = ".".join([node.path for node in program.nodes]).split(".")
    return not naming.reserved.isdisjoint(levels)


_VARIABLE = re.compile(r"y\d*|[zuvw]|branch\d*|outputs?|inputs|model|blocks|shortcut|partial|math")
"""What generated functions of every backend call other things than their inputs, which they need to the end."""


def _reserved(naming: Naming, named: Named, word: str) -> Diagnostic:
    place = named.span and named.span.names.get(named.key)
    message = f"`{named.own}` cannot name a layer: `{word}` is taken by {naming.framework}"
    hint = (
        "give the step a `name`, or the block a `label`" if place is None else "take another word"
    )
    return Diagnostic("NS221", message, place or named.span, hint, named.path)


def _equal_names(naming: Naming, program: Program) -> Iterator[Diagnostic]:
    """The names of layers that are one in the framework, or that of an input."""
    if naming.separator == "." and not naming.inputs_are_layers:
        return
    inputs = program.input_names if naming.inputs_are_layers else ()
    names = [naming.spell(node.path) for node in program.nodes]
    if len({*names, *inputs}) == len(names) + len(inputs):
        return
    seen: dict[str, str] = {}
    for node, name in zip(program.nodes, names, strict=True):
        path, span = node.path, node.span
        if name in inputs:
            message = f"`{path}` is a layer `{name}` in {naming.framework}, and so is that input"
            yield Diagnostic("NS227", message, span, path=path)
        elif name in seen:
            message = (
                f"`{path}` and `{seen[name]}` are one name in {naming.framework}, "
                f"which has `{naming.separator}` for the dots"
            )
            yield Diagnostic("NS227", message, span, path=path)
        seen[name] = path
