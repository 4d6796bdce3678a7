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


KINDS = """\
netspec: 1
name: net
params: {rate: 0.2, width: 4}
arguments: [rate, width]
input: {channels: 3, size: [8, 9]}
stem: [{conv: {out: 2 * width, kernel: 3}}, {dropout: {rate: rate}}, {leaky_relu: {slope: 2 * rate}}]
head: [global_avg_pool, {linear: {out: 3}}]
"""


def test_fractions_have_second_values() -> None:
    result = verify(loads(KINDS).compilation, Options("forward"), Origin("net.yaml"))
    assert result.passed, failures(result)
    assert "generated functions were called with rate=0.1, width=5 too" in result.notes


@pytest.mark.parametrize(
    ("backend", "name", "old", "new", "level", "said"),
    [
        (TorchBackend, "torch", "2 * rate", "0.4", "forward", "called with rate=0.1"),
        (KerasBackend, "keras", "2 * rate", "0.4", "forward", "called with rate=0.1"),
        (TorchBackend, "torch", "(rate)", "(0.2)", "shapes", "at 0.2; the spec says 0.1"),
    ],
)
def test_numbers_that_no_weight_shows_are_held_too(
    backend: Any,
    name: str,
    old: str,
    new: str,
    level: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = backend.generate

    def wrong(self: Any, *given: Any) -> str:
        text = original(self, *given)
        assert old in text
        return str(text.replace(old, new))

    monkeypatch.setattr(backend, "generate", wrong)
    result = verify(loads(KINDS).compilation, Options("forward"), Origin("net.yaml"))
    ((witness, found, failure),) = result.failures()
    assert (witness.name, found.level) == (f"{name} generated", level)
    assert said in failure.message


def test_a_second_value_is_tried_and_told() -> None:
    result = run()
    assert result.passed
    assert "generated functions were called with classes=6 too" in result.notes


@pytest.mark.parametrize(
    ("backend", "name", "old", "new", "said"),
    [
        (TorchBackend, "torch", r"classes: int = 5", "classes: int = 7", "5"),
        (KerasBackend, "keras", r"classes: int = 5", "classes: int = 7", "5"),
        (TorchBackend, "torch", r"(Linear\(\d+, )classes", r"\g<1>5", "called with classes=6"),
        (KerasBackend, "keras", r"(Dense\(\s*)classes", r"\g<1>5", "called with classes=6"),
    ],
)
def test_a_wrong_default_or_a_number_in_its_place(
    backend: Any, name: str, old: str, new: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = backend.generate

    def wrong(self: Any, *given: Any) -> str:
        text, count = re.subn(old, new, original(self, *given))
        assert count >= 1
        return text

    monkeypatch.setattr(backend, "generate", wrong)
    found = failures(run())
    assert [witness for witness, _ in found] == [f"{name} generated"]
    assert said in found[0][1]
