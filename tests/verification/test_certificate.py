"""Certificates: what they hold, and when they no longer hold."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.errors import UsageError
from netspec.ir.fingerprint import fingerprint
from netspec.verification import page
from netspec.verification.certificate import Claim, read_certificate, standing, to_json
from netspec.verification.results import NetworkResult
from tests.verification.mutations import MUTATIONS
from tests.verification.specs import spec
from tests.verification.support import examine

pytest.importorskip("keras")

VERSIONS = {"numpy": "1.2", "torch": "3.4"}


@pytest.fixture(scope="module")
def result() -> NetworkResult:
    return examine("flat")


@pytest.fixture(scope="module")
def failed() -> NetworkResult:
    with pytest.MonkeyPatch.context() as patch:
        next(m for m in MUTATIONS if m.name == "flatten without its permutation").apply(patch)
        return examine("flat", "keras live")


def claim_of(path: Path, data: Any) -> Claim:
    path.write_text(json.dumps(data))
    ((claim,), versions) = read_certificate(path)
    assert versions["torch"] == "3.4"
    return claim


def test_says_what_was_verified_with_what_and_how_far(result: NetworkResult) -> None:
    data = to_json([dataclasses.replace(result, versions=VERSIONS)])
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text) == data
    assert data["passed"]
    assert data["versions"] == {"netspec": netspec.__version__, **VERSIONS}
    (network,) = data["networks"]
    assert network["fingerprint"] == fingerprint(spec("flat").network)
    assert network["input_shape"] == [3, 3, 4, 6]
    assert network["dtype"] == "float64"
    assert network["seeds"] == {"weights": 0, "inputs": 1, "factors": 2}
    assert [witness["name"] for witness in network["witnesses"]] == [
        "torch live",
        "torch generated",
        "keras live",
        "keras generated",
    ]
    levels = network["witnesses"][2]["levels"]
    assert [level["level"] for level in levels] == ["shapes", "start", "forward", "training"]
    assert levels[0]["equal"]["values"] == spec("flat").summary().parameters.total
    assert {"quantity", "part", "absolute", "relative", "bound"} <= levels[2]["measures"][0].keys()
    assert not re.search(r"20\d\d-\d\d", text), "no dates"


def test_holds_until_the_spec_means_something_else(result: NetworkResult, tmp_path: Path) -> None:
    claim = claim_of(tmp_path / "c.json", to_json([dataclasses.replace(result, versions=VERSIONS)]))
    assert claim.origin.spec == "flat.yaml"
    assert standing(claim, spec("flat").compilation).holds
    found = standing(claim, spec("preact").compilation)
    assert found.reasons == ("the spec means another network now",)


def test_holds_no_longer_when_other_source_is_generated(
    result: NetworkResult, tmp_path: Path
) -> None:
    data = to_json([dataclasses.replace(result, versions=VERSIONS)])
    data["networks"][0]["sources"]["keras"] = "0" * 64
    found = standing(claim_of(tmp_path / "c.json", data), spec("flat").compilation)
    assert found.reasons == ("the source that is generated for keras is another now",)


def test_a_failure_never_holds(failed: NetworkResult, tmp_path: Path) -> None:
    data = to_json([dataclasses.replace(failed, versions=VERSIONS)])
    assert not data["passed"]
    witness = data["networks"][0]["witnesses"][-1]
    assert witness["levels"][2]["failure"]["part"] == "head"
    assert witness["levels"][2]["failure"]["place"].startswith("flat.yaml:")
    found = standing(claim_of(tmp_path / "c.json", data), spec("flat").compilation)
    assert found.reasons[0] == "the certificate itself says that models differ"
    assert not found.holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "{}",
        '{"netspec_certificate": 1}',
        '{"netspec_certificate": 2, "networks": [], "versions": {}}',
        '{"netspec_certificate": 2, "networks": [{}], "versions": {}}',
        '{"netspec_certificate": 2, "networks": [3], "versions": {}}',
        '{"netspec_certificate": 2, "networks": [{"name": "n"}], "versions": 3}',
        "[" * 100_000,
        '"\\ud800"',
    ],
)
def test_what_is_no_certificate_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_certificate(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(b"\xff\xfe\x00")
    for broken in (path, tmp_path / "none.json", tmp_path):
        with pytest.raises(UsageError):
            read_certificate(broken)


class Outline(HTMLParser):
    """What a page loads, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def outline(*results: NetworkResult) -> Outline:
    found = Outline()
    found.feed(
        page.render(to_json([dataclasses.replace(each, versions=VERSIONS) for each in results]))
    )
    return found


def test_the_page_stands_alone_and_says_the_same(
    result: NetworkResult, failed: NetworkResult
) -> None:
    found = outline(result)
    assert found.loads == []
    assert "script" not in found.tags
    for text in (result.fingerprint, "torch generated", "stepped weights", "rounding", "torch 3.4"):
        assert text in found.text
    assert "All models of 1 network agree." in found.text
    assert "Some models differ." in outline(result, failed).text
    assert "flat.yaml:" in outline(failed).text


def test_names_cannot_write_into_the_page(result: NetworkResult) -> None:
    hostile = dataclasses.replace(
        result, spec="<script>alert(1)</script>", notes=('<img src="x">',), assignments=("<b>",)
    )
    found = outline(hostile)
    assert not {"script", "img", "b"} & found.tags
    assert "<script>alert(1)</script>" in found.text
