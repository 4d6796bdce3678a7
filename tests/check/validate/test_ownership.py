"""Whose a YAML file is: what the parser finds at its root decides, whatever hides that from a search."""

from __future__ import annotations

import pytest

from netspec.check.validate.ownership import owner_of
from tests.check.validate.test_mutations import time_limit

OURS = {
    "plain": b"netspec: 1\n",
    "byte order mark": b"\xef\xbb\xbfnetspec: 1\n",
    "UTF-16": "netspec: 1\n".encode("utf-16"),
    "flow": b"--- {netspec: 1, name: x}\n",
    "comments and quotes": b"# c\n---\n'block': x\n",
    "not first": b"name: x\nstages: {a: [b]}\nnetspec: 1\n",
    "broken behind": b"netspec: 1\nx: [\n",
    "complex key": b"? [a]\n: netspec\nblock: 1\n",
    "latin-1": b"caf\xe9: 1\nnetspec: 1",
    "control characters": b"a: \x00\nnetspec: 1",
    "anchors": b"a: &x 1\n*x : 2\nnetspec: 1\n",
}
OTHERS = {
    "compose": b"services: {netspec: 1}\n",
    "list": b"- netspec: 1\n",
    "anchors": b"a: &x [1]\nb: *x\n",
    "tags": b"a: !Ref b\n",
    "second document": b"a: 1\n---\nnetspec: 1\n",
    "empty": b"",
    "text": b"netspec\n",
    "value": b"x: netspec\n",
    "large": b"a: [" + b"1, " * 600_000 + b"1]\n",
}
UNREADABLE = {
    "Helm": b"{{- if x }}\na: 1\n",
    "bracket": b"x: 1\ny: [",
    "deep": b"a: " + b"[" * 400_000,
}


@pytest.mark.parametrize(
    ("raw", "owner"),
    [(raw, "ours") for raw in OURS.values()]
    + [(raw, "other") for raw in OTHERS.values()]
    + [(raw, "unreadable") for raw in UNREADABLE.values()],
    ids=[*OURS, *OTHERS, *UNREADABLE],
)
def test_the_keys_at_the_root_decide(raw: bytes, owner: str) -> None:
    with time_limit():
        assert owner_of(raw) == owner
