"""Networks that are the same are said to be so: no rounding, tie or size passes for a difference."""

from __future__ import annotations

import pytest

from netspec import loads
from netspec.errors import NetspecError, UsageError
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify

HEAD = "netspec: 1\nname: net\ndefaults: {conv: {bias: false}}\n"
MAP = "input: {channels: 3, size: [16, 16]}\n"

SAME = {
    "nothing flows back": MAP
    + "stem: [{conv: {out: 8, kernel: 3}}, instance_norm]\nhead: [global_avg_pool, {linear: {out: 4}}]\n",
    "nothing flows back at all": MAP
    + "stem: [{conv: {out: 8, kernel: 3}}, instance_norm, global_avg_pool]\n",
    "nothing is trained": MAP + "stem: [relu, {max_pool: {kernel: 2}}, global_avg_pool]\n",
    "no weights but statistics": MAP + "stem: [{batch_norm: {affine: false}}, global_avg_pool]\n",
    "a pool behind a relu": MAP
    + "stages:\n  - {block: basic, width: 8}\nhead: [global_max_pool, {linear: {out: 10}}]\n",
    "a pool between stages": MAP
    + "stages:\n  - {block: basic, width: 8}\n"
    + "  - {block: basic, width: 8, between: [{max_pool: {kernel: 3, stride: 2, padding: 1}}]}\n"
    + "head: [global_avg_pool, {linear: {out: 10}}]\n",
    "same over three axes": "input: {channels: 2, size: [8, 8, 8]}\n"
    + "stem: [{conv: {out: 4, kernel: 2, stride: 4, padding: same}}]\n"
    + "head: [global_avg_pool, {linear: {out: 3}}]\n",
    "a size that decides": MAP
    + "stem:\n  - when: {test: 'size[0] > 10', then: [{conv: {out: 5, kernel: 3}}]}\n"
    + "  - conv: {out: 4, kernel: 3}\nhead: [global_avg_pool, {linear: {out: 3}}]\n",
    "a single channel": "input: {channels: 1, size: [9, 12]}\nstem: [{conv: {out: 1, kernel: 3}}, norm, relu]\n",
    "a kernel larger than the map": "input: {channels: 2, size: [3, 4]}\n"
    + "stem: [{conv: {out: 4, kernel: 7}}, relu]\nhead: [global_avg_pool, {linear: {out: 3}}]\n",
    "one position": "input: {channels: 2, size: [1, 1]}\n"
    + "stem: [{conv: {out: 4, kernel: 3}}, norm, relu]\nhead: [global_avg_pool, {linear: {out: 3}}]\n",
    "one axis": "input: {channels: 2, size: [16]}\n"
    + "stem: [{conv: {out: 4, kernel: 3, stride: 2, padding: same}}, norm, relu, {max_pool: {kernel: 2}}]\n",
}


def run(text: str, **options: object) -> NetworkResult:
    return verify(loads(HEAD + text).compilation, Options(**options), Origin("test.yaml"))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_equal_networks_agree(text: str) -> None:
    result = run(text)
    assert result.passed, [failure.message for _, _, failure in result.failures()]


def test_why_the_size_is_the_specs_own_is_said() -> None:
    (note,) = run(SAME["same over three axes"]).notes[:1]
    assert note == (
        "the input is 8×8×8, the spec's own size: source for keras holds the padding of `conv1` in numbers"
    )


def test_a_size_that_source_does_not_take_is_refused() -> None:
    with pytest.raises(UsageError, match="takes inputs of 8×8×8 alone"):
        run(SAME["same over three axes"], size=(9, 8, 8))


def test_layers_are_the_specs_at_every_size() -> None:
    """What a `when` reads is the spec's size, whatever the input's."""
    result = run(SAME["a size that decides"], size=(8, 9))
    assert result.passed
    assert result.input_shape[2:] == (8, 9)


@pytest.mark.parametrize(
    "step",
    ["{group_norm: {groups: 8}}", "instance_norm"],
)
def test_norms_of_single_values_are_refused(step: str) -> None:
    text = f"stem: [{{conv: {{out: 8, kernel: 3}}}}, {{global_avg_pool: {{keep_dims: true}}}}, {step}]\n"
    with pytest.raises(NetspecError, match="always zero"):
        loads(HEAD + MAP + text)


def test_a_layer_norm_of_a_single_channel_is_refused() -> None:
    with pytest.raises(NetspecError, match="`layer_norm` of a single channel is always zero"):
        loads(HEAD + MAP + "stem: [{conv: {out: 1, kernel: 3}}, layer_norm]\n")
