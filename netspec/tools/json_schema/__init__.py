"""JSON Schema for spec files and block files, for editors: draft-07, as SchemaStore wants it.

Made from what validation itself uses: the models of the language, the declarations of the ops, and the
built-in blocks. It is written for yaml-language-server, whose messages and completions follow from how
a schema is put together:

- A choice by key is ``dependencies`` on that key, never ``anyOf`` over alternatives, so that a message
  speaks of the key that was written.
- What has several types says so in one ``type`` list, with a message of its own. Keywords for its
  mapping or list form stand below ``allOf``, so that completing the key alone inserts no skeleton.
- Words with a meaning stand in an ``anyOf`` beside what else is allowed: completion finds them there.

The schema is never stricter than netspec, but for values left empty; it knows nothing of what names
mean, or of shapes.
"""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

from netspec.tools.json_schema.documents import block_file_schema, spec_schema

Kind = Literal["spec", "block"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WIDTH = 100

_MAKERS = {"spec": spec_schema, "block": block_file_schema}


def file_name(kind: Kind) -> str:
    """What the file with the schema is called, in ``docs/schema`` and in ``$id``."""
    return f"netspec-{kind}.schema.json"


def schema(kind: Kind) -> dict[str, Any]:
    """The schema for files of a kind: a spec, or a block in a file of its own."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": f"https://json.schemastore.org/{file_name(kind)}",
        **_MAKERS[kind](),
    }


def schema_text(kind: Kind) -> str:
    """The schema as the text of a file."""
    return _print(schema(kind), "", 0) + "\n"


def _print(value: Any, indent: str, taken: int) -> str:
    """JSON with what is short on one line; ``taken`` counts the characters ahead of it there."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(indent) + taken + len(short) < WIDTH:
        return short
    deeper = indent + "  "
    if isinstance(value, list):
        parts = [_print(item, deeper, 0) for item in value]
        opening, closing = "[]"
    else:
        keys = [f"{json.dumps(key)}: " for key in value]
        items = zip(keys, value.values(), strict=True)
        parts = [key + _print(item, deeper, len(key)) for key, item in items]
        opening, closing = "{}"
    lines = f",\n{deeper}".join(parts)
    return f"{opening}\n{deeper}{lines}\n{indent}{closing}"
