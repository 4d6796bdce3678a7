"""Blocks that come back: what is made of an earlier one is what expanding it again gives."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.elaborate.bounds import Bounds
from netspec.elaborate.network import elaborate
from netspec.elaborate.steps import Elaborator
from netspec.errors import NetspecError
from netspec.ir import Node, Program, Region
from netspec.lang.library import zoo_files
from netspec.lang.schema.bind import bind_spec
from netspec.lang.schema.syntax import Spec
from netspec.lang.source import parse
from tests.support.zoo import zoo_spec

SPECS = {
    "steps that a stage numbers": """
blocks: {b: {params: {slot: {type: steps}}, body: [{conv: {out: 8, kernel: 3}}, slot]}}
stages:
  - block: b
    repeat: 3
    slot: [{repeat: {times: 2, body: [{b: {slot: [relu]}}]}}]
  - {block: b, repeat: 2, slot: [{conv: {out: 8 + index, kernel: 1}}]}
""",
    "results with names, in the block and outside": """
blocks:
  b:
    body:
      - {conv: {out: 4, kernel: 3}, as: a}
      - {relu: {}, as: c}
      - {from: [a, c]}
stem: [{b: {}, as: one}, {b: {}, as: two}, {b: {}, as: three}, {from: [one, two, three]}]
""",
    "a role that counts": """
defaults: {act: {repeat: {times: 2, body: [relu]}}}
blocks: {b: {params: {slot: {type: steps}}, body: [{conv: {out: 8, kernel: 3}}, act, slot]}}
stages: [{block: b, repeat: 3, slot: [{relu: {}}, {conv: {out: 8, kernel: 1}}]}]
""",
    "blocks in blocks": """
blocks:
  inner: {params: {out: int}, body: [{residual: {body: [{conv: {out: out, kernel: 3}}], shortcut: [{projection: {out: out}}]}}]}
  outer: {body: [{sequence: [{inner: {out: 8}}, {inner: {out: 8}}, norm], name: s}, {inner: {out: 4}, name: "i{channels}"}]}
stages: [{block: outer, repeat: 3}]
""",
}


def form(program: Program) -> list[Any]:
    """Everything that there is in a program, in order."""
    found: list[Any] = [program.names, {n: v.id for n, v in program.outputs.items()}]
    waiting: list[Node | Region] = [program.main]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Node):
            values = [(value.id, str(value)) for value in (*item.inputs, *item.outputs)]
            found.append((item.op.kind, item.path, values, item.span, dict(item.indices)))
            found.append(item.formulas)
        else:
            values = [(value.id, str(value)) for value in (item.source, item.result)]
            found.append((item.kind, item.path, values, item.span, dict(item.indices)))
            name = item.definition and item.definition.name
            found.append((name, [*item.arguments], item.outcome, item.position))
            waiting += reversed(item.items)
    return found


def both(spec: Spec, variant: str | None, patch: pytest.MonkeyPatch) -> None:
    once = elaborate(spec, variant)
    with patch.context() as inside:
        inside.setattr(Elaborator, "_has_room", lambda self, known: False)
        each = elaborate(spec, variant)
    assert _plain(form(once)) == _plain(form(each))


def _plain(found: list[Any]) -> list[Any]:
    """Formulas as texts, since each elaboration reads them anew."""
    return [
        {name: str(formula) for name, formula in item.items()} if hasattr(item, "names") else item
        for item in found
    ]


@pytest.mark.parametrize("text", SPECS.values(), ids=SPECS)
def test_what_comes_back_is_the_same(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    head = "netspec: 1\nname: n\ninput: {channels: 4, size: [8, 9]}"
    both(bind_spec(parse(f"{head}{text}", "n.yaml")), None, monkeypatch)


@pytest.mark.parametrize("file", zoo_files())
def test_the_zoo(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = zoo_spec(file)
    both(spec, next(iter(spec.variants), None), monkeypatch)


def test_bounds_are_told_where_they_are_met() -> None:
    text = "netspec: 1\nname: n\ninput: {channels: 4, size: [8]}\nblocks: {b: {body: [relu, tanh]}}\nstem: [b, b]\n"
    with pytest.raises(NetspecError, match="more than 3 layers") as caught:
        elaborate(bind_spec(parse(text, "n.yaml")), bounds=Bounds(layers=3))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.span.line, found.span.column) == (4, 27)
