"""``netspec summary``."""

from __future__ import annotations

import json
from pathlib import Path

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
    ]
    assert data["name"] == "resnet"
    assert data["variant"] == "resnet50"
    assert data["input_shape"] == [3, 224, 224]
    assert data["output_shape"] == [1000]
    assert data["parameters"] == {
        "total": 25_610_152,
        "trainable": 25_557_032,
        "statistics": 53_120,
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
