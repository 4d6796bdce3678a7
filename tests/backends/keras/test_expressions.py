"""Expressions of `keras.ops` in source: laid out as ruff does, whatever their length."""

from __future__ import annotations

import pytest

import netspec
from tests.support.witnesses import check_sources


@pytest.mark.parametrize("size", ["[21]", "[8, 9]", "[7, 7, 5]"])
@pytest.mark.parametrize(
    "step",
    [
        "avg_pool: {kernel: 2, stride: 2, padding: 1, count_include_pad: false}",
        "max_pool: {kernel: 4, stride: 2, padding: 2}",
    ],
)
@pytest.mark.parametrize(
    "place", ["stem: [{{{}}}]", "blocks: {{b: {{body: [{{{}}}]}}}}\nstages: [{{block: b}}]"]
)
def test_source_needs_no_formatter(step: str, size: str, place: str) -> None:
    text = f"netspec: 1\nname: n\ninput: {{channels: 4, size: {size}}}\n{place.format(step)}\n"
    check_sources({"keras": netspec.loads(text).generate("keras")})
