"""Checkpoints as training scripts write them: wrapped, prefixed, averaged; and which was taken."""

from __future__ import annotations

import argparse
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import netspec
from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError
from netspec.lang.source import parse
from netspec.weights.checkpoints import Loaded, Matching, load_weights
from netspec.weights.checkpoints.renaming import Renaming
from tests.weights.checkpoints.conftest import float32_weights

SMALL_IN_A_CONTAINER = """\
netspec: 1
name: small
input: {channels: 3, size: [8, 8]}
stem:
  - {conv: {out: 4, kernel: 3}, name: net.conv}
  - {batch_norm: {}, name: net.norm}
  - relu
"""

State = dict[str, torch.Tensor]


def load(compilation: Compilation, path: Path, take: str | None = None) -> Loaded:
    return load_weights(compilation, path, "torch", Matching(take=take))


def is_right(loaded: Loaded, compilation: Compilation, factor: float = 1) -> bool:
    weights = float32_weights(compilation)
    return loaded.weights.keys() == weights.keys() and all(
        np.array_equal(loaded.weights[name], array * np.float32(factor))
        for name, array in weights.items()
    )


def averaged(state: State) -> State:
    return {name: tensor * 2 for name, tensor in state.items()}


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict", "net", "generator"])
def test_a_wrapper_is_taken_off_and_named(
    small: Compilation, torch_file: Callable[..., Path], key: str
) -> None:
    loaded = load(small, torch_file(lambda state: {key: state, "epoch": 3, "best": 0.9}))
    assert is_right(loaded, small)
    assert loaded.notes == (f"took `{key}`", "left `epoch`, `best`")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "model."])
def test_prefixes_of_wrappers_are_taken_off_and_named(
    small: Compilation, torch_file: Callable[..., Path], prefix: str
) -> None:
    loaded = load(small, torch_file(lambda s: {prefix + name: t for name, t in s.items()}))
    assert is_right(loaded, small)
    assert loaded.notes == (f"took `{prefix}` off the names",)


def test_what_a_real_script_saves(small: Compilation, torch_file: Callable[..., Path]) -> None:
    """Data-parallel weights, an optimizer with its state, arguments, and a moving average."""
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.zeros(1, 2)).sum().backward()
    optimizer.step()

    def wrap(state: State) -> dict[str, Any]:
        return {
            "epoch": 90,
            "arch": "small",
            "state_dict": OrderedDict((f"module.{name}", t) for name, t in state.items()),
            "optimizer": optimizer.state_dict(),
            "args": argparse.Namespace(lr=0.1, data="/data"),
            "state_dict_ema": averaged(state),
        }

    loaded = load(small, torch_file(wrap))
    assert is_right(loaded, small)
    assert loaded.notes == (
        "took `state_dict`",
        "left `state_dict_ema`; --take chooses",
        "left `epoch`, `arch`, `optimizer`, `args`",
        "took `module.` off the names",
    )
    assert is_right(load(small, torch_file(wrap), "state_dict_ema"), small, 2)


