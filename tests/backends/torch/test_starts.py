"""How it is found out by what loop the parameters of generated source start."""

from __future__ import annotations

import pytest

import netspec
from netspec.backends.torch import starts

SPEC = """
netspec: 1
name: row
input: {{channels: 3, size: [8, 8]}}
stem:
  - name: features
    sequence:
      - repeat:
          times: {times}
          index: number
          body:
            - {{conv: {{out: 8 + number % 3, kernel: 3, init: {{kaiming_normal: fan_out}}}}}}
            - relu
"""


def test_it_takes_time_in_proportion_to_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def counting(one: object, other: object) -> bool:
        nonlocal compared
        compared += 1
        return same_call(one, other)

    same_call = starts.same_call
    monkeypatch.setattr(starts, "same_call", counting)
    counts = []
    for times in (50, 100):
        compared = 0
        source = netspec.loads(SPEC.format(times=times)).generate("torch")
        assert source.count("kaiming_normal_") == 1
        counts.append(compared)
    assert counts[1] < 2.5 * counts[0]
