"""An exported PyTorch program, run by PyTorch without the module that it came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netspec.exports.base import Format, Loaded

if TYPE_CHECKING:
    from netspec.exports.base import Array


def load(path: Path) -> Loaded:
    """The program's own module."""
    import torch

    program = torch.export.load(path)
    module = program.module()
    (name,) = program.graph_signature.user_inputs

    def run(inputs: Array) -> dict[str, Array]:
        with torch.no_grad():
            found = module(torch.from_numpy(inputs))
        outputs = found if isinstance(found, dict) else {"output": found}
        return {key: tensor.numpy() for key, tensor in outputs.items()}

    return Loaded(name, run)


TORCH_EXPORT = Format(
    name="torch-export",
    suffix=".pt2",
    content="",
    runtime="torch",
    requires=("torch",),
    extra="",
    bound=1e-6,
    reason="the program calls the same kernels as the module",
    load=load,
)
