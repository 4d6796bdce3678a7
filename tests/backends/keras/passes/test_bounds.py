"""Bounds of uniform values are named: code before, code after."""

from __future__ import annotations

import pytest

from tests.backends.keras.passes.test_layers import dedented, rewritten

LAYER = """
    def model(x):
        x = layers.Dense(
            10, bias_initializer=initializers.RandomUniform(-(ENDS, name="fc"
        )(x)
        return x
"""


def layer(ends: str) -> str:
    return LAYER.replace("ENDS", f"{ends})")


def test_a_formula_for_both_ends_is_worked_out_once() -> None:
    after = """
        def model(x):
            bound = x.shape[-1] ** -0.5
            x = layers.Dense(
                10, bias_initializer=initializers.RandomUniform(-bound, bound), name="fc"
            )(x)
            return x
    """
    assert rewritten(layer("x.shape[-1] ** -0.5), x.shape[-1] ** -0.5")) == dedented(after)


@pytest.mark.parametrize(
    "ends",
    [
        "0.05), 0.05",  # a number is as short
        "limit), limit",
        "n ** -0.5), n ** -0.25",
        "n ** -0.5), 1",
    ],
)
def test_what_is_no_formula_for_both_ends_stays(ends: str) -> None:
    assert "bound" not in rewritten(layer(ends))


def test_layers_in_arms_and_loops_have_their_own() -> None:
    before = """
        def model(x, n, bound):
            if n > 1:
                x = layers.Dense(
                    n, kernel_initializer=initializers.RandomUniform(-(n**-0.5), n**-0.5), name="a"
                )(x)
            for i in range(n):
                x = layers.Dense(
                    n, kernel_initializer=initializers.RandomUniform(-(i**-0.5), i**-0.5), name="b"
                )(x)
            return layers.Dense(
                n,
                kernel_initializer=initializers.RandomUniform(-(n**-0.5), n**-0.5),
                bias_initializer=initializers.RandomUniform(-(n**-0.25), n**-0.25),
                name="c",
            )(x)
    """
    found = rewritten(before)
    assert "    if n > 1:\n        bound2 = n**-0.5\n        x = layers.Dense(" in found
    assert "    for i in range(n):\n        bound2 = i**-0.5\n        x = layers.Dense(" in found
    assert "RandomUniform(-(n**-0.25), n**-0.25)" in found  # two bounds would want two names
