"""`when`: the branch that a number decides for."""

from __future__ import annotations

import pytest

from tests.elaborate.conftest import paths, problem


@pytest.mark.parametrize(
    ("test", "taken"),
    [
        ("channels == 3", "relu"),
        ("size[1] < 12", "tanh"),
        ("flag", "relu"),
        ("not flag", "tanh"),
        ("true", "relu"),
    ],
)
def test_the_branch_that_the_test_takes(test: str, taken: str) -> None:
    step = f"{{when: {{test: '{test}', then: relu, else: [tanh]}}}}"
    assert paths(f"params: {{flag: true}}\nstem: [{step}]\n") == [taken]


def test_a_branch_may_be_empty() -> None:
    assert paths("stem: [{when: {test: false, then: [relu]}}, tanh]\n") == ["tanh"]


def test_a_branch_not_taken_is_not_expanded() -> None:
    step = "{when: {test: channels > 3, then: [{conv: {out: 0, kernel: 99}}]}}"
    assert paths(f"stem: [{step}, tanh]\n") == ["tanh"]


@pytest.mark.parametrize("test", ["1", "channels", "[1]", "1.5"])
def test_the_test_is_true_or_false(test: str) -> None:
    assert problem(f"stem: [{{when: {{test: '{test}', then: [relu]}}}}]\n").code == "NS205"


def test_a_result_of_one_branch_is_not_known_behind_the_other() -> None:
    text = "stem: [{when: {test: false, then: [{relu: {}, as: a}]}}, tanh, {from: a}]\n"
    assert problem(text).code == "NS225"
