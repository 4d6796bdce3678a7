"""The canonical layout of spec and block files, comments kept.

Keys whose names the language fixes stand in the order of its models, the author's own where they were.
Two spaces a level, lists one level below their key; what was written in braces or brackets stays so
where it fits 100 columns and holds no comment. One blank line at most. Scalars stay as they were
written. Nothing of the meaning changes: the result is read again and compared.
"""

from __future__ import annotations

from typing import Any

from netspec.check.validate.ownership import is_ours
from netspec.errors import InternalError
from netspec.lang.source import parse
from netspec.tools.formatting.comments import attach_comments
from netspec.tools.formatting.order import root_shape
from netspec.tools.formatting.tree import comments_of, read_tree
from netspec.tools.formatting.write import write


def format_text(text: str, file: str = "<string>") -> str | None:
    """The text of a spec or block file in its canonical layout; None where it is neither.

    Raises :class:`NetspecError` when it is no valid YAML, :class:`InternalError` when the result would
    say something else.
    """
    data = parse(text, file).data
    if not is_ours(data):
        return None
    tree = read_tree(text, file)
    header = attach_comments(tree)
    result = write(tree.root, header, root_shape(data))
    comments = sorted(tree.text[start:end].rstrip(" \t") for start, end in tree.comments)
    if not same(data, parse(result, file).data) or comments != sorted(comments_of(result)):
        raise InternalError(f"{file}: formatting would change what the file says")
    return result


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, types too; the order of keys does not count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
