"""docs/language.md says what the code does: its tables are fresh and its examples come out as shown.

The examples, by the words behind the opening fence: ``yaml`` is a whole spec or a block file (by its
keys), ``yaml part`` some keys of a spec, ``yaml scalars`` plain YAML. The next block may hold the
outcome: ``text layers``, ``text weights``, ``text outputs``, ``text error``, or ``json``. ``text values``
holds expressions. A block of any other kind fails.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.elaborate.lookup import check_definition
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ir import analysis as analyse
from netspec.lang.expression import arithmetic, expr
from netspec.lang.schema.bind import bind_block_file, bind_spec
from netspec.lang.schema.models import COMBINATORS
from netspec.lang.source import parse
from netspec.ops import OPS
from tests.support.isolated import python
from tests.support.pages import ROOT, Fence, broken_links, fences, with_outcome

PAGE = ROOT / "docs" / "language.md"
SCRIPT = ROOT / "scripts" / "language_reference.py"
FENCES = fences(PAGE.read_text(encoding="utf-8"))

# What a part leaves out.
REST = {
    "netspec": "1",
    "name": "example",
    "input": "{channels: 3, size: [32, 32]}",
}


def is_block_file(fence: Fence) -> bool:
    return fence.words == ("yaml",) and fence.text.startswith("block:")


def whole_spec(fence: Fence) -> str:
    """The text of a spec; what a part leaves out comes behind it, so that its lines keep their place."""
    given = parse(fence.text).data
    rest = {key: value for key, value in REST.items() if key not in given}
    return fence.text + "".join(f"{key}: {value}\n" for key, value in rest.items())


SPECS = [
    (fence, outcome)
    for fence, outcome in with_outcome(FENCES)
    if fence.words in (("yaml",), ("yaml", "part")) and not is_block_file(fence)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the block files of the page, each under its block's name."""
    path: Path = tmp_path_factory.mktemp("page")
    for fence in FENCES:
        if is_block_file(fence):
            (path / f"{parse(fence.text).data['block']}.yaml").write_text(fence.text)
    return path


def load(text: str, folder: Path, variant: str | None = None) -> netspec.CompiledNetwork:
    return netspec.loads(text, variant, file="spec.yaml", folder=folder)


def check(*arguments: str) -> Any:
    return python(str(SCRIPT), *arguments, PYTHONPATH=os.pathsep.join([str(ROOT)]))


def test_tables_are_fresh() -> None:
    result = check("--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [("| `out` | whole number |", "| `out` | number |"), ("| `1e-5` |", "| `1e-3` |")],
)
def test_a_stale_table_is_found_and_mended(tmp_path: Path, before: str, after: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert before in text
    copy = tmp_path / "language.md"
    copy.write_text(text.replace(before, after, 1), encoding="utf-8")
    stale = check("--check", "--page", str(copy))
    assert stale.returncode == 1
    assert "make docs" in stale.stderr
    assert check("--page", str(copy)).returncode == 0
    assert copy.read_text(encoding="utf-8") == text


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    known = {
        ("yaml",),
        ("yaml", "part"),
        ("yaml", "scalars"),
        ("text", "layers"),
        ("text", "weights"),
        ("text", "outputs"),
        ("text", "error"),
        ("text", "values"),
        ("json",),
    }
    assert [fence for fence in FENCES if fence.words not in known] == []
    assert len(SPECS) > 12


@pytest.mark.parametrize(("fence", "outcome"), SPECS, ids=[f"line{f.line}" for f, _ in SPECS])
def test_specs_come_out_as_shown(fence: Fence, outcome: Fence | None, folder: Path) -> None:
    text = whole_spec(fence)
    shown = outcome.words if outcome is not None else ()
    if shown == ("text", "error"):
        with pytest.raises(NetspecError) as caught:
            load(text, folder)
        assert str(caught.value) + "\n" == outcome.text
        return
    variants = bind_spec(parse(text)).variants
    for variant in variants:
        load(text, folder, variant)
    found = load(text, folder).network
    if shown[:1] == ("text",):
        assert lines(found, shown[1]) == outcome.text.splitlines()


def lines(network: Program, what: str) -> list[str]:
    """What the page shows of a network."""
    match what:
        case "layers":
            return [
                f"{layer.path}: {layer.op.kind} {layer.source} -> {layer.target}"
                for layer in network.layers
            ]
        case "weights":
            return list(
                dict.fromkeys(name.rpartition(".")[0] for name in analyse.weight_shapes(network))
            )
        case "outputs":
            modes = dict.fromkeys(network.training_only, " in training")
            shapes = analyse.output_shapes(network).items()
            return [f"{n}: {'×'.join(map(str, shape))}{modes.get(n, '')}" for n, shape in shapes]
    raise AssertionError(what)


def test_block_files_bind() -> None:
    found = [fence for fence in FENCES if is_block_file(fence)]
    assert found
    for fence in found:
        check_definition(bind_block_file(parse(fence.text)))


def test_expressions_have_the_values_shown() -> None:
    (fence,) = (fence for fence in FENCES if fence.words == ("text", "values"))
    for line in fence.text.splitlines():
        text, shown = line.split(" -> ")
        assert repr(expr.parse(text).evaluate({})) == shown, line


def test_every_function_is_explained_and_called() -> None:
    assert list(arithmetic.FUNCTION_DOCS) == list(arithmetic.FUNCTIONS)
    for name, doc in arithmetic.FUNCTION_DOCS.items():
        assert doc.startswith(f"`{name}("), name


def test_scalars_are_what_the_page_says() -> None:
    pairs = [(f, o) for f, o in with_outcome(FENCES) if f.words == ("yaml", "scalars")]
    ((fence, outcome),) = pairs
    assert outcome is not None
    found, shown = parse(fence.text).data, json.loads(outcome.text)
    assert found == shown
    assert {k: type(v) for k, v in found.items()} == {k: type(v) for k, v in shown.items()}


def test_every_op_and_combinator_has_its_place() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^#### `([a-z0-9_]+)`$", text, re.MULTILINE)[: len(OPS)] == list(OPS)
    for name in COMBINATORS:
        assert f"**`{name}`**" in text


def test_links_lead_somewhere() -> None:
    assert broken_links(PAGE) == []
