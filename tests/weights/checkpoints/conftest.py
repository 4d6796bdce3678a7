"""Programs of small networks, and files of their weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from netspec import api
from netspec.compilation import Compilation
from tests.support.networks import SIZES, random_weights

Weights = dict[str, np.ndarray]


def program_of(steps: str, size: tuple[int, ...] = (9, 12), more: str = "") -> Compilation:
    """A network of the steps given, one a line; a vector where there is no size."""
    if not size:
        size, steps = (2,), "global_avg_pool\n" + steps
    stem = "".join(f"  - {line}\n" for line in steps.strip().splitlines())
    text = f"netspec: 1\nname: n\ninput: {{channels: 6, size: {list(size)}}}\nstem:\n{stem}{more}"
    return api.loads(text).compilation


@pytest.fixture
def small() -> Compilation:
    """A convolution, a norm and a linear layer."""
    return program_of("conv: {out: 4, kernel: 3}\nnorm\nrelu\nglobal_avg_pool\nlinear: {out: 5}")


def float32_weights(compilation: Compilation) -> Weights:
    """Random weights that a float32 file holds exactly."""
    return {name: a.astype(np.float32) for name, a in random_weights(compilation.network).items()}


@pytest.fixture
def torch_file(tmp_path: Path, small: Compilation) -> Callable[..., Path]:
    """Writes a checkpoint of ``small`` as PyTorch would, changed by a function of the dictionary."""

    def write(change: Callable[[dict[str, torch.Tensor]], object] = lambda d: None) -> Path:
        state = {name: torch.from_numpy(a) for name, a in float32_weights(small).items()}
        state["bn1.num_batches_tracked"] = torch.tensor(3)
        changed = change(state)
        path = tmp_path / "in.pt"
        torch.save(state if changed is None else changed, path)
        return path

    return write


__all__ = ["SIZES", "float32_weights", "program_of"]
