"""Kept arguments of generated functions: the default, and another value."""

from __future__ import annotations

import re
from typing import Any

import pytest

from netspec import loads
from netspec.backends.keras import KerasBackend
from netspec.backends.torch import TorchBackend
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify

SPEC = """\
netspec: 1
name: net
params: {classes: 5, width: 4}
arguments: [classes]
input: {channels: 3, size: [8, 9]}
stem: [{conv: {out: width, kernel: 3}}, relu]
head: [global_avg_pool, {linear: {out: classes}}]
"""


def run() -> NetworkResult:
    return verify(loads(SPEC).compilation, Options("shapes"), Origin("net.yaml"))


def failures(result: NetworkResult) -> list[tuple[str, str]]:
    return [(witness.name, failure.message) for witness, _, failure in result.failures()]


def test_a_second_value_is_tried_and_told() -> None:
    result = run()
    assert result.passed
    assert "generated functions were called with classes=6 too" in result.notes


@pytest.mark.parametrize(
    ("backend", "name", "old", "new", "said"),
    [
        (TorchBackend, "torch", r"classes: int = 5", "classes: int = 7", "5"),
        (KerasBackend, "keras", r"classes=5", "classes=7", "5"),
        (TorchBackend, "torch", r"(Linear\(\d+, )classes", r"\g<1>5", "called with classes=6"),
        (KerasBackend, "keras", r"(Dense\(\s*)classes", r"\g<1>5", "called with classes=6"),
    ],
)
def test_a_wrong_default_or_a_number_in_its_place(
    backend: Any, name: str, old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = backend.generate

    def wrong(self: Any, program: Any, origin: Any) -> str:
        text, count = re.subn(old, new, original(self, program, origin))
        assert count >= 1
        return text

    monkeypatch.setattr(backend, "generate", wrong)
    found = failures(run())
    assert [witness for witness, _ in found] == [f"{name} generated"]
    assert said in found[0][1]
