"""Values that replace a spec's parameters for one load: ``depths[2]=8`` reaches into a list.

What they become is what the file's own values are, :class:`~netspec.lang.schema.syntax.Argument`, so the
elaborator checks both alike.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from typing import Any

from netspec.elaborate.variants import choose_variant
from netspec.errors import Text, UsageError, did_you_mean, fail
from netspec.lang.schema.syntax import Argument, Spec
from netspec.lang.source import MAX_DEPTH, Document, SpanTree, parse

PLACE = "<overrides>"

_TARGET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]{1,6}\])*)")
_INDEX = re.compile(r"\[([0-9]+)\]")


def parse_assignment(text: str) -> tuple[str, Document]:
    """``name=value`` of a command line; the value is a YAML scalar or a flow list or mapping.

    Raises :class:`UsageError` when there is no name or no ``=``, and :class:`NetspecError`, which
    quotes the value, when that is not YAML.
    """
    target, equals, value = text.partition("=")
    target = target.strip()
    if not equals or not _TARGET.fullmatch(target):
        raise UsageError(f"--set {text}: expected name=value, such as width=32 or depths[2]=8")
    document = parse(value, f"--set {target}")
    if document.data is None:
        raise UsageError(f"--set {text}: there is no value behind the `=`")
    return target, document


def on_top(
    values: Mapping[str, Document], more: Iterable[tuple[str, Document]]
) -> dict[str, Document]:
    """Overrides with others on top: the last of several for one target wins, in its place."""
    merged = dict(values)
    for target, document in more:
        merged.pop(target, None)
        merged[target] = document
    return merged


def from_values(values: Mapping[str, Any]) -> dict[str, Document]:
    """Plain Python values as documents, so that diagnostics can quote them.

    Raises :class:`UsageError` for a value that YAML could not hold.
    """
    lines = [f"{target}: {value!r}" for target, value in values.items()]
    text = Text.of("\n".join(lines), PLACE)
    documents = {}
    for number, (target, value) in enumerate(values.items(), start=1):
        plain = plain_value(value, f"override `{target}`")
        start = len(str(target)) + 3
        span = text.place(number, start, number, start + len(repr(value)))
        documents[target] = Document(plain, SpanTree(span), PLACE)
    return documents


def plain_value(value: Any, what: str, depth: int = 0) -> Any:
    """A value as YAML could hold it, tuples as lists; raises :class:`UsageError`, of ``what``, for others."""
    if depth > MAX_DEPTH:
        raise UsageError(f"{what}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise UsageError(f"{what}: {value} is not a number that a network can hold")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain_value(item, what, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain_value(item, what, depth + 1) for key, item in value.items()}
    raise UsageError(f"{what}: a {type(value).__name__} is no number, flag, text, list or mapping")


def apply_overrides(
    spec: Spec, variant: str | None, values: Mapping[str, Document]
) -> dict[str, Argument]:
    """The arguments that replace the spec's, later ones on top of earlier ones.

    An element of a list replaces that of the value at hand: an earlier override's, the variant's or
    the default. Raises :class:`NetspecError` where there is no such element, and :class:`UsageError`
    for a name that is not ``name`` or ``name[index]``.
    """
    chosen = choose_variant(spec, variant)
    current = dict(spec.variants[chosen]) if chosen else {}
    result: dict[str, Argument] = {}
    for target, document in values.items():
        match = _TARGET.fullmatch(str(target))
        if match is None:
            raise UsageError(f"`{target}` is no parameter: expected name or name[index]")
        name, indices = match[1], [int(index) for index in _INDEX.findall(match[2])]
        argument = Argument(document.data, document.spans)
        if indices:
            param = spec.params.get(name)
            if param is None:
                raise fail(
                    "NS206",
                    f"the spec has no parameter `{name}`",
                    document.spans.span,
                    help=did_you_mean(name, spec.params),
                )
            base = result.get(name) or current.get(name) or param.default
            argument = _replace_item(name, base, indices, argument)
        result[name] = argument
    return result


def _replace_item(name: str, base: Argument | None, indices: list[int], item: Argument) -> Argument:
    """``base`` with one element replaced; its span is the new element's."""
    value = copy.deepcopy(base.value) if base is not None else None
    container, here = value, name
    for index in indices:
        if not isinstance(container, list):
            what = "has no value yet" if container is None else "is no list"
            raise fail("NS217", f"`{here}` {what}; set it whole", item.span)
        if index >= len(container):
            raise fail(
                "NS217",
                f"`{here}` has {len(container)} elements, counted from 0; there is no {index}",
                item.span,
            )
        parent, container, here = container, container[index], f"{here}[{index}]"
    parent[indices[-1]] = item.value
    return Argument(value, SpanTree(item.span))
