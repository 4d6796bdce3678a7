"""Kept arguments: blocks are asked what one decides where it reaches any."""

from __future__ import annotations

import dataclasses

import pytest

import netspec
from netspec.ir.template import divide, templates

REACHING = {
    "in what stands behind all blocks": ("stages: [{block: basic, width: 4}]", "n", False),
    "in an argument": ("stages: [{block: basic, width: n}]", "n", True),
    "through a value": ("let: {m: n * 2, k: m + 1}\nstages: [{block: basic, width: k}]", "n", True),
    "in channels that enter": (
        "stem: [{conv: {out: n, kernel: 1}}, relu]\nstages: [{block: basic, width: 4}]",
        "n",
        True,
    ),
    "in steps that a block is given": (
        "blocks: {b: {params: {s: steps}, body: [s]}}\nstem: [{b: {s: {conv: {out: n, kernel: 1}}}}]",
        "n",
        True,
    ),
    "in a name inside of a block": (
        "blocks: {b: {params: {w: int}, body: [{relu: {}, name: 'r{w}'}]}}\nstem: [{b: {w: n}}]",
        "n",
        True,
    ),
    "in a test ahead": (
        "stem: [{when: {test: n > 2, then: [{scale: {}}]}}, {when: {test: n > 5, then: [relu]}}]\n"
        "stages: [{block: basic, width: 4}]",
        "n",
        True,
    ),
    "nowhere": ("stages: [{block: basic, width: 4}]", "unused", False),
}


@pytest.mark.parametrize("case", REACHING)
def test_blocks_that_no_kept_argument_reaches_are_not_asked_what_it_decides(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, name, reaches = REACHING[case]
    spec = (
        "netspec: 1\nname: a\nparams: {n: 4, unused: 1}\ninput: {channels: 3, size: [8, 9]}\n"
        f"{text}\nhead: [global_avg_pool, {{linear: {{out: n}}}}]\n"
    )
    network = netspec.loads(spec).network
    kept = dataclasses.replace(network, arguments={name: network.main.arguments[name]})
    assert divide._reaches_blocks(kept, {f".{name}"}) is reaches
    found = templates(kept)
    monkeypatch.setattr(divide, "_reaches_blocks", lambda *_: True)
    asked = templates(kept)
    assert len(found.blocks) == len(asked.blocks)
    for one, other in zip(
        (found.network, *found.blocks), (asked.network, *asked.blocks), strict=True
    ):
        assert one.guards == other.guards
        assert one.parameters.keys() == other.parameters.keys()
        kinds = [[p.is_kept for p in each.parameters.values()] for each in (one, other)]
        assert kinds[0] == kinds[1]
