"""Expanding a block once says what expanding it each time would."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from netspec.check.report import FileResult
from netspec.check.validate import known
from netspec.check.validate.check import check_content
from netspec.check.validate.known import Known
from netspec.check.validate.options import Options
from tests.support.mutations import SPECS, corpus, mutate

SPEC = """\
netspec: 1
name: spec
params: {width: 8, kernel: 3}
variants: {a: {}, b: {width: 0}, c: {kernel: 5}}
input: {channels: 3, size: [8, 8]}
defaults: {conv: {bias: false, kernel: kernel}}
stem: [{conv: {out: 8}}]
stages:
  block: basic
  times: 2
  repeat: 2
  width: width
  attention: [{conv: {out: width, kernel: 1}}]
"""


def check(raw: bytes | str, folder: Path | None = None) -> FileResult:
    content = raw.encode() if isinstance(raw, str) else raw
    result = check_content(content, "spec.yaml", folder, Options())
    assert result is not None
    return result


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A context that can make blocks be expanded each time."""
    return monkeypatch


def each_time(patch: pytest.MonkeyPatch, raw: bytes) -> FileResult:
    with patch.context() as inside:
        inside.setattr(Known, "find", lambda self, key: None)
        return check(raw)


def is_at_a_bound(result: FileResult) -> bool:
    """Bounds count work, which is what differs."""
    return any(diagnostic.code == "NS502" for diagnostic in result.diagnostics)


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_zoo(path: Path, forgetful: pytest.MonkeyPatch) -> None:
    raw = path.read_bytes().replace(b"200}", b"9}").replace(b"111}", b"9}")
    assert check(raw) == each_time(forgetful, raw)


def test_mutated_specs(forgetful: pytest.MonkeyPatch) -> None:
    originals = corpus()
    compared = 0
    for seed in range(150):
        raw = mutate(Random(seed), originals)
        once = check(raw)
        if is_at_a_bound(once):
            continue
        known._SHARED.clear()
        assert check(raw) == once, seed
        always = each_time(forgetful, raw)
        if not is_at_a_bound(always):
            assert always == once, seed
            compared += 1
    assert compared > 100


def test_a_problem_in_a_known_block_is_that_of_each_variant_that_has_it() -> None:
    text = SPEC.replace("  attention: [{conv: {out: width, kernel: 1}}]\n", "")
    assert {diagnostic.variants for diagnostic in check(text).diagnostics} == {"`b`"}
    both = text.replace("c: {kernel: 5}", "c: {width: 0}, d: {}")
    assert {diagnostic.variants for diagnostic in check(both).diagnostics} == {"`b`, `c`"}


def test_defaults_are_part_of_what_is_known() -> None:
    """The same block and arguments, and other defaults: in another variant, and in another file."""
    text = SPEC.replace("c: {kernel: 5}", "c: {kernel: 0}").replace("b: {width: 0}, ", "")
    text = text.replace("  attention: [{conv: {out: width, kernel: 1}}]\n", "")
    blocks = "blocks:\n  own: {params: {out: int}, body: [{conv: {out: out}}]}\n"
    text = text.replace("stem: [", blocks + "stem: [{own: {out: 4}}, ")
    assert {d.variants for d in check(text).diagnostics if d.code == "NS408"} == {"`c`"}
    good = "netspec: 1\nname: x\ninput: {channels: 8, size: [8, 8]}\nstem: [{basic: {width: 8}}]\n"
    with_bias = good + "defaults: {conv: {bias: true}}\n"
    without = good + "defaults: {conv: {bias: false}}\n"
    for _ in range(2):
        assert [d.code for d in check(without).diagnostics] == []
        assert [d.code for d in check(with_bias).diagnostics] == ["NS301"]


def test_a_slot_belongs_to_who_fills_it() -> None:
    """Equal words in slots of two files are two things."""
    text = (
        "netspec: 1\nname: x\ninput: {channels: 8, size: [8, 8]}\ndefaults: {conv: {bias: false}}\n"
        "blocks: {tower: {body: [BODY]}}\nstem: [{basic: {width: 8, attention: [tower]}}]\n"
    )
    assert check(text.replace("BODY", "relu")).diagnostics == ()
    found = check(text.replace("BODY", "{max_pool: {kernel: 99}}")).diagnostics
    assert [diagnostic.code for diagnostic in found] == ["NS407"]


def test_a_known_block_does_not_hide_that_a_file_hides_it(tmp_path: Path) -> None:
    text = "netspec: 1\nname: x\ninput: {channels: 8, size: [8, 8]}\nstem: [{squeeze_excite: {}}]\n"
    assert check(text).diagnostics == ()
    (tmp_path / "squeeze_excite.yaml").write_text("block: squeeze_excite\nbody: [relu]\n")
    assert [d.code for d in check(text, tmp_path).diagnostics] == ["NS223"]
    nested = text.replace("{squeeze_excite: {}}", "{basic: {width: 4}}")
    nested = nested.replace("stem", "defaults: {conv: {bias: false}}\nstem")
    assert check(nested).diagnostics == ()
    (tmp_path / "projection.yaml").write_text("block: projection\nbody: [relu]\n")
    assert {d.code for d in check(nested, tmp_path).diagnostics} == {"NS223"}


def test_a_known_block_is_shown_in_the_file_at_hand() -> None:
    text = "netspec: 1\nname: x\ninput: {channels: 8, size: [8, 8]}\nstem: [{basic: {width: 8}}]\n"
    for name in ("one.yaml", "two.yaml"):
        result = check_content(text.encode(), name, None, Options())
        assert result is not None
        assert [d.span.file for d in result.diagnostics if d.span] == [name]
