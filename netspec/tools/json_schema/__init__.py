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
    return json.dumps(schema(kind), ensure_ascii=False, indent=2) + "\n"