def test_a_moving_average_alone_is_taken(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    loaded = load(small, torch_file(lambda state: {"model_ema": state, "step": 4}))
    assert is_right(loaded, small)
    assert loaded.notes[0] == "took `model_ema`"


def test_sets_deep_inside_are_found(small: Compilation, torch_file: Callable[..., Path]) -> None:
    wrap = lambda s: {"train": {"student": {"model": s}, "ema": {"model": averaged(s)}}}  # noqa: E731
    loaded = load(small, torch_file(wrap))
    assert is_right(loaded, small)
    assert loaded.notes[0] == "took `train.student.model`"
    assert is_right(load(small, torch_file(wrap), "train.ema.model"), small, 2)


def test_two_sets_that_nothing_tells_apart_have_to_be_chosen_from(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    path = torch_file(lambda state: {"student": state, "teacher": averaged(state)})
    with pytest.raises(UsageError, match="`student`, `teacher`; choose with --take"):
        load(small, path)
    assert is_right(load(small, path, "teacher"), small, 2)


def test_a_set_that_is_not_there_is_a_usage_error(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    path = torch_file(lambda state: {"state_dict": state})
    with pytest.raises(UsageError, match="did you mean `state_dict`"):
        load(small, path, "state_dcit")
    with pytest.raises(UsageError, match="leave out --take"):
        load(small, torch_file(), "state_dict")


def test_parameters_and_views_are_tensors_too(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    """A parameter, a transposed view, a view into a larger tensor, and one tensor under two names."""

    def change(state: State) -> None:
        state["conv1.bias"] = torch.nn.Parameter(state["conv1.bias"])
        state["fc.weight"] = state["fc.weight"].t().contiguous().t()
        large = torch.zeros(100)
        large[30:34] = state["bn1.bias"]
        state["bn1.bias"] = large[30:34]

    assert is_right(load(small, torch_file(change)), small)


def test_the_format_before_1_6_is_read(
    tmp_path: Path, small: Compilation, torch_file: Callable[..., Path]
) -> None:
    state = torch.load(torch_file(), weights_only=True)
    state["fc.weight"] = state["fc.weight"].bfloat16()
    path = tmp_path / "old.pth"
    torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=False)
    loaded = load(small, path)
    expected = float32_weights(small)
    expected["fc.weight"] = state["fc.weight"].float().numpy()
    assert all(np.array_equal(loaded.weights[name], array) for name, array in expected.items())


@pytest.mark.parametrize("suffix", [".pth", ".th", ".pth.tar", ".ckpt", ".bin", ".PT"])
def test_other_suffixes_of_such_files(
    small: Compilation, torch_file: Callable[..., Path], suffix: str
) -> None:
    path = torch_file()
    assert is_right(load(small, path.rename(path.with_name(f"in{suffix}"))), small)


def test_a_pytorch_that_does_not_tell_places_maps_the_file(
    small: Compilation, torch_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from netspec.backends.torch import pickled

    monkeypatch.setattr(pickled, "_tells_places", lambda tensor: False)
    assert is_right(load(small, torch_file()), small)


def test_values_are_not_read_before_they_are_asked_for(
    small: Compilation, torch_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the values is in memory while names and shapes are matched."""
    from netspec.backends.torch import pickled

    def no_copy(*arguments: object, **options: object) -> None:
        raise AssertionError("values were read")

    path = torch_file()
    with pickled.open_pickled(path, None) as contents:
        monkeypatch.setattr(np, "empty", no_copy)
        assert contents.tensors["fc.weight"].shape == (5, 4)
        with pytest.raises(AssertionError, match="values were read"):
            contents.tensors["fc.weight"].read()


def cured(
    compilation: Compilation,
    file: Path,
    error: NetspecError,
    folder: Path,
    allow: tuple[str, ...] = (),
) -> Loaded:
    """The weights, after doing what the help of the one error says."""
    (diagnostic,) = error.diagnostics
    assert diagnostic.help is not None
    line = diagnostic.help.split("`")[1]
    table = Renaming.from_document(parse(line + "\n", "table.yaml"))
    allowed = tuple(re.findall(r"--allow-unexpected '([^']*)'", diagnostic.help))
    assert allowed == allow
    patterns = tuple(re.compile(text) for text in allowed)
    return load_weights(
        compilation, file, "torch", Matching(renaming=table, allow_unexpected=patterns)
    )


def test_two_networks_in_one_dict_are_one_error_with_its_cure(
    small: Compilation, torch_file: Callable[..., Path], tmp_path: Path
) -> None:
    path = torch_file(
        lambda state: (
            {f"net.{name}": t for name, t in state.items()}
            | {f"ema_net.{name}": t * 2 for name, t in state.items()}
        )
    )
    with pytest.raises(NetspecError) as caught:
        load(small, path)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message.endswith(
        "holds the network's tensors under `net.` and under `ema_net.`"
    )
    assert is_right(cured(small, path, caught.value, tmp_path, (r"ema_net\..*",)), small)


def test_a_part_of_a_larger_model_is_one_error_with_its_cure(
    small: Compilation, torch_file: Callable[..., Path], tmp_path: Path
) -> None:
    more = {f"decoder.layers.{n}.weight": torch.ones(3) for n in range(90)}
    path = torch_file(lambda state: {f"enc.net.{name}": t for name, t in state.items()} | more)
    with pytest.raises(NetspecError) as caught:
        load(small, path)
    assert is_right(cured(small, path, caught.value, tmp_path, (r"decoder\..*",)), small)


def test_a_prefix_that_the_file_lacks_is_one_error_with_its_cure(
    torch_file: Callable[..., Path], small: Compilation, tmp_path: Path
) -> None:
    text = SMALL_IN_A_CONTAINER
    compilation = netspec.loads(text).compilation
    path = torch_file(
        lambda _: {
            name.removeprefix("net."): torch.from_numpy(array)
            for name, array in float32_weights(compilation).items()
        }
    )
    with pytest.raises(NetspecError) as caught:
        load(compilation, path)
    assert "lack the `net.` that" in caught.value.diagnostics[0].message
    assert is_right(cured(compilation, path, caught.value, tmp_path), compilation)


def test_a_table_of_names_may_be_of_the_names_in_the_file(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    """Also where what stands ahead of all of them would be taken off."""
    path = torch_file(lambda state: {f"backbone.{name}": t for name, t in state.items()})
    table = Renaming.from_document(parse("backbone\\.(.*): \\1\n", "table.yaml"))
    assert is_right(load_weights(small, path, "torch", Matching(renaming=table)), small)
    bare = Renaming.from_document(parse("fc\\.(.*): fc.\\1\n", "table.yaml"))
    assert is_right(load_weights(small, path, "torch", Matching(renaming=bare)), small)
