"""Generated source under PyTorch's own transformations: fx, TorchScript, tracing, compilation, export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from netspec.api import CompiledNetwork, loads
from netspec.backends.torch.rows import COPIED_FILES, ROWS
from netspec.codegen.calls import Call
from netspec.codegen.frame import definitions
from tests.support.everything import everything
from tests.support.generated import build_generated
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases

Model = Callable[..., Any]


def targets(call: Call) -> set[str]:
    """What a call and those inside it are of."""
    inner = [argument for argument in call.args if isinstance(argument, Call)]
    return {call.target}.union(*map(targets, inner))


def steps_by_module() -> dict[str, tuple[str, int]]:
    """For every kind of module, steps that have one, and their rank."""
    found: dict[str, tuple[str, int]] = {}
    for steps, rank in cases():
        for layer in network_of(steps, SIZES[rank]).layers:
            for target in targets(ROWS[layer.op.kind](layer)):
                found.setdefault(target, (steps, rank))
    return found


def compiled_of(steps: str, rank: int) -> CompiledNetwork:
    """The network of some steps, with outputs that only an unchanged forward pass gives."""
    size = list(SIZES[rank] or (2,))
    lines = [*(["global_avg_pool"] if rank == 0 else []), *steps.splitlines()]
    stem = "".join(f"  - {line}\n" for line in lines)
    return loads(f"netspec: 1\nname: net\ninput: {{channels: 6, size: {size}}}\nstem:\n{stem}")


def fx(model: torch.nn.Module, x: torch.Tensor) -> Model:
    return torch.fx.symbolic_trace(model)


def script(model: torch.nn.Module, x: torch.Tensor) -> Model:
    return torch.jit.script(model)


def trace(model: torch.nn.Module, x: torch.Tensor) -> Model:
    return torch.jit.trace(model, x, strict=False)


def compile(model: torch.nn.Module, x: torch.Tensor) -> Model:
    torch._dynamo.reset()
    return torch.compile(model, backend="eager", fullgraph=True)


def export(model: torch.nn.Module, x: torch.Tensor) -> Model:
    return torch.export.export(model, (x,)).module()


WAYS = (fx, script, trace, compile, export)
every_way = pytest.mark.parametrize("way", WAYS)


def check(compiled: CompiledNetwork, way: Callable[[torch.nn.Module, torch.Tensor], Model]) -> None:
    """The transformed model computes the same, and in training mode too where it keeps that mode."""
    x = torch.randn(2, *compiled.network.source.shape)
    model = build_generated(compiled, "torch").eval()
    expected = model(x)
    changed = way(model, x)
    for _ in range(3):  # TorchScript optimises after the first call
        found = changed(x)
        torch.testing.assert_close(found, expected)
    if way in (fx, script, compile):
        random = any(layer.op.kind in ("dropout", "drop_path") for layer in compiled.network.layers)
        changed = way(model.train(), x)
        torch.manual_seed(0)
        expected = model(x)
        torch.manual_seed(0)
        found = changed(x)
        if not random or way is not compile:
            torch.testing.assert_close(found, expected)


MODULES = steps_by_module()
HELPERS = {name for file in COPIED_FILES for name in definitions("netspec.backends.torch", file)}


def test_every_helper_is_reached() -> None:
    assert HELPERS - {"same_padding"} <= MODULES.keys()


@pytest.mark.filterwarnings("ignore")
@every_way
@pytest.mark.parametrize("target", [target for target in MODULES if target in HELPERS])
def test_every_module_that_pytorch_lacks(target: str, way: Any) -> None:
    check(compiled_of(*MODULES[target]), way)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@every_way
@pytest.mark.parametrize("target", [target for target in MODULES if target not in HELPERS])
def test_every_module_of_pytorch(target: str, way: Any) -> None:
    check(compiled_of(*MODULES[target]), way)


@pytest.mark.filterwarnings("ignore")
@every_way
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_network_of_everything(rank: int, way: Any) -> None:
    check(everything(rank), way)


@pytest.mark.parametrize("way", [fx, script])
def test_same_padding_follows_the_size_of_the_input(way: Any) -> None:
    """Tracing and export fix the size that they are shown; these keep what depends on it."""
    compiled = compiled_of("conv: {out: 4, kernel: 3, stride: 2, padding: same}", 2)
    model = build_generated(compiled, "torch").eval()
    changed = way(model, torch.randn(2, 6, 9, 12))
    for size in ((8, 11), (9, 12), (7, 7)):
        x = torch.randn(2, 6, *size)
        torch.testing.assert_close(changed(x), model(x))
