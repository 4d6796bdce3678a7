"""The schema against the language: what netspec takes it takes, and unknown keys it refuses too."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft7Validator

from netspec.elaborate.lookup import check_definition
from netspec.elaborate.network import elaborate
from netspec.errors import NetspecError
from netspec.lang import library
from netspec.lang.schema.bind import bind_block_file, bind_spec
from netspec.lang.source import Document, parse
from netspec.tools.json_schema import KINDS, Kind, schema
from tests.tools.json_schema.sample import SAMPLES, Spoiled, spoiled


@cache
def validator(kind: Kind) -> Draft7Validator:
    """A validator of files of a kind."""
    return Draft7Validator(schema(kind))


def complaints(kind: Kind, data: Any) -> list[str]:
    """What the schema finds."""
    return [f"{list(e.absolute_path)}: {e.message}" for e in validator(kind).iter_errors(data)]


def codes(kind: Kind, data: Any) -> set[str]:
    """The codes of what netspec finds, in every variant and down to the shapes."""
    try:
        if kind == "block":
            check_definition(bind_block_file(_document(data)))
            data = _network_around(data)
        spec = bind_spec(_document(data))
        for variant in spec.variants or [None]:
            elaborate(spec, variant)
    except NetspecError as error:
        return {diagnostic.code for diagnostic in error.diagnostics}
    return set()


def _document(data: Any) -> Document:
    return parse(json.dumps(data), "sample.yaml")


def _network_around(data: dict[str, Any]) -> dict[str, Any]:
    """A spec that calls a block: more of a block can be checked there than on its own."""
    block = {key: value for key, value in data.items() if key not in ("netspec", "block")}
    return {
        "netspec": 1,
        "name": "around",
        "input": {"channels": 4, "size": [6, 9]},
        "blocks": {"called": block},
        "stem": [{"called": {"width": 8}}],
    }


def has_empty_value(data: Any) -> bool:
    """Whether a value is left empty somewhere."""
    if isinstance(data, dict | list):
        parts = data.values() if isinstance(data, dict) else data
        return any(has_empty_value(part) for part in parts)
    return data is None


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_draft_7(kind: Kind) -> None:
    found = schema(kind)
    Draft7Validator.check_schema(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert found["$id"].endswith(f"netspec-{kind}.schema.json")


@pytest.mark.parametrize("kind", KINDS)
def test_every_reference_leads_somewhere(kind: Kind) -> None:
    found = schema(kind)
    text = json.dumps(found)
    named = {part.split('"')[0] for part in text.split("#/definitions/")[1:]}
    assert named == set(found["definitions"])


@pytest.mark.parametrize("name", library.zoo_files())
def test_every_network_fits(name: str) -> None:
    assert complaints("spec", parse(library.zoo_text(name)).data) == []


@pytest.mark.parametrize("name", sorted(library.built_in_blocks()))
def test_every_block_fits(name: str) -> None:
    assert complaints("block", parse(library.block_text(name)).data) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_samples_fit(kind: Kind) -> None:
    assert complaints(kind, SAMPLES[kind]) == []
    assert codes(kind, SAMPLES[kind]) == set()


def tiny(more: str) -> Any:
    """A small spec with more to it."""
    text = "netspec: 1\nname: tiny\n" + more
    if "input:" not in more:
        text += "\ninput: {channels: 3, size: [8]}\n"
    return parse(text).data


TAKEN = [
    "stem: relu",
    "stem: [norm: , {relu: {}}]",
    "stem: [mine, {yours: {a: 1}}, {as: x, mine: }]",
    "stem: [{from: [a, b], merge: concat}, {from: a}]",
    "stem: [conv: {out: 2 * 3, kernel: [3], padding: [[0, 1]], init: 0.5, bias: 1 == 1}]",
    "stem: [gelu: {approximate: {param: kind}}, conv: {kernel: 1, padding: {param: rule}}]",
    "params: {a: {type: 'list[int]', default: [1, 2]}, b: {type: 'list[str]', default: \"['x']\"}}",
    "params: {a: {type: steps, default: relu}, b: {type: steps, default: [{conv: {kernel: 1}}]}}",
    "stages: {block: basic, width: {each: [1, 2]}, stride: {each: [1, 2]}, last: {block: mine}}",
    "stages: [{block: mine, anything: [1], name: 1}]",
    "variants: {a: , b: {x: [norm]}}",
    "defaults: {conv: , norm: {batch_norm: {eps: 1}}, act: relu6}",
    "stem: relu\ninput: {a: {channels: 1, size: [2]}, b: {channels: n, size: [2, 3]}}",
    "outputs: {a: output, b: {from: layer1.0}, c: {from: d, when: training}}",
]

REFUSED = [
    "stem: [conv: {kernal: 3}]",
    "stem: [{conv: {kernel: 3}, norm: {}}]",
    "stem: [{conv: {kernel: 3}, mine: {}}]",
    "stem: [{mine: {}, yours: {}}]",
    "stem: [{name: a}]",
    "stem: [residual]",
    "stem: [residual: {shortcut: norm}]",
    "stem: [when: {then: norm}]",
    "stem: [mine: 3]",
    "stem: [a b]",
    "stem: [conv: {out: 1.5, kernel: 3}]",
    "stem: [conv: {out: true, kernel: 3}]",
    "stem: [conv: {out: 8, kernel: 3, bias: 1}]",
    "stem: [conv: {out: 8, kernel: 3, padding: sume}]",
    "stem: [conv: {out: 8, kernel: 3, init: kaiming_normal}]",
    "stem: [conv: {out: 8, kernel: 3, init: {kaiming_normal: 1}}]",
    "stem: [conv: {out: 8, kernel: 3, init: {zeros: 1, ones: 1}}]",
    "stem: [gelu: {approximate: exact}]",
    "stem: [projection: {stride: 2}]",
    "stem: [projection: {out: 3, strid: 2}]",
    "stages: {width: 3}",
    "stages: {block: basic, widht: 3}",
    "stages: {block: basic, stride_at: middle}",
    "stages: {block: mine, first: {repeat: 2}}",
    "stages: {block: mine, 1x: 2}",
    "params: {a: text}",
    "params: {a: {default: 1}}",
    "params: {a: {type: 'list[int]', default: [a]}}",
    "params: {a: {type: int, default: [1]}}",
    "params: {a: []}",
    "blocks: {a: {doc: none}}",
    "defaults: {conv: {kernal: 3}}",
    "defaults: {cnov: {}}",
    "outputs: [a]",
    "stem: relu\ninput: {}",
    "stem: relu\ninput: {a: {channels: 1, size: [2]}, b: 3}",
    "stem: relu\ninput: {a: {channels: 1}}",
    "stem: relu\ninput: {a: {channels: 1, size: [2], sise: 2}}",
    "stem: relu\ninput: {1a: {channels: 1, size: [2]}}",
    "outputs: {a: 3}",
    "outputs: {a: {when: training}}",
    "outputs: {a: {from: output, when: always, where: here}}",
    "outputs: {a: {from: output, when: evaluation}}",
    "netspecs: 1",
]


@pytest.mark.parametrize("more", TAKEN)
def test_what_the_schema_takes(more: str) -> None:
    assert complaints("spec", tiny(more)) == []


@pytest.mark.parametrize("more", REFUSED)
def test_what_the_schema_refuses(more: str) -> None:
    assert complaints("spec", tiny(more))


@pytest.mark.parametrize("key", ["netspec", "name", "input"])
def test_what_a_spec_needs(key: str) -> None:
    data = tiny("")
    del data[key]
    assert complaints("spec", data)


def _check(kind: Kind, spoiled: Spoiled) -> None:
    """What a change does to the verdicts; whose attributes a role takes, the schema cannot know."""
    ours, theirs = codes(kind, spoiled.data), complaints(kind, spoiled.data)
    what = f"{spoiled.place} {spoiled.how}"
    of_role = "norm" in spoiled.place or "act" in spoiled.place
    if "NS101" in ours and (not of_role or "defaults" in spoiled.place):
        assert theirs, f"an unknown key passes: {what}"
    if not ours and not has_empty_value(spoiled.data):
        assert not theirs, f"stricter than netspec: {what}: {theirs}"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(change=spoiled("spec"))
def test_spoiled_specs(change: Spoiled) -> None:
    _check("spec", change)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(change=spoiled("block"))
def test_spoiled_blocks(change: Spoiled) -> None:
    _check("block", change)
