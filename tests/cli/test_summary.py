"""``netspec summary``."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from netspec import NetspecError, load, loads
from tests.cli.conftest import Run


def test_json_is_the_object_of_the_interface(run: Run) -> None:
    result = run("summary", "resnet50", "--format", "json")
    assert result.status == 0
    assert result.err == ""
    data = json.loads(result.out)
    assert list(data) == [
        "name",
        "variant",
        "input_shape",
        "output_shape",
        "parameters",
        "macs",
        "stages",
        "layers",
        "outputs",
    ]
    assert data["name"] == "resnet"
    assert data["variant"] == "resnet50"
    assert data["input_shape"] == [3, 224, 224]
    assert data["output_shape"] == [1000]
    assert data["parameters"] == {
        "total": 25_610_152,
        "trainable": 25_557_032,
        "statistics": 53_120,
        "frozen": 0,
    }
    assert data["macs"] == 4_089_184_256
    names = [stage["name"] for stage in data["stages"]]
    assert names == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    assert data["stages"][1]["output_shape"] == [256, 56, 56]
    assert set(data["stages"][0]) == {"name", "output_shape", "parameters", "macs"}


def test_text_has_stages_and_totals(run: Run) -> None:
    result = run("summary", "resnet50")
    assert result.status == 0
    for text in ("layer3", "1024×14×14", "25,610,152", "53,120", "4,089,184,256"):
        assert text in result.out


def _summary(run: Run, *arguments: object) -> dict[str, object]:
    result = run("summary", *arguments, "--format", "json")
    assert result.status == 0, result.err
    data: dict[str, object] = json.loads(result.out)
    return data


def test_variant_and_values_are_taken(run: Run, small: Path) -> None:
    assert _summary(run, small)["variant"] == "small_a"
    second = _summary(run, small, "--variant", "small_b")
    assert second["variant"] == "small_b"
    same = _summary(run, small, "--set", "depths=[2, 1]", "--set", "width=6")
    assert {**same, "variant": None} == {**second, "variant": None}


def test_elements_are_set_on_top_of_the_variants_list(run: Run, small: Path) -> None:
    by_element = _summary(run, small, "--variant", "small_b", "--set", "depths[1]=3")
    whole = _summary(run, small, "--variant", "small_b", "--set", "depths=[2, 3]")
    assert by_element == whole
    both = _summary(run, small, "--set", "depths=[1, 1]", "--set", "depths[1]=3")
    assert both == _summary(run, small, "--set", "depths=[1, 3]")


def test_the_last_of_several_values_wins(run: Run, small: Path) -> None:
    last = _summary(run, small, "--set", "width=8", "--set", "width=6")
    assert last == _summary(run, small, "--set", "width=6")


MISTAKES = """\
netspec: 1
name: x
params: {width: 4}
variants:
  a: {}
  b: {width: c}
default: a
input: {channels: 3, size: [8, 8]}
stem:
  - conv: {out: width, kernal: 3}
  - convv: {out: 4}
  - conv: {out: unknown, kernel: 3}
"""


@pytest.mark.parametrize("place", ["file", "-"])
@pytest.mark.parametrize(
    "command",
    ["summary SPEC", "generate SPEC --backend torch", "build SPEC --backend torch", "verify SPEC"],
)
def test_every_error_is_told_not_the_first(
    run: Run, tmp_path: Path, command: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(MISTAKES)
    with path.open("rb") as stream:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
        result = run(*command.replace("SPEC", "-" if place == "-" else str(path)).split())
    assert result.status == 1
    assert re.findall(r"(?m)^\S+:(\d+):\d+: error\[(NS\d+)\]", result.err) == [
        ("10", "NS101"),
        ("11", "NS207"),
        ("12", "NS202"),
    ]


def test_errors_of_an_override_stand_alone(run: Run, small: Path) -> None:
    result = run("summary", small, "--set", "wdth=1")
    assert result.err.count("error[") == 1


def test_load_raises_them_all(tmp_path: Path) -> None:
    for text, codes in (
        (MISTAKES, ["NS101", "NS207", "NS202"]),
        (MISTAKES + "  - relu: !tag\n", ["NS101", "NS207", "NS202", "NS113"]),
    ):
        (tmp_path / "x.yaml").write_text(text)
        for attempt in (lambda: load(tmp_path / "x.yaml"), lambda text=text: loads(text)):
            with pytest.raises(NetspecError) as caught:
                attempt()
            found = [d.code for d in caught.value.diagnostics if d.variants is None]
            assert found == codes
