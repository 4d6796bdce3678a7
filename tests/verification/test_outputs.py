"""Several outputs: a row for each, and their order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from netspec import loads
from netspec.backends.torch.probe import TorchProbe
from netspec.system.tables import make_console
from netspec.verification import table
from netspec.verification.certificate import to_json
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify

SPEC = """\
netspec: 1
name: two
input: {channels: 3, size: [8, 9]}
stem: [{conv: {out: 4, kernel: 3}}, relu]
head:
  - global_avg_pool
  - {linear: {out: 3}, as: second}
  - {linear: {out: 3}, as: first}
outputs: {b: second, a: first}
"""


def run() -> NetworkResult:
    options = Options("forward", ("torch",))
    return verify(loads(SPEC).compilation, options, Origin("two.yaml"))


def test_each_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    result = run()
    table.print_results(make_console(), [result])
    printed = capsys.readouterr().out
    assert [line.split()[-4:-3] for line in printed.splitlines() if "head: " in line] == [
        ["b"],
        ["a"],
    ]
    measures = to_json([result])["networks"][0]["witnesses"][1]["levels"][2]["measures"]
    assert [measure["tensor"] for measure in measures] == ["b", "a"]
    assert to_json([result])["first_difference"] is None


def test_another_order_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    original = TorchProbe.observe

    def turned(self: Any, *arguments: Any) -> Any:
        found = original(self, *arguments)
        outputs = dict(reversed(list(found.outputs.items())))
        return type(found)(found.places, outputs)

    monkeypatch.setattr(TorchProbe, "observe", turned)
    (first, *_) = [failure.message for _, _, failure in run().failures()]
    assert first == "outputs come in the order `a`, `b`; the spec says `b`, `a`"


def test_the_first_difference_is_named_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = TorchProbe.observe, []

    def swapped(self: Any, model: Any, places: Any, inputs: Any) -> Any:
        found = original(self, model, places, inputs)
        calls.append(model)
        if len(calls) > 1:
            a, b = found.outputs["a"], found.outputs["b"]
            return type(found)(found.places, {**found.outputs, "a": b, "b": a})
        return found

    monkeypatch.setattr(TorchProbe, "observe", swapped)
    found = json.loads(json.dumps(to_json([run()])))["first_difference"]
    assert (found["network"], found["witness"], found["level"]) == (
        "two",
        "torch generated",
        "forward",
    )
    assert found["measure"]["tensor"] == "b"
    assert found["measure"]["relative"] > found["measure"]["bound"]
    assert "differs by" in found["message"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_and_has_no_blanks_at_its_ends(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run()
    monkeypatch.setattr("netspec.system.tables.PLAIN_WIDTH", width)
    table.print_results(make_console(), [result])
    lines = capsys.readouterr().out.splitlines()
    inside = [line for line in lines if not line.startswith("note:")]
    assert max(map(len, inside)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert any("output" in line and "1e-10" in line for line in lines)
