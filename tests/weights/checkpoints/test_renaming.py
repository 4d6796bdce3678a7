"""Tables of new names: regular expressions, one name for one tensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from netspec.compilation import Compilation
from netspec.errors import NetspecError
from netspec.lang.source import parse
from netspec.weights.checkpoints import Matching, load_weights
from netspec.weights.checkpoints.renaming import Renaming
from tests.weights.checkpoints.conftest import float32_weights


def table(text: str) -> Renaming:
    return Renaming.from_document(parse(text, "names.yaml"))


def failure(text: str, names: list[str]) -> str:
    with pytest.raises(NetspecError) as caught:
        table(text).apply(names)
    return str(caught.value)


def test_the_first_expression_that_fits_a_whole_name_gives_the_new_one() -> None:
    renaming = table(
        r"""
features\.(\d+)\.(.*): conv\1.\2
features.*: other
head: fc
"""
    )
    names = ["features.1.weight", "features", "head", "head.bias"]
    assert list(renaming.apply(names).values()) == ["conv1.weight", "other", "fc", "head.bias"]


def test_two_tensors_for_one_name_are_refused() -> None:
    text = r"'.*\.(weight|bias)': fc"
    message = failure(text, ["a.weight", "b.bias", "c"])
    assert message == "error[NS609]: `a.weight` and `b.bias` would all be `fc`"
    assert "NS609" in failure("a: b", ["a", "b"])


def test_an_expression_that_fits_nothing_is_most_likely_wrong() -> None:
    message = failure("heads.weight: fc.weight", ["head.weight", "head.bias"])
    assert "names.yaml:1:1: error[NS608]: no tensor's name fits `heads.weight`" in message
    assert "the file has `head.weight`" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a, b]", "a table of names is a mapping"),
        ("a: 3", "holds texts"),
        ("a: [b]", "holds texts"),
        ("'a(': b", "`a(` is no regular expression"),
        (r"'a': '\2'", r"`\2` is no replacement here"),
    ],
)
def test_a_wrong_table_says_what_and_where(text: str, said: str) -> None:
    message = failure(text, ["a"])
    assert "error[NS608]" in message
    assert said in message
    assert message.startswith("names.yaml:1:")


def test_a_table_brings_other_names_to_the_network(
    small: Compilation, torch_file: Callable[..., Path]
) -> None:
    """Prefixes come off first, so the table speaks of names as the messages do."""

    def change(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        others = {"conv1": "stem.conv", "bn1": "stem.norm", "fc": "head"}
        return {
            f"module.{others[name.partition('.')[0]]}.{name.partition('.')[2]}": tensor
            for name, tensor in state.items()
        }

    renaming = table(
        r"""
stem\.conv\.(.*): conv1.\1
stem\.norm\.(.*): bn1.\1
head\.(.*): fc.\1
"""
    )
    loaded = load_weights(small, torch_file(change), "torch", Matching(renaming=renaming))
    for name, array in float32_weights(small).items():
        assert np.array_equal(loaded.weights[name], array), name
