"""What makes the stages of one pattern, and what it takes for the first block and the others."""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from tests.support.families import check_family
from tests.support.generated import import_source
from tests.support.witnesses import check

torch = pytest.importorskip("torch")
pytest.importorskip("keras")

SPEC = """\
netspec: 1
name: stages
params: {depths: [1, 1, 3, 1]}
input: {channels: 8, size: [24, 32]}
stages:
  times: len(depths)
  block: preact_basic
  repeat: depths[stage]
  width: 8 * 2 ** stage
  stride: "1 if stage == 0 else 2"
head: [global_avg_pool, {linear: {out: 5}}]
"""


def weights(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    """The names and shapes of a model's tensors."""
    return [(name, tuple(value.shape)) for name, value in model.state_dict().items()]


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_the_only_block_of_a_stage_is_its_first(backend: str) -> None:
    source = netspec.loads(SPEC).generate(backend)
    assert "first_stride" not in source
    check(netspec.loads(SPEC))


def test_with_other_depths_what_the_first_has_stays_the_first_s() -> None:
    made = import_source(netspec.loads(SPEC).generate("torch")).Stages([1, 2, 2, 2])
    other = netspec.loads(SPEC.replace("[1, 1, 3, 1]", "[1, 2, 2, 2]")).build("torch")
    assert weights(made) == weights(other)
    x = torch.randn(1, 8, 24, 32)
    made.load_state_dict(other.state_dict())
    torch.testing.assert_close(made.eval()(x), other.eval()(x))


def test_the_only_block_of_a_stage_is_its_last_where_others_have_one() -> None:
    text = SPEC.replace("  width:", "  stride_at: last\n  width:")
    assert "stride_at" in text
    source = netspec.loads(text).generate("torch")
    assert "last_stride" not in source
    check(netspec.loads(text))


def test_counts_are_taken_where_all_stages_have_them() -> None:
    lone = "stages:\n  - {block: basic, repeat: 1, width: 8}\n  - times: len(depths) - 1\n"
    rest = SPEC.partition("  block: preact_basic")[2].replace("\n  ", "\n    ")
    text = f"{SPEC.partition('stages:')[0]}{lone}    block: preact_basic{rest}"
    source = netspec.loads(text).generate("torch")
    assert "depths" not in source
    check(netspec.loads(text))


ENTERING = """\
netspec: 1
name: stages
params: {depths: [2, 1, 3], factor: 3}
input: {channels: 8, size: [24, 32]}
stages:
  times: len(depths)
  block: inverted_unit
  repeat: depths[stage]
  width: 8 * (stage + 1)
  stride: "1 if stage == 0 else 2"
  expanded: channels * 3
head: [global_avg_pool, {linear: {out: 5}}]
"""


@pytest.mark.parametrize(
    ("backend", "said"), [("torch", "width * 3"), ("keras", "x.shape[-1] * 3")]
)
def test_a_multiple_of_what_enters_a_block_is_said_as_one(backend: str, said: str) -> None:
    source = netspec.loads(ENTERING).generate(backend)
    assert said in source
    assert "first_expanded" not in source
    check(netspec.loads(ENTERING))


@pytest.mark.parametrize("formula", ["channels * factor", "channels * (stage + 2)"])
def test_what_hangs_on_more_is_passed(formula: str) -> None:
    family = "default: a\nvariants: {a: {}, b: {factor: 2}}\n"
    text = ENTERING.replace("channels * 3", formula) + family
    assert "first_expanded" in netspec.generate_family(netspec.loads(text), "torch")
    check_family(netspec.loads(text), ("torch",))
