"""The hash of the meaning changes with the network, and with nothing else."""

from __future__ import annotations

import pytest

from netspec import api
from netspec.meaning import meaning_hash

TEXT = """\
netspec: 1
name: net
params: {width: 8}
input: {channels: 3, size: [8, 8]}
stem:
  - conv: {out: width, kernel: 3}
  - norm
  - act
  - residual: {body: [{conv: {out: width, kernel: 1}}]}
head: [global_avg_pool, {linear: {out: 2}}]
"""


def meaning(text: str) -> str:
    return meaning_hash(api.loads(text).network)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width", "w"),
        ("out: width", "out: 4 * 2"),
        ("- norm", "- batch_norm: {eps: 1e-5}"),
        ("- act", "- relu"),
        ("kernel: 3", "kernel: [3, 3], stride: 1"),
        ("netspec: 1", "# a comment\nnetspec: 1"),
        (
            "{body: [{conv: {out: width, kernel: 1}}]}",
            "\n      body:\n      - conv: {out: width, kernel: 1}",
        ),
    ],
)
def test_other_words_for_the_same_network(old: str, new: str) -> None:
    changed = TEXT.replace(old, new)
    assert changed != TEXT
    assert meaning(changed) == meaning(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width: 8", "width: 9"),
        ("kernel: 3", "kernel: 3, padding: valid"),
        ("- norm", "- batch_norm: {eps: 1e-3}"),
        ("- act", "- relu6"),
        ("  - act\n", ""),
        ("size: [8, 8]", "size: [8, 9]"),
        ("name: net", "name: other"),
        ("residual: {body", "gate: {body"),
        ("kernel: 1}", "kernel: 1, init: zeros}"),
        ("- norm", "- norm:\n    name: first"),
    ],
)
def test_another_network(old: str, new: str) -> None:
    changed = TEXT.replace(old, new)
    assert changed != TEXT
    assert meaning(changed) != meaning(TEXT)
