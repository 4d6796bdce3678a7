"""Templates beside the general forms that source is printed from: what is different."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from netspec.codegen.classes import _by_definition, _parted
from netspec.codegen.compilation import Compilation
from netspec.codegen.general import GeneralBlock, generalise
from netspec.codegen.second import tree
from netspec.ir.program import Node
from netspec.ir.template import Choice, Template
from netspec.ops.merge import Merge
from netspec.symbolic import Diverges, Varying, to_text

Places = dict[tuple[Any, ...], list[Any]]


def general_forms(compilation: Compilation) -> list[GeneralBlock]:
    """The general form of every block, instances parted as the generator parts them."""
    forms: list[GeneralBlock] = []
    for definition, instances in _by_definition(compilation.generalised):
        groups = [instances]
        while groups:
            group = groups.pop(0)
            try:
                forms.append(generalise(definition, group, compilation.elaborator))
            except Diverges as divergence:
                groups[:0] = _parted(group, divergence.test)
    return forms


def differences(form: GeneralBlock, template: Template) -> list[str]:
    """Where a template of the same instances has another number, another formula, or other steps."""
    shape_of = dict(zip((r.path for r in template.instances), template.shapes, strict=True))
    shapes = [shape_of[block.path] for block in form.instances]
    old, new = _of_form(form), _of_template(template)
    found = [f"{place} is on one side only" for place in old.keys() ^ new.keys()]
    for place in old.keys() & new.keys():
        for theirs, ours in zip(old[place], new[place], strict=True):
            found += _different(place, theirs, ours, shapes)
    for name, value in template.local.items():
        if to_text(value) != to_text(form.local.get(name)):
            found.append(f"{name}: {to_text(form.local.get(name))}, and {to_text(value)}")
    return found


def _different(place: Any, theirs: Any, ours: Any, shapes: list[int]) -> Iterator[str]:
    if not isinstance(theirs, Varying) or not isinstance(ours, Varying):
        if type(theirs) is not type(ours) or theirs != ours:
            yield f"{place}: {theirs!r}, and {ours!r}"
        return
    if to_text(theirs) != to_text(ours):
        yield f"{place}: {to_text(theirs)}, and {to_text(ours)}"
    if theirs.kept != ours.kept:
        yield f"{place}: {theirs!r} is kept, or {ours!r} is"
    values = [ours.values[shape] for shape in shapes]
    for own, value in zip(theirs.values, values, strict=True):
        if value is not None and own != value:  # None where the instance lacks the place
            yield f"{place}: {theirs.values}, and {values}"


def _of_form(form: GeneralBlock) -> Places:
    places: Places = {}
    for node in tree.walk(form.body):
        if isinstance(node, tree.Layer):
            _add(places, node.path, node.op, node.source.channels, node.target.channels)
        elif isinstance(node, tree.Choice):
            places.setdefault(("if",), []).append(node.test)
    return places


def _of_template(template: Template) -> Places:
    places: Places = {}
    for item in template.walk():
        if isinstance(item, Node) and not isinstance(item.op, Merge):
            _add(places, item.path, item.op, item.source.channels, item.target.channels)
        elif isinstance(item, Choice):
            places.setdefault(("if",), []).append(item.test)
    return places


def _add(places: Places, path: str, op: Any, source: Any, target: Any) -> None:
    for place, value in (*_leaves(op), (("source",), source), (("target",), target)):
        places.setdefault((path, *place), []).append(value)


def _leaves(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """The numbers and words in an attribute, each with where it is."""
    if isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*place, index))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _leaves(getattr(value, field.name), (*place, field.name))
    else:
        yield place, value
