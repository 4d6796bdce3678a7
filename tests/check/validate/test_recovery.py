"""Every problem of a file in one run: one mistake hides no other, and brings none of its own."""

from __future__ import annotations

import itertools
import sys
from collections import Counter

import pytest

from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import Diagnostic
from tests.support.pages import ROOT

sys.path.insert(0, str(ROOT / "scripts"))

from diagnostics_page import SPEC, TEN, Mistake

HEAD = "netspec: 1\nname: spec\ninput: {channels: 3, size: [32, 32]}\n"
SOUND = SPEC.read_text(encoding="utf-8")
# One of the ten breaks the YAML, after which nothing can be read.
MISTAKES = [mistake for mistake in TEN if "kernel" in mistake.old or "norm" not in mistake.old]
PAIRS = [
    (one, other)
    for one, other in itertools.combinations(MISTAKES, 2)
    if other.old in SOUND.replace(one.old, one.new)
]


def check(text: str) -> list[Diagnostic]:
    result = check_content(text.encode(), "spec.yaml", None, Options())
    assert result is not None
    return list(result.diagnostics)


def codes(text: str) -> Counter[str]:
    return Counter(diagnostic.code for diagnostic in check(text))


def with_mistakes(*mistakes: Mistake) -> str:
    text = SOUND
    for mistake in mistakes:
        text = text.replace(mistake.old, mistake.new)
    return text


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " + ".join(m.title[:24] for m in pair))
def test_two_mistakes_are_two_problems_at_most(pair: tuple[Mistake, Mistake]) -> None:
    expected = codes(with_mistakes(pair[0])) + codes(with_mistakes(pair[1]))
    found = codes(with_mistakes(*pair))
    assert found <= expected
    assert found


def test_hardly_any_mistake_hides_another() -> None:
    complete = [sum(codes(with_mistakes(*pair)).values()) == 2 for pair in PAIRS]
    assert len(complete) > 30
    assert complete.count(False) <= 2  # shapes behind what has no type


