"""What stays an argument of generated functions may be a number in them, and decides nothing."""

from __future__ import annotations

import pytest

import netspec
from netspec.errors import NetspecError
from tests.support.generated import build_generated
from tests.support.witnesses import COUNTS, declared_counts

HEAD = "netspec: 1\nname: kept\nparams: {n: 4}\narguments: [n]\n"
PLAIN = "input: {channels: 3, size: [8, 9]}\n"
END = "head: [global_avg_pool, {linear: {out: 5}}]\n"
UNIT = "blocks: {unit: {params: {w: int}, body: [{conv: {out: 4, kernel: 3}, name: 'c{w}'}]}}\n"


@pytest.mark.parametrize("backend", ["torch", "keras"])
@pytest.mark.parametrize(
    ("spec", "what", "column"),
    [
        ("input: {channels: 3, size: [n, 9]}\nstem: [{conv: {out: 4, kernel: 3}}]\n", "size", 29),
        (PLAIN + "stages: [{block: basic, width: 8, repeat: n}]\n", "a number of blocks", 43),
        (PLAIN + "stages: {times: n, block: basic, width: 8}\n", "a number of stages", 17),
        (PLAIN + 'stages: [{block: basic, width: 8, name: "s{n}"}]\n', "a name", 41),
        (PLAIN + 'stem: [{relu: {}, name: "r{n}"}]\n', "a name", 25),
        (PLAIN + "stem: [{repeat: {times: n, body: [relu]}}]\n", "a number of repetitions", 9),
        (PLAIN + "stem: [{when: {test: n > 2, then: [relu]}}]\n", "a `when`", 9),
        (PLAIN + UNIT + "stem: [{unit: {w: n}}]\n", "a name", None),
        (
            PLAIN + "let: {m: n * 2}\n" + UNIT + "stem: [{unit: {w: m}}, {unit: {w: 3}}]\n",
            "a name",
            None,
        ),
    ],
)
def test_what_it_decides_is_refused_at_its_place(
    spec: str, what: str, column: int | None, backend: str
) -> None:
    compiled = netspec.loads(HEAD + spec + END)
    with pytest.raises(NetspecError) as caught:
        compiled.generate(backend)
    (found,) = caught.value.diagnostics
    assert found.code == "NS704"
    assert what in found.message
    assert found.span is not None
    assert column is None or found.span.column == column


def test_only_what_decides_is_named() -> None:
    spec = (
        "netspec: 1\nname: kept\nparams: {n: 4, m: 5, k: 6}\narguments: [n, m, k]\n"
        + PLAIN
        + "stem: [{when: {test: n + m > 2, then: [relu]}}, {when: {test: m > 2, then: [relu]}}]\n"
        + "head: [global_avg_pool, {linear: {out: k}}]\n"
    )
    with pytest.raises(NetspecError) as caught:
        netspec.loads(spec).generate("torch")
    first, second = caught.value.diagnostics
    assert "value of `n` or `m`, and" in first.message
    assert first.help == "take `n` or `m` out of `arguments`, or do without it here"
    assert "value of `m`, and" in second.message


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_channels_of_the_input_and_numbers_in_layers_are_arguments(backend: str) -> None:
    spec = (
        HEAD
        + "input: {channels: n, size: [8, 9]}\n"
        + "stem: [{conv: {out: 2 * n, kernel: 3}}, norm, {conv: {out: 4, kernel: 1}}]\n"
        + END
    )
    compiled = netspec.loads(spec)
    model = build_generated(compiled, backend, n=6)
    wanted = netspec.loads(spec, overrides={"n": 6}).network
    assert COUNTS[backend](model) == declared_counts(wanted)


def test_a_shape_of_the_callers_own_is_taken_as_it_is() -> None:
    """Keras' function reads the channels of an input off its shape, where one is given."""
    spec = HEAD + "input: {channels: n, size: [8, 9]}\nstem: [{conv: {out: 4, kernel: 3}}]\n" + END
    compiled = netspec.loads(spec)
    assert build_generated(compiled, "keras", n=6).input_shape == (None, 8, 9, 6)
    shape = (None, 12, 6)
    assert build_generated(compiled, "keras", n=6, input_shape=shape).input_shape == (None, *shape)
