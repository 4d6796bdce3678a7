"""Specs on which netspec once went wrong, each with what is right.

Most of them must only mean one thing everywhere: all models agree, and generated files run and compute
what the live models do. What a spec says besides is computed here by hand.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

import netspec
from tests.contract.command import netspec_command
from tests.contract.generated import BACKENDS, check_generated, generate
from tests.contract.numbers import input_of, outputs_of, randomise

pytest.importorskip("keras")
pytestmark = pytest.mark.usefixtures("one_thread")

FOLDER = Path(__file__).parent / "language"

SPECS = (
    "branch_names",
    "call_with_a_dotted_name_in_when",
    "dotted_name_in_when",
    "dotted_when",
    "flatten_in_block",
    "interleaved_containers",
    "nested_when",
    "nested_when_silent",
    "one_name_in_two_whens",
    "sequence_when_internal",
    "stage_and_stem_share_container",
    "stage_container",
    "stride_of_each_block_ignored",
    "verify_dilation",
    "when_in_sequence",
)
"""Specs that must mean one thing to every model."""


def path_of(name: str) -> Path:
    """The file of a case."""
    return FOLDER / f"{name}.yaml"


def test_every_spec_of_the_folder_is_tested() -> None:
    others = {"container_shared", "misplaced_unknown_block", "str_braces"}
    assert {path.stem for path in FOLDER.glob("*.yaml")} == {*SPECS, *others}


@pytest.mark.parametrize("name", SPECS)
def test_all_models_agree(name: str) -> None:
    done = netspec_command("verify", path_of(name))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[-1].endswith("4 models agree at level training")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SPECS)
def test_generated_files_compute_what_live_models_do(
    name: str, backend: str, tmp_path: Path
) -> None:
    check_generated(path_of(name), backend, tmp_path)


# What single cases say besides


def test_children_of_a_named_sequence_under_dotted_names_run_in_the_specs_order() -> None:
    """The third child stands behind the pooling; a spec that is refused is wrong nowhere."""
    spec = path_of("container_shared")
    done = netspec_command("validate", spec)
    if done.status:
        assert done.status == 1
        assert re.search(r"container_shared\.yaml:12:\d+: error\[NS\d+\]: `layers\.2`", done.out)
        assert done.out.count("error[") == 1
        with pytest.raises(netspec.NetspecError, match=r"`layers\.2`"):
            netspec.load(spec)
        return
    compiled = netspec.load(spec)
    model = compiled.build("torch")
    randomise(model)
    x = torch.from_numpy(input_of(compiled)).float()
    state = model.state_dict()
    y = functional.conv2d(x, state["layers.0.weight"], state["layers.0.bias"], padding=1).relu()
    y = y.mean((2, 3), keepdim=True)
    expected = functional.conv2d(y, state["layers.2.weight"], state["layers.2.bias"]).numpy()
    found = outputs_of(model, x.numpy())["output"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    agreed = netspec_command("verify", spec)
    assert agreed.status == 0, agreed.out


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("when_in_sequence", ["layer1.0.tail.1.weight", "layer2.0.tail.1.weight"]),
        (
            "sequence_when_internal",
            [f"layer{n}.0.down.1.{tensor}" for n in (1, 2) for tensor in ("weight", "bias")],
        ),
    ],
    ids=["when_in_sequence", "sequence_when_internal"],
)
def test_an_empty_when_has_its_index_in_a_named_sequence(name: str, expected: list[str]) -> None:
    assert list(netspec.load(path_of(name)).build("torch").state_dict()) == expected


def test_a_stride_of_each_block_means_what_it_says() -> None:
    compiled = netspec.load(path_of("stride_of_each_block_ignored"))
    model = compiled.build("torch")
    randomise(model)
    x = input_of(compiled)
    state = model.state_dict()
    y = torch.from_numpy(x).float()
    for stage in (1, 2):
        for block, stride in enumerate((1, 2, 2)):
            weight, bias = (state[f"layer{stage}.{block}.conv1.{k}"] for k in ("weight", "bias"))
            y = functional.conv2d(y, weight, bias, stride, padding=1)
    assert compiled.summary().output_shape == tuple(y.shape[1:])
    np.testing.assert_allclose(outputs_of(model, x)["output"], y.numpy(), rtol=1e-4, atol=1e-5)


def test_containers_whose_children_alternate_are_told_as_a_note() -> None:
    done = netspec_command("verify", path_of("interleaved_containers"))
    assert done.status == 0
    assert any(line.startswith("note: ") and "order" in line for line in done.out.splitlines())


@pytest.mark.parametrize("backend", BACKENDS)
def test_variables_are_called_as_the_branches(backend: str, tmp_path: Path) -> None:
    text = generate(path_of("branch_names"), backend, tmp_path).read_text(encoding="utf-8")
    assigned = {
        node.id
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert {"left", "middle", "right"} <= assigned
    assert not {name for name in assigned if name.startswith("branch")}


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [("misplaced_unknown_block", 7, "`foo`"), ("str_braces", 10, "`{index}`")],
    ids=["misplaced_unknown_block", "str_braces"],
)
def test_one_mistake_is_one_error(name: str, line: int, said: str) -> None:
    done = netspec_command("validate", path_of(name))
    assert done.status == 1
    errors = [one for one in done.out.splitlines() if "error[" in one]
    assert len(errors) == 1
    assert f"{name}.yaml:{line}:" in errors[0]
    assert said in errors[0]
    assert "unbalanced" not in errors[0]
    with pytest.raises(netspec.NetspecError) as caught:
        netspec.load(path_of(name))
    assert str(caught.value).count("error[") == 1


@pytest.mark.parametrize("function", ["ref", "inplace"])
def test_another_dilation_is_found_and_its_layer_is_named(function: str) -> None:
    """The reference dilates by 8 and the spec by 4, which a map as small as verify's own hides."""
    target = f"tests.contract.language.verify_dilation_ref:{function}"
    spec = path_of("verify_dilation")
    done = netspec_command("verify", spec, "--backend", "torch", "--reference", target)
    assert done.status == 1
    assert "`conv2` (conv) is the first layer that differs" in done.out
