"""What each lint finds, and what it leaves alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netspec.check.codes import registry
from netspec.check.lint import LINTS, OPTIONAL_LINTS
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.errors import Diagnostic
from tests.support.mutations import SPECS

HEAD = "netspec: 1\nname: spec\ninput: {channels: 8, size: [8, 8]}\n"


def lint(text: str, *codes: str, folder: Path | None = None) -> list[Diagnostic]:
    """What the lints ``codes`` say; the text must be sound."""
    content = HEAD + text if not text.startswith("block:") else text
    options = Options(lints=frozenset(codes))
    result = check_content(content.encode(), "spec.yaml", folder, options)
    assert result is not None
    assert {diagnostic.code for diagnostic in result.diagnostics} <= set(codes), result.diagnostics
    return list(result.diagnostics)


def places(found: list[Diagnostic]) -> list[str]:
    """The text that each diagnostic points at, as far as it is on one line."""
    return [f"{d.span.line}:{d.span.column}" if d.span else "" for d in found]


def test_which_are_on_is_what_the_registry_says() -> None:
    lints = {code for code in registry() if code.startswith("NS3")}
    assert lints == LINTS | OPTIONAL_LINTS
    assert {code for code in lints if registry()[code].enabled} == LINTS


def test_the_zoo_is_clean() -> None:
    for path in SPECS.rglob("*.yaml"):
        raw = path.read_bytes()
        result = check_content(raw, f"specs/{path.name}", path.parent, Options())
        assert result is not None
        assert result.diagnostics == (), path
        assert raw.count(b"netspec: ignore[") <= 1, "every ignore has its reason beside it"


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ("[{conv: {out: 8, kernel: 3}}, norm]", 1),
        ("[{conv: {out: 8, kernel: 3}}, instance_norm]", 1),
        ("[{conv: {out: 8, kernel: 3}}, {sequence: [norm]}]", 1),
        ("[{sequence: [{conv: {out: 8, kernel: 3}}], name: a}, norm]", 1),
        ("[{repeat: {times: 2, body: [{conv: {out: 8, kernel: 3}}, norm]}}]", 1),
        ("[{residual: {body: [{conv: {out: 8, kernel: 3}}, norm]}}]", 1),
        ("[{conv: {out: 8, kernel: 3, bias: false}}, norm]", 0),
        ("[{conv: {out: 8, kernel: 3}}, act, norm]", 0),
        ("[{conv: {out: 8, kernel: 3}}, layer_norm]", 0),
        ("[{conv: {out: 8, kernel: 3}}, {group_norm: {groups: 2}}]", 0),
        ("[{conv: {out: 8, kernel: 3}, as: a}, norm, {from: [a], relu: {}}]", 0),
        ("[{conv: {out: 8, kernel: 3}}, {residual: {body: [norm]}}]", 0),
        ("[{gate: {body: [{conv: {out: 8, kernel: 3}}, sigmoid]}}, norm]", 0),
        ("[{when: {test: 1 > 2, then: [{conv: {out: 8, kernel: 3}}, norm]}}, relu]", 0),
    ],
)
def test_a_bias_before_a_norm(steps: str, count: int) -> None:
    if "as: a" in steps:  # what the norm gives must be used, too
        steps = steps.replace("norm, {from: [a]", "{norm: {}, as: b}, {from: [a, b], merge: add")
    assert len(lint(f"stem: {steps}\n", "NS301")) == count


def test_a_bias_is_shown_where_it_is_given() -> None:
    own = lint("stem:\n  - conv: {out: 8, kernel: 3, bias: true}\n  - norm\n", "NS301")
    assert places(own) == ["5:37"]
    default = "defaults: {conv: {bias: true}}\nstem: [{conv: {out: 8, kernel: 3}}, norm]\n"
    assert places(lint(default, "NS301")) == ["4:25"]
    nowhere = lint("stem: [{conv: {out: 8, kernel: 3}}, norm]\n", "NS301")
    assert places(nowhere) == ["4:9"]
    built_in = lint("stages:\n  - {block: basic, width: 8, repeat: 3}\n", "NS301")
    assert places(built_in) == ["5:13"]
    inline = lint("stem:\n  - relu\n  - projection: {out: 8}\n", "NS301")
    assert places(inline) == ["6:5"]


def test_a_bias_in_a_block_file_is_shown_there_once(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "block: own\nbody:\n  - conv: {out: 8, kernel: 3}\n  - norm\n"
    )
    found = lint("stem: [own, own]\n", "NS301", folder=tmp_path)
    assert [str(d.span) for d in found] == [f"{tmp_path}/own.yaml:3:5"]


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ("[norm, norm]", 1),
        ("[norm, {layer_norm: {}}]", 1),
        ("[norm, {sequence: [norm]}, norm]", 2),
        ("[norm, act, norm]", 0),
        ("[{norm: {}, as: a}, norm, {from: [a], relu: {}}]", 0),
    ],
)
def test_a_norm_behind_a_norm(steps: str, count: int) -> None:
    if "as: a" in steps:
        steps = steps.replace(", norm, {from: [a]", ", {norm: {}, as: b}, {from: [a, b]")
    assert len(lint(f"stem: {steps}\n", "NS302")) == count


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("params: {a: 1}\nstem: [relu]\n", ["a"]),
        ("params: {a: 1}\nstem: [{conv: {out: a, kernel: 1}}]\n", []),
        ("params: {a: 1, b: {type: int, default: a}}\nstem: [{conv: {out: b, kernel: 1}}]\n", []),
        ("params: {a: 1}\nlet: {b: a}\nstem: [relu]\n", ["b"]),
        ("params: {a: {type: steps, default: []}}\nstem: [relu, a]\n", []),
        ("params: {a: {type: steps, default: []}}\nstem: [relu, {a: {}}]\n", []),
        ("params: {a: {type: block, default: basic}}\nstem: [{a: {width: 8}}]\n", []),
        ("params: {a: {type: block, default: basic}}\nstages: {block: a, width: 8}\n", []),
        (
            "params: {a: {type: str, default: same}}\nstem: [{conv: {out: 8, kernel: 3, padding: {param: a}}}]\n",
            [],
        ),
        ("params: {a: 1}\nstem: [{conv: {out: 8, kernel: 1}, name: 'c{a}'}]\n", []),
        ("params: {a: 1}\nvariants: {v: {a: 2}}\nstem: [relu]\n", ["a"]),
        ("params: {width: 8}\nstages: [{block: basic, width: 8}]\n", ["width"]),
        ("params: {a: 1}\ndoc: says a\nstem: [relu]\n", ["a"]),
        ("params: {a: 1}\narguments: [a]\nstem: [relu]\n", ["a"]),
        ("blocks: {k: {params: {a: 1}, body: [relu]}}\nstem: [k]\n", ["a"]),
        ("blocks: {k: {params: {a: 1}, let: {b: a}, body: [relu]}}\nstem: [k]\n", ["b"]),
        ("blocks: {k: {params: {a: 1}, body: [{conv: {out: a, kernel: 1}}]}}\nstem: [k]\n", []),
    ],
)
def test_names_that_nothing_reads(text: str, names: list[str]) -> None:
    found = lint(text, "NS303")
    assert [diagnostic.message.split("`")[1] for diagnostic in found] == names


def test_names_of_a_block_file() -> None:
    found = lint(
        "block: spec\nparams: {a: 1, b: 2}\nbody: [{conv: {out: a, kernel: 1}}]\n", "NS303"
    )
    assert [diagnostic.message.split("`")[1] for diagnostic in found] == ["b"]


@pytest.mark.parametrize(
    ("variants", "count"),
    [
        ("{a: {}, b: {}}", 1),
        ("{a: {w: 1}, b: {}}", 1),
        ("{a: {w: 2}, b: {w: 2}, c: {w: 2}}", 2),
        ("{a: {w: 1.0}, b: {}}", 0),
        ("{a: {w: 2}, b: {}}", 0),
    ],
)
def test_variants_that_are_one(variants: str, count: int) -> None:
    kind = "float" if "1.0" in variants else "int"
    text = f"params: {{w: {{type: {kind}, default: 1}}}}\nvariants: {variants}\n"
    assert len(lint(f"{text}stem: [{{dropout: {{rate: w / 9}}}}]\n", "NS304")) == count


@pytest.mark.parametrize(
    ("use", "count"),
    [
        ("stem: [relu]", 1),
        ("stem: [k]", 0),
        ("stem: [{k: {}}]", 0),
        ("stem: {k: {}}", 0),
        ("stages: {block: k}", 0),
        ("params: {b: {type: block, default: k}}\nstem: [b]", 0),
        ("stem: [{basic: {width: 8, attention: [k]}}]", 0),
        ("stem: [{basic: {width: 8, attention: k}}]", 0),
        ("stem: [{residual: {body: [relu], shortcut: {k: {}}}}]", 0),
        ("doc: k\nstem: [relu]", 1),
    ],
)
def test_blocks_that_nothing_uses(use: str, count: int) -> None:
    assert len(lint(f"blocks: {{k: {{body: [relu]}}}}\n{use}\n", "NS305")) == count


def test_a_block_that_only_another_unused_one_uses_is_used() -> None:
    found = lint("blocks: {k: {body: [relu]}, j: {body: [k]}}\nstem: [relu]\n", "NS305")
    assert ["`j`" in diagnostic.message for diagnostic in found] == [True]


@pytest.mark.parametrize(
    ("kernel", "count"), [(8, 2), (4, 0), ("[8, 4]", 0)], ids=["single", "several", "one-axis"]
)
def test_stages_on_a_single_position(kernel: object, count: int) -> None:
    text = f"stem: [{{max_pool: {{kernel: {kernel}}}}}]\nstages: {{block: basic, times: 2, width: 8}}\n"
    found = lint(text, "NS306")
    assert len(found) == min(count, 1)
    assert all(diagnostic.path == "layer1" for diagnostic in found)


def test_channels_that_eight_does_not_divide() -> None:
    text = "stem: [{conv: {out: 30, kernel: 3}}, {conv: {out: 32, kernel: 3}}]\nhead: [global_avg_pool, {linear: {out: 10}}]\n"
    assert [d.message for d in lint(text, "NS307")] == ["30 channels are no multiple of 8"]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("[{conv: {out: 8, kernel: 3}}, norm]", 1),
        ("[norm, {sequence: []}]", 1),
        ("[{norm: {init: 0.0}}]", 0),
        ("[{norm: {init: 0.5}}]", 0),
        ("[{norm: {affine: false}}]", 0),
        ("[norm, {conv: {out: 8, kernel: 3}}]", 0),
        ("[norm, act]", 0),
    ],
)
def test_residuals_that_could_start_as_zero(body: str, count: int) -> None:
    assert len(lint(f"stem: [{{residual: {{body: {body}}}}}]\n", "NS308")) == count


def test_a_block_parameter_gives_the_zero() -> None:
    text = "stages: {block: basic, width: 8, last_gamma: GAMMA}\n"
    assert len(lint(text.replace("GAMMA", "1.0"), "NS308")) == 1
    assert lint(text.replace("GAMMA", "0.0"), "NS308") == []


@pytest.mark.parametrize(
    ("variants", "messages"),
    [
        ("{a: {w: 2}, b: {w: 2, d: 3}}", ["all variants give `w` the same value"]),
        (
            "{a: {w: 2, d: 3}, b: {w: 2, d: 3, k: 5}, c: {}}",
            ["variant `b` repeats `w` and `d` of `a`"],
        ),
        ("{a: {w: 2}, b: {w: 2}, c: {}}", []),
        ("{a: {w: 2, d: 3}, b: {d: 3}}", ["all variants give `d` the same value"]),
        ("{a: {w: 2}}", []),
    ],
)
def test_values_that_variants_repeat(variants: str, messages: list[str]) -> None:
    text = f"params: {{w: 1, d: 1, k: 1}}\nvariants: {variants}\n"
    text += "stem: [{conv: {out: w * d, kernel: k}}]\n"
    assert [diagnostic.message for diagnostic in lint(text, "NS309")] == messages


def test_many_variants_are_not_compared_pair_by_pair() -> None:
    variants = ", ".join(f"v{n}: {{w: {n + 1}, d: 3, k: 5}}" for n in range(250))
    text = f"params: {{w: 1, d: 1, k: 1}}\nvariants: {{{variants}}}\n"
    assert lint(f"{text}stem: [{{conv: {{out: w * d, kernel: k}}}}]\n", "NS309") == []


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# netspec: ignore[NS301]", []),
        ("#netspec:ignore[ NS303 , ns301 ]", ["NS310"]),
        ("# a remark # netspec: ignore[NS301] and why", []),
        ("# netspec: ignore[NS301, NS207]", ["NS310"]),
        ("# netspec: ignore[NS307]", ["NS301"]),  # that lint is off
        ("# netspec: ignore[]", ["NS301"]),
        ("# netspec: ignore", ["NS301"]),
        ("# netspec ignore[NS301]", ["NS301"]),
        ("x# netspec: ignore[NS301]", ["NS301"]),
    ],
)
def test_comments_that_silence(comment: str, codes: list[str]) -> None:
    separator = "" if comment.startswith("x") else "  "
    value = "true" if separator else "true\n    #"
    text = f"stem:\n  - conv:\n      out: 8\n      kernel: 3\n      bias: {value}{separator}{comment}\n  - norm\n"
    options = Options(lints=frozenset({"NS301", "NS303", "NS310"}))
    result = check_content((HEAD + text).encode(), "spec.yaml", None, options)
    assert result is not None
    assert sorted({d.code for d in result.diagnostics}) == codes


def test_errors_are_not_silenced() -> None:
    text = HEAD + "stem:\n  - convv: {out: 8}  # netspec: ignore[NS207]\n"
    result = check_content(text.encode(), "spec.yaml", None, Options())
    assert result is not None
    assert [d.code for d in result.diagnostics] == ["NS207"]


def test_lints_wait_until_there_is_no_error() -> None:
    text = HEAD + "params: {unused: 1}\nstem: [{conv: {out: unuzed, kernel: 1}}, norm]\n"
    result = check_content(text.encode(), "spec.yaml", None, Options())
    assert result is not None
    assert [d.code for d in result.diagnostics] == ["NS202"]


@pytest.mark.parametrize(
    "text",
    [
        "stem:\n  - conv: {out: 8, kernel: 3}\n  - norm\n",
        "stem:\n  - conv:\n      out: 8\n      kernel: 3\n  - norm\n",
        "stem:\n  - conv:\n      out: 8\n      kernel: 3\n      bias: true\n  - norm\n",
        "defaults: {conv: {bias: true}}\nstem:\n  - conv: {out: 8, kernel: 3}\n  - norm\n",
        "stages:\n  - {block: basic, repeat: 2, width: 8}\n",
        "blocks:\n  own: {body: [{conv: {out: 8, kernel: 3}}, norm]}\nstages: {block: own, repeat: 2}\n",
    ],
    ids=["flow", "block", "written", "defaults", "built-in", "own block"],
)
def test_a_bias_that_is_meant_is_silenced_where_the_help_says(text: str) -> None:
    (found,) = lint(text, *LINTS)
    place = re.search(r"`(# netspec: ignore\[NS301\])` at the end of line (\d+)", found.help or "")
    assert place is not None
    lines = (HEAD + text).splitlines()
    lines[int(place[2]) - 1] += f"  {place[1]}"
    result = check_content("\n".join(lines).encode(), "spec.yaml", None, Options())
    assert result is not None
    assert result.diagnostics == ()