def test_all_mistakes_at_once() -> None:
    assert sum(codes(with_mistakes(*MISTAKES)).values()) == len(MISTAKES) - 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stem: [{conv: {out: 4, kernal: 3}}, norm, {conv: {out: x, kernel: 3}}]\n", "NS101 NS202"),
        ("stem: [{conv: {out: 4, kernal: 3}}]\nhead: [{linear: {out: 4}}]\n", "NS101"),
        ("stem: [{conv: {kernal: 3}, as: a}, {from: [a], relu: {}}]\n", "NS101"),
        ("stem: [{conv: {kernal: 3}, as: a}, relu, {from: [a, b]}]\n", "NS101 NS225"),
        ("params: {w: intt}\nstem: [{conv: {out: w, kernel: 3}}]\n", "NS103"),
        ("params: {w: int}\nvariants: {v: {}}\nstem: [{conv: {out: w, kernel: 3}}]\n", "NS209"),
        ("let: {w: 4 +}\nstem: [{conv: {out: w, kernel: 3}}, {relu7: {}}]\n", "NS200 NS207"),
        ("parms: {w: 3}\nstem: [{conv: {out: w, kernel: 3}}]\n", "NS101"),
        ("stemm: [{conv: {out: 4, kernel: 3}}]\n", "NS101"),
        ("stemm: [global_avg_pool]\nhead: [{linear: {out: 4}}]\n", "NS101"),
        ("defaults: {convv: {kernel: 3}}\nstem: [{conv: {out: 4}}]\n", "NS101"),
        ("blocks: {b: {boddy: [relu]}}\nstem: [b, b]\n", "NS101"),
        ("blocks: {b: {body: [rellu]}}\nstem: [b, b]\n", "NS207"),
        ("blocks: {b: {body: [rellu]}}\nstem: [relu]\n", "NS207"),
        ("variants: {v: [1]}\ndefault: v\nstem: [relu]\n", "NS103"),
        ("stages: [{block: basic, width: 4, repeat: x}, {block: basik}]\n", "NS202 NS207"),
        ("stages: [{block: 7}]\noutputs: {a: layer1}\n", "NS103"),
        ("stages: [{block: basic, width: 4, name: '{x'}]\noutputs: {a: layer9}\n", "NS222 NS214"),
        ("stem: [{max_pool: {kernel: 99}}, {conv: {out: 4, kernel: 3, groups: 3}}]\n", "NS407"),
        (
            "stem: [{gate: {body: [{conv: {out: 9, kernel: 1}}]}}, {linear: {out: 3}}]\n",
            "NS403 NS401",
        ),
        ("stem: [{residual: {body: [rellu, {conv: {out: 0, kernel: 1}}]}}]\n", "NS207 NS408"),
        ("stem: [{when: {test: y, then: [rellu]}}, {conv: {out: z, kernel: 1}}]\n", "NS202 NS202"),
        (
            "stem: [{repeat: {times: 3, body: [rellu]}}, {repeat: {times: x, body: [relu]}}]\n",
            "NS207 NS202",
        ),
        ("stem: [flatten, {conv: {out: 4, kernel: 3}}]\n", "NS401"),
        ("stem: [rellu, flatten, {conv: {out: 4, kernel: 3}}]\n", "NS207 NS401"),
        ("stem: [{conv: {out: 4, kernal: 3}}, flatten, {linear: {out: 3}}]\n", "NS101"),
        ("arguments: [a, b]\nparams: {b: true}\nstem: [relu]\n", "NS206 NS211"),
        # what YAML has and the language has not
        ("name: twice\nstem: [{conv: {out: x, kernel: 3}}]\n", "NS105 NS202"),
        ("params: {a: 1, a: 2}\nstem: [{conv: {out: a, kernel: x}}]\n", "NS105 NS202"),
        ("params: {a: 1}\nparams: {b: 1}\nstem: [{conv: {out: b, kernel: 3}}, s]\n", "NS105"),
        ("input: {}\nstem: [{conv: {out: x, kernel: 3}}]\n", "NS105 NS202"),
        ("stem: [{conv: {out: 4, out: x, kernel: 3}}, rellu]\n", "NS105 NS207"),
        ("stem: [{conv: {out: !!int 4, kernel: 3}}, rellu]\n", "NS113 NS207"),
        ("stem: [{conv: {out: &a 4, kernel: *a}}, rellu]\n", "NS112 NS207"),
        ("let: {a: .inf}\nstem: [{conv: {out: a, kernel: 3}}, rellu]\n", "NS115 NS207"),
        ("stem: [{conv: {out: {a}, kernel: 3}}, {{a}: 1}, rellu]\n", "NS103 NS114 NS207"),
        ("{a}: 1\nstem: !steps [rellu]\nhead: [rellu]\n", "NS113 NS114 NS207"),
        ("stem: [rellu]\n---\nstem: [rellu]\n", "NS111 NS207"),
    ],
)
def test_what_hides_nothing_and_adds_nothing(text: str, expected: str) -> None:
    assert codes(HEAD + text) == Counter(expected.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "block: spec\nbody: [{conv: {kernal: 3}}, rellu, {conv: {out: x}}]\n",
            "NS101 NS207 NS202",
        ),
        ("block: spec\nparams: {w: intt}\nbody: [{conv: {out: w}}, rellu]\n", "NS103 NS207"),
        ("block: spec\nlet: {w: 3, w: 4}\nbody: [{conv: {out: w}}, rellu]\n", "NS105 NS207"),
        ("block: spec\nbody: [{conv: {out: !x 3}}, rellu]\ndocs: no\n", "NS113 NS101 NS207"),
        ("block: 7\nbody: [rellu]\n", "NS103 NS207"),
        ("block: spec\nparams: {w: int}\nlet: {w: 3}\nbody: [rellu]\n", "NS223 NS207"),
        ("block: spec\nbdy: [rellu]\n", "NS101"),
        ("block: spec\nbody: 7\n", "NS103"),
    ],
)
def test_what_hides_nothing_in_a_block_file(text: str, expected: str) -> None:
    assert codes(text) == Counter(expected.split())


@pytest.mark.parametrize("key", ["netspec", "name", "input"])
def test_a_missing_key_hides_nothing(key: str) -> None:
    lines = (HEAD + "stem: [{conv: {out: x, kernel: 3}}]\n").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith(key))
    assert codes(text) == Counter(["NS102", "NS202"])


def test_a_version_that_is_not_known_says_nothing_else() -> None:
    assert codes(HEAD.replace("1", "2") + "layers: []\n") == Counter(["NS108"])


def test_the_number_of_problems_has_a_bound() -> None:
    steps = "".join(f"  - {{conv: {{out: x{number}, kernel: 3}}}}\n" for number in range(1000))
    assert [d.code for d in check(HEAD + "stem:\n" + steps)][199:] == ["NS202", "NS508"]
