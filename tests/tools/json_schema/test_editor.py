"""The schema in the hands of yaml-language-server: where it puts mistakes, and what it completes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netspec.lang import library
from netspec.ops import OPS, attributes_of
from netspec.tools.json_schema import KINDS, file_name, schema_text
from tests.support.language_server import LanguageServer, installed_server

SPEC = f"""\
# yaml-language-server: $schema={file_name("spec")}
netspec: 1
name: small
params:
  block: {{type: block, default: bottleneck}}
  width: 64
input: {{channels: 3, size: [224, 224]}}
defaults:
  conv: {{bias: false, init: {{kaiming_normal: fan_out}}}}
stem:
  - conv: {{out: 64, kernel: 7, stride: 2}}
  - norm
  - act
  - max_pool: {{kernel: 3, stride: 2, padding: symmetric}}
stages:
  block: block
  repeat: 3
  width: width
  stride_at: first
head:
  - residual:
      body: [norm]
  - projection: {{out: 3}}
"""

BLOCK = f"""\
# yaml-language-server: $schema={file_name("block")}
block: small
params:
  width: int
body:
  - conv: {{out: width, kernel: 3}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    """The real server, started once."""
    try:
        program = installed_server()
    except OSError as error:
        pytest.skip(f"no yaml-language-server: {error}")
    with LanguageServer(program) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both schemas."""
    folder = tmp_path_factory.mktemp("editor")
    for kind in KINDS:
        (folder / file_name(kind)).write_text(schema_text(kind), encoding="utf-8")
    return folder


def test_a_good_file_has_no_findings(server: LanguageServer, folder: Path) -> None:
    assert server.check(folder, SPEC) == []
    assert server.check(folder, BLOCK) == []


MISTAKES = {
    "misspelt attribute": ("kernel: 7", "<kernal>: 7", "Property kernal is not allowed."),
    "misspelt key of the file": ("stages:", "<stagse>:", "Property stagse is not allowed."),
    "wrong padding": (
        "padding: symmetric",
        "padding: <symetric>",
        'Value is not accepted. Valid values: "symmetric", "same", "valid".',
    ),
    "wrong type": (
        "kernel: 7",
        "kernel: <true>",
        "Expected a whole number, an expression, or a list of one per axis",
    ),
    "unknown attribute in defaults": ("{bias", "{<bais>", "Property bais is not allowed."),
    "wrong value in a stage": (
        "stride_at: first",
        "stride_at: <middle>",
        'Value is not accepted. Valid values: "first", "last".',
    ),
    "missing key of the input": (
        "input: {channels: 3, size: [224, 224]}",
        "<input>: {channels: 3}",
        'Missing property "size".',
    ),
    "missing key of a combinator": (
        "  - residual:\n      body: [norm]\n",
        "  - <residual>:\n      shortcut: norm\n",
        'Missing property "body".',
    ),
    "missing parameter of a block": (
        "projection: {out: 3}",
        "<projection>: {}",
        'Missing property "out".',
    ),
    "misspelt parameter of a block": (
        "projection: {out: 3}",
        "projection: {out: 3, <strid>: 2}",
        "Property strid is not allowed.",
    ),
    "two keys in a step": (
        "  - norm\n",
        "  - norm:\n    <kernel>: 3\n",
        "A step has one key besides `name`, `as`, `from`, `merge`",
    ),
    "wrong initialiser": (
        "kaiming_normal: fan_out",
        "<kaiming>: fan_out",
        "Property kaiming is not allowed.",
    ),
    "wrong type of a parameter": (
        "type: block",
        "type: <blok>",
        'Value is not accepted. Valid values: "int", "float", "bool", "str", "block", "steps", '
        '"list[int]", "list[float]", "list[bool]", "list[str]".',
    ),
    "a number as a step": (
        "  - act\n",
        "  - <3>\n",
        "Expected a step: a word, or a mapping with an op, combinator or block",
    ),
    "no identifier": (
        "name: small",
        "name: <res-net>",
        "Expected an identifier: letters, digits and `_`, no digit first",
    ),
}
"""What to replace in the spec, by what, with the place of the finding in ``<>``; its message."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found_where_it_is(server: LanguageServer, folder: Path, mistake: str) -> None:
    good, marked, message = MISTAKES[mistake]
    assert SPEC.count(good) == 1
    before, rest = marked.split("<")
    place, after = rest.split(">")
    start = SPEC.index(good) + len(before)
    text = SPEC.replace(good, before + place + after)
    (found,) = server.check(folder, text)
    line = text.count("\n", 0, start) + 1
    column = start - text.rfind("\n", 0, start)
    assert (found.line, found.column) == (line, column)
    assert (found.end_line, found.end_column) == (line, column + len(place))
    assert found.message == message


def test_a_missing_key_of_the_file_is_found(server: LanguageServer, folder: Path) -> None:
    (found,) = server.check(folder, SPEC.replace("netspec: 1\n", ""))
    assert (found.line, found.message) == (2, 'Missing property "netspec".')


def test_a_mistake_in_a_block_file_is_found(server: LanguageServer, folder: Path) -> None:
    (found,) = server.check(folder, BLOCK.replace("{out", "{ouch"))
    assert (found.line, found.column, found.message) == (6, 12, "Property ouch is not allowed.")


def test_attributes_are_completed_with_what_they_mean(server: LanguageServer, folder: Path) -> None:
    text = SPEC.replace(
        "  - conv: {out: 64, kernel: 7, stride: 2}", "  - conv:\n      out: 64\n      |"
    )
    offers = server.complete(folder, text)
    assert list(offers) == [name for name in attributes_of(OPS["conv"]) if name != "out"]
    assert offers["kernel"]["documentation"] == (
        "kernel size, one number or one per axis (required)"
    )
    assert offers["stride"]["documentation"].endswith("(`1` unless given)")
    assert offers["padding"]["documentation"].startswith("`symmetric` (")


def test_attributes_are_completed_in_braces(server: LanguageServer, folder: Path) -> None:
    offers = server.complete(folder, SPEC.replace("stride: 2}\n  - norm", "str|}\n  - norm"))
    assert offers["stride"]["documentation"].startswith("step, one number")


def test_steps_are_completed(server: LanguageServer, folder: Path) -> None:
    offers = server.complete(folder, SPEC.replace("  - act\n", "  - |\n"))
    assert set(offers) > {"norm", "act", *OPS, *library.built_in_blocks(), "residual", "when"}
    assert offers["norm"]["insertText"] == "norm"
    assert offers["conv"]["insertText"].rstrip() == "conv:"
    assert "`kernel`: kernel size" in offers["conv"]["documentation"]["value"]
    assert offers["squeeze_excite"]["documentation"].startswith("Channel attention")


def test_beside_an_action_no_other_is_completed(server: LanguageServer, folder: Path) -> None:
    offers = server.complete(
        folder, SPEC.replace("  - act\n", "  - leaky_relu: {slope: 0.2}\n    |\n")
    )
    assert set(offers) == {"name", "as", "from", "merge"}


def test_words_are_completed(server: LanguageServer, folder: Path) -> None:
    offers = server.complete(folder, SPEC.replace("padding: symmetric", "padding: |"))
    assert set(offers) == {"symmetric", "same", "valid"}
    offers = server.complete(folder, SPEC.replace("block: block\n", "block: |\n"))
    assert set(offers) == library.built_in_blocks()


def test_a_stage_completes_the_parameters_of_its_block(
    server: LanguageServer, folder: Path
) -> None:
    text = SPEC.replace("block: block\n", "block: bottleneck\n").replace("  repeat: 3\n", "  |\n")
    offers = server.complete(folder, text)
    assert {"repeat", "between", "expansion", "attention"} <= set(offers)
    assert "width" not in offers


def test_hovering_tells_what_a_word_means(server: LanguageServer, folder: Path) -> None:
    shown = server.hover(folder, SPEC.replace("kernel: 7", "ker|nel: 7"))
    assert "kernel size, one number or one per axis" in shown


@pytest.mark.parametrize("name", ["resnet.yaml", "blocks/bottleneck.yaml"])
def test_shipped_files_find_their_schema(server: LanguageServer, name: str) -> None:
    specs = Path(__file__).parents[3] / "specs"
    path = specs / name
    good = path.read_text(encoding="utf-8")
    assert server.check(path.parent, good) == []
    (found,) = server.check(path.parent, good.replace("kernel:", "kernal:", 1))
    assert found.message == "Property kernal is not allowed."
