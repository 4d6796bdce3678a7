"""Strict matching: every tensor by name and shape, the whole list of what does not fit, what is let pass."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.backends.base import get_backend
from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError
from netspec.weights.checkpoints import Matching, convert, load_weights
from netspec.weights.checkpoints.matching import Match, match
from netspec.weights.checkpoints.naming import own_naming
from netspec.weights.checkpoints.options import STRICT
from netspec.weights.starting import initial_weights
from netspec.weights.storage.tensors import in_memory
from tests.weights.checkpoints.conftest import Weights, float32_weights, program_of

State = dict[str, torch.Tensor]


def matched(compilation: Compilation, weights: Weights, how: Matching = STRICT) -> Match:
    tensors = {name: in_memory(array) for name, array in weights.items()}
    return match("file", tensors, own_naming(compilation.network, get_backend("torch")), how)


def said(found: Match) -> list[str]:
    return [
        f"{d.code} {d.message.removeprefix('file: ')}" + (f" | {d.help}" if d.help else "")
        for d in found.problems
    ]


def test_what_fits_has_no_problems(small: Compilation) -> None:
    weights = float32_weights(small)
    found = matched(small, weights)
    assert found.problems == []
    assert list(found.tensors) == list(weights)


def test_everything_that_does_not_fit_is_listed_with_the_nearest_name(small: Compilation) -> None:
    weights = float32_weights(small)
    weights["fc.wieght"] = weights.pop("fc.weight")
    weights["head.bias"] = weights.pop("fc.bias")
    weights["conv1.weight"] = weights["conv1.weight"][:3]
    weights["bn1.bias"] = weights["bn1.bias"].astype(np.int32)
    assert said(matched(small, weights)) == [
        "NS606 `bn1.bias` is int32; weights are float64, float32, float16, bfloat16",
        "NS605 `conv1.weight` is (3×6×3×3), and the network's (4×6×3×3)",
        "NS603 missing `fc.weight` (5×4) | the file has `fc.wieght`; --map renames",
        "NS603 missing `fc.bias` (5) | the file has `head.bias`; --map renames",
        "NS604 unexpected `fc.wieght` (5×4) | the network has `fc.weight`; --map renames",
        "NS604 unexpected `head.bias` (5) | the network has `fc.bias`; --map renames",
    ]


def test_a_name_of_equal_shape_is_nearer_than_a_likelier_word() -> None:
    compilation = program_of("conv: {out: 4, kernel: 3}\nconv: {out: 4, kernel: 1}")
    weights = float32_weights(compilation)
    weights["conv9.weight"] = weights.pop("conv2.weight")
    weights["conv22.weight"] = np.zeros((1, 1), np.float32)
    missing = said(matched(compilation, weights))[0]
    assert (
        missing
        == "NS603 missing `conv2.weight` (4×4×1×1) | the file has `conv9.weight`; --map renames"
    )


def test_a_counter_alone_is_not_enough_to_complain(small: Compilation) -> None:
    """PyTorch before 0.4.1 wrote none, others write it with a shape of its own."""
    weights = float32_weights(small)
    for counter in (np.array(3), np.array([3])):
        assert matched(small, {**weights, "bn1.num_batches_tracked": counter}).problems == []


def test_a_counter_of_no_layer_is_unexpected(small: Compilation) -> None:
    weights = {**float32_weights(small), "bn2.num_batches_tracked": np.array(3)}
    assert [d.code for d in matched(small, weights).problems] == ["NS604"]


def test_names_of_a_wrapper_in_all_but_one() -> None:
    """What `torch.optim.swa_utils.AveragedModel` saves."""
    compilation = program_of("conv: {out: 4, kernel: 3}")
    weights = {f"module.{name}": a for name, a in float32_weights(compilation).items()}
    weights["n_averaged"] = np.array(7)
    assert said(matched(compilation, weights)) == ["NS604 unexpected `n_averaged` ()"]
    allowed = matched(compilation, weights, Matching(allow_unexpected=["n_averaged"]))
    assert (allowed.problems, allowed.unexpected, allowed.prefix) == ([], ["n_averaged"], "module.")


def test_prefixes_that_the_networks_own_names_have_stay() -> None:
    compilation = program_of("{name: module.a, conv: {out: 2, kernel: 1}}")
    assert matched(compilation, float32_weights(compilation)).prefix == ""
    bare = {name.removeprefix("module."): a for name, a in float32_weights(compilation).items()}
    assert {d.code for d in matched(compilation, bare).problems} == {"NS603"}


def test_hints_do_not_take_longer_than_a_person_waits() -> None:
    steps = "\n".join("conv: {out: 4, kernel: 3}" for _ in range(1500))
    compilation = program_of(steps, (4, 5))
    weights = {f"x_{name}": a for name, a in float32_weights(compilation).items()}
    assert len(matched(compilation, weights).problems) == 6000


# What is let pass


def test_another_head_is_let_pass_when_it_is_said(
    tmp_path: Path, small: Compilation, torch_file: Callable[..., Path]
) -> None:
    """Transfer learning: the rest is taken, the head starts as the spec says, and all of it is told."""

    def other_head(state: State) -> None:
        state["fc.weight"], state["fc.bias"] = torch.zeros(9, 4), torch.zeros(9)

    path, output = torch_file(other_head), tmp_path / "out.pt"
    for how in (
        STRICT,
        Matching(allow_missing=["fc.*"]),
        Matching(allow_unexpected=["fc.*"]),
        Matching(allow_missing=["fc"], allow_unexpected=["fc.*"]),
    ):
        with pytest.raises(NetspecError, match="NS605"):
            convert(small, path, output, source="torch", target="torch", how=how)
    assert not output.exists()
    how = Matching(allow_missing=["fc.*"], allow_unexpected=["fc.*"])
    report = convert(small, path, output, source="torch", target="torch", how=how, seed=5)
    assert report.missing == report.unexpected == ("fc.weight", "fc.bias")
    assert report.tensors == len(float32_weights(small))
    found, start = load_weights(small, output).weights, initial_weights(small.network, 5)
    for name, array in float32_weights(small).items():
        assert np.array_equal(found[name], start[name] if name.startswith("fc.") else array), name


def test_a_missing_head_and_another_one(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    def change(state: State) -> None:
        del state["fc.weight"], state["fc.bias"]
        state["classifier.weight"] = torch.zeros(2, 2)

    path = torch_file(change)
    how = Matching(allow_missing=[r"fc\..*"], allow_unexpected=["classifier.*"])
    loaded = load_weights(small, path, "torch", how)
    assert loaded.missing == ("fc.weight", "fc.bias")
    assert loaded.unexpected == ("classifier.weight",)
    assert "fc.weight" not in loaded.weights
    with pytest.raises(NetspecError) as caught:
        load_weights(small, path, "torch", Matching(allow_missing=["fc.weight"]))
    assert [d.code for d in caught.value.diagnostics] == ["NS603", "NS604"]


def test_an_allowance_fits_whole_names_of_the_file_or_of_the_network(tmp_path: Path) -> None:
    compilation = program_of("conv: {out: 4, kernel: 3}\nconv: {out: 4, kernel: 1}")
    model = get_backend("keras").build(compilation.network)
    model.save_weights(tmp_path / "a.weights.h5")
    wider = program_of(
        "conv: {out: 4, kernel: 3}\nconv: {out: 4, kernel: 1}\nconv: {out: 2, kernel: 1}"
    )
    for expression in ("conv3/.*", r"conv3\..*"):
        how = Matching(allow_missing=[expression])
        assert load_weights(wider, tmp_path / "a.weights.h5", None, how).missing == (
            "conv3.weight",
            "conv3.bias",
        )
    with pytest.raises(NetspecError, match="NS603"):
        load_weights(wider, tmp_path / "a.weights.h5", None, Matching(allow_missing=["conv3"]))


def test_an_allowance_that_is_no_expression_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=re.escape("`fc.(` is no regular expression")):
        Matching(allow_missing=["fc.("])
