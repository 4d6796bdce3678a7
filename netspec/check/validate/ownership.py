"""Whose a YAML file is: one question for `validate`, `fmt` and `regenerate`, with one answer.

A spec has the key `netspec` at its root, and a file that holds a block the key `block`. The keys are
those that the YAML parser gives, so that neither a byte order mark, an encoding, comments nor braces hide
them; the rest of the file may be wrong, and is another question.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import yaml

from netspec.lang.source import MAX_BYTES, MAX_DEPTH

ROOT_KEYS = frozenset({"netspec", "block"})
"""A mapping with one of these keys is a spec or a block, right or wrong."""

Owner = Literal["ours", "other", "unreadable"]

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_YAML = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"


def is_ours(data: Any) -> bool:
    """Whether these plain values are those of a spec or a block file, right or wrong."""
    return isinstance(data, dict) and not ROOT_KEYS.isdisjoint(data)


def owner_of(raw: bytes) -> Owner:
    """Whose a file of this content is: ``unreadable`` where it is no YAML that can be followed to
    such a key.

    What is behind the first megabyte of a file is not looked at, nor a second document.
    """
    head = raw[:MAX_BYTES]
    encoding = "utf-16" if head.startswith(_UTF16) else "utf-8-sig"
    text = re.sub(_NOT_YAML, "_", head.decode(encoding, "replace"))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth, nodes = 0, 0  # of the root's own children, keys and values in turn
    try:
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if not isinstance(event, yaml.NodeEvent):
                continue
            if depth == 0 and not isinstance(event, yaml.MappingStartEvent):
                break
            if depth == 1:
                if nodes % 2 == 0 and _names_us(event):
                    return "ours"
                nodes += 1
            depth += isinstance(event, yaml.CollectionStartEvent)
            if depth > MAX_DEPTH:  # the parser takes time by the square of the depth
                return "unreadable"
    except yaml.YAMLError:
        # A file that was cut is one that goes on, not one that is broken.
        return "other" if len(raw) > MAX_BYTES else "unreadable"
    return "other"


def _names_us(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value in ROOT_KEYS
