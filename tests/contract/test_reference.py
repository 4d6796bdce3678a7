"""Every network of the zoo equals the published one: figures, weight names in order, outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.contract.reference import (
    CASES,
    COUNTER,
    Case,
    golden_input,
    golden_weights,
    key_map,
    layers_of,
    reference_keys,
    same_names,
)

TORCH_BOUND = 1e-9
"""Goldens in float64; measured: at most 5e-15, except 2e-13 where 1,000 layers add up."""

KERAS_BOUND = 1e-5
"""Goldens that Keras computed in float32: a unit in the last place is 1.2e-7; measured: at most 2e-6."""

every_case = pytest.mark.parametrize("case", CASES, ids=str)
cases_by_weight = pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[pytest.mark.slow] if c.heavy else [], id=str(c)) for c in CASES],
)


@every_case
def test_figures(case: Case) -> None:
    summary = case.compiled().summary()
    figures = case.figures
    assert list(summary.input_shape) == figures["input_shape"]
    assert list(summary.output_shape) == figures["output_shape"]
    assert summary.parameters.trainable == figures["parameters"]["trainable"]
    assert summary.parameters.statistics == figures["parameters"]["statistics"]
    assert summary.macs == figures["macs"]


@every_case
def test_weight_names(case: Case) -> None:
    """PyTorch's keys are the reference's, in order, with their shapes; others map one to one."""
    expected = reference_keys(case.reference)
    state = case.state()
    ours = [name for name in state if not name.endswith(COUNTER)]
    if case.names is same_names:
        assert [(name, list(value.shape)) for name, value in state.items()] == list(
            expected.items()
        )
        return
    theirs = [name for name in expected if not name.endswith(COUNTER)]
    keys = key_map(case, layers_of(state))
    mapped = [keys[name] for name in ours]
    # Keras lists weights by the depth of their layers, which no order of definition gives.
    assert sorted(mapped) == sorted(theirs) if case.is_keras else mapped == theirs


@cases_by_weight
def test_golden_output(case: Case) -> None:
    with torch.device("meta"):
        model = case.compiled().build("torch").double().eval()
    weights = {
        name: torch.from_numpy(np.ascontiguousarray(values))
        for name, values in golden_weights(case, layers_of(model.state_dict())).items()
    }
    result = model.load_state_dict(weights, strict=False, assign=True)
    assert result.unexpected_keys == []
    assert all(key.endswith(COUNTER) for key in result.missing_keys)

    with torch.no_grad():
        output = model(torch.from_numpy(golden_input(case))).numpy()

    expected = case.figures["golden"]
    bound = KERAS_BOUND if case.is_keras else TORCH_BOUND
    first = np.abs(output.reshape(-1)[:8] - expected["first8"]).max() / expected["absmax"]
    assert first <= bound
    assert np.linalg.norm(output) == pytest.approx(expected["norm"], rel=bound)
    assert np.abs(output).max() == pytest.approx(expected["absmax"], rel=bound)
