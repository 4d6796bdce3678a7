"""Lints that need the text alone: what is declared and never used, and what is said twice."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from netspec.errors import Diagnostic
from netspec.lang.schema.syntax import Argument, BlockDefinition, Spec
from netspec.lang.source import Document

MAX_VARIANTS = 200
"""Beyond this number, variants are not compared with one another."""

_WORD = re.compile(r"[A-Za-z_]\w*")

Data = Mapping[str, Any]


def lint_spec(spec: Spec, document: Document, enabled: Collection[str]) -> Iterator[Diagnostic]:
    """What the enabled lints say about the text of a spec."""
    data = document.data
    if "NS303" in enabled:
        yield from _unused_names(spec, data)
        for name, definition in spec.blocks.items():
            yield from _unused_block_names(definition, data["blocks"][name])
    if "NS304" in enabled:
        yield from _equal_variants(spec)
    if "NS305" in enabled:
        yield from _unused_blocks(spec, data)
    if "NS309" in enabled:
        yield from _repeated_values(spec)


def lint_block(
    definition: BlockDefinition, document: Document, enabled: Collection[str]
) -> Iterator[Diagnostic]:
    """What the enabled lints say about the text of a block file."""
    if "NS303" in enabled:
        yield from _unused_block_names(definition, document.data)


# What is never used


def _unused_names(spec: Spec, data: Data) -> Iterator[Diagnostic]:
    read = _words(_sections(data, without=("params", "let", "arguments")))
    read |= _words_of_others(_declarations(data))
    for name, param in spec.params.items():
        if name not in read:
            but = " but `arguments`" if name in spec.arguments else ""
            message = f"nothing reads the parameter `{name}`{but}"
            yield Diagnostic("NS303", message, param.span)
    for name in spec.let:
        if name not in read:
            span = spec.spans.find_key(("let", name))
            yield Diagnostic("NS303", f"nothing reads the value `{name}`", span)


def _unused_block_names(definition: BlockDefinition, data: Data) -> Iterator[Diagnostic]:
    read = _words([data["body"]]) | _words_of_others(_declarations(data))
    what = f"of block `{definition.name}`"
    for name, param in definition.params.items():
        if name not in read:
            yield Diagnostic("NS303", f"nothing reads the parameter `{name}` {what}", param.span)
    for name, value in definition.let.items():
        if name not in read:
            yield Diagnostic("NS303", f"nothing reads the value `{name}` {what}", value.span)


def _declarations(data: Data) -> Iterator[tuple[str, Any]]:
    """Every parameter and value with what declares it."""
    for section in ("params", "let"):
        yield from (data.get(section) or {}).items()


def _words_of_others(declarations: Iterable[tuple[str, Any]]) -> set[str]:
    """The words that stand in a declaration of another name: its own does not use what it declares."""
    return {word for name, value in declarations for word in _words([value]) if word != name}


def _unused_blocks(spec: Spec, data: Data) -> Iterator[Diagnostic]:
    read = _words(_sections(data, without=("blocks",)))
    read |= _words_of_others((data.get("blocks") or {}).items())
    for name, definition in spec.blocks.items():
        if name not in read:
            message = f"nothing uses the block `{name}`"
            yield Diagnostic("NS305", message, definition.name_span)


def _sections(data: Data, without: Collection[str]) -> Iterator[Any]:
    """The sections of a spec, and each stage on its own: its keys name parameters, not steps."""
    for key, value in data.items():
        if key == "stages" and isinstance(value, list):
            yield from value
        elif key in ("stem", "head"):
            yield value if isinstance(value, list) else [value]
        elif key not in without and key != "doc":
            yield value


def _words(values: Iterable[Any]) -> set[str]:
    """Every word in the texts of ``values``, and the keys of steps, which name blocks and slots."""
    found: set[str] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.update(_WORD.findall(value))
        elif isinstance(value, list):
            waiting += value
            found.update(key for item in value if isinstance(item, dict) for key in item)
        elif isinstance(value, dict):
            waiting += [inner for key, inner in value.items() if key != "doc"]
            # A single step stands for a list of one, under one of few keys.
            for key in ("stem", "head", "between", "shortcut", "then", "else"):
                if isinstance(value.get(key), dict):
                    found.update(value[key])
    return found


# What is said twice


def _equal_variants(spec: Spec) -> Iterator[Diagnostic]:
    defaults = {name: param.default for name, param in spec.params.items()}
    known: dict[str, str] = {}
    for variant, values in spec.variants.items():
        chosen = {**defaults, **values}
        key = json.dumps(
            {name: _raw(argument) for name, argument in chosen.items()}, sort_keys=True
        )
        if key in known:
            yield Diagnostic(
                "NS304",
                f"variant `{variant}` is `{known[key]}` under another name: all values are equal",
                spec.spans.find_key(("variants", variant)),
            )
        known.setdefault(key, variant)


def _repeated_values(spec: Spec) -> Iterator[Diagnostic]:
    if not 2 <= len(spec.variants) <= MAX_VARIANTS:
        return
    shared = set()
    for name in spec.params:
        given = [variant.get(name) for variant in spec.variants.values()]
        texts = {json.dumps(_raw(argument)) for argument in given}
        if given[0] is not None and len(texts) == 1:
            shared.add(name)
            message = f"all variants give `{name}` the same value"
            help_text = "make it the parameter's default"
            yield Diagnostic("NS309", message, given[0].key_span, help_text)
    pairs = itertools.combinations(spec.variants.items(), 2)
    told: set[str] = set()
    for (first, values), (second, others) in pairs:
        common = [
            name
            for name in values
            if name in others and name not in shared and _raw(values[name]) == _raw(others[name])
        ]
        is_another_name = values.keys() == others.keys() == set(common) | shared
        if len(common) > 1 and second not in told and not is_another_name:
            told.add(second)
            listed = " and ".join(f"`{name}`" for name in common)
            yield Diagnostic(
                "NS309",
                f"variant `{second}` repeats {listed} of `{first}`",
                others[common[0]].key_span,
                "derive them from one parameter in `let`, or make them the defaults",
            )


def _raw(argument: Argument | None) -> Any:
    return None if argument is None else argument.value
