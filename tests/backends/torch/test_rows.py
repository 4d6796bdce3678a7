"""Every op as a PyTorch module: its tensors, its shapes, and the defaults that source leaves out.

What the modules compute is held against Keras in ``tests/backends/keras/test_rows.py``.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import nn

from netspec.backends.base import check_network, get_backend
from netspec.backends.torch import channels, same, support
from netspec.backends.torch.execute import make_module, resolve
from netspec.backends.torch.rows import ROWS, SIGNATURE_DEFAULTS
from netspec.codegen.calls import OPERATORS, Call
from netspec.errors import NetspecError
from netspec.ir import Program
from netspec.ops import OPS
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases

COUNTER = "num_batches_tracked"
INITIAL = "nn.init."
"""What starts parameters, which no row calls."""


def signature(target: str) -> dict[str, inspect.Parameter]:
    """The parameters of what a row calls; those that a class hands on are its parent's."""
    if target.startswith(INITIAL):
        return dict(inspect.signature(resolve(target)).parameters)
    found: dict[str, inspect.Parameter] = {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    for parent in reversed(inspect.getmro(resolve(target))):
        if issubclass(parent, nn.Module) and "__init__" in vars(parent):
            parameters = dict(list(inspect.signature(parent).parameters.items()))
            handed_on = {p.kind for p in parameters.values()} - set(named)
            own = {name: p for name, p in parameters.items() if p.kind in named}
            found = {**found, **own} if handed_on and parent is not nn.Module else own
    return found


def calls_of(network: Program) -> list[Call]:
    """The row of each layer, and the calls inside it; operators are none."""
    found: list[Call] = []
    waiting: list[Any] = [ROWS[layer.op.kind](layer) for layer in network.layers]
    while waiting:
        call = waiting.pop()
        if isinstance(call, Call):
            found += [call] if call.target not in OPERATORS else []
            waiting += [*call.args, *call.kwargs.values()]
    return found


def test_every_op_has_a_row() -> None:
    assert ROWS.keys() == OPS.keys()


def test_cases_reach_every_op_and_every_class() -> None:
    networks = [network_of(steps, SIZES[rank]) for steps, rank in cases()]
    assert {node.op.kind for network in networks for node in network.nodes} >= OPS.keys()
    called = {call.target for network in networks for call in calls_of(network)}
    known = {**vars(support), **vars(channels), **vars(same)}
    classes = {name for name, value in known.items() if _is_own_class(value)}
    assert classes - called == set()
    of_rows = {target for target in SIGNATURE_DEFAULTS if not target.startswith(INITIAL)}
    assert of_rows - called <= {"nn.BatchNorm3d"}


def _is_own_class(value: Any) -> bool:
    return inspect.isclass(value) and value.__module__ in {
        each.__name__ for each in (same, channels, support)
    }


def test_signature_defaults_are_those_of_pytorch() -> None:
    for target, table in SIGNATURE_DEFAULTS.items():
        parameters = signature(target)
        for name, value in table.items():
            assert parameters[name].default == value, (target, name)
            assert type(parameters[name].default) is type(value), (target, name)


def test_every_default_that_a_row_repeats_is_in_the_table() -> None:
    """Else source would say `dilation=1`, which nobody writes."""
    said: set[tuple[str, str]] = set()
    for steps, rank in cases():
        for call in calls_of(network_of(steps, SIZES[rank])):
            parameters = signature(call.target)
            for name, value in call.kwargs.items():
                if parameters[name].default == value and type(value) is not tuple:
                    said.add((call.target, name))
    table = {(target, name) for target, names in SIGNATURE_DEFAULTS.items() for name in names}
    assert said - table == set()


def test_rows_leave_nothing_that_matters_to_a_default() -> None:
    """Arguments that no row gives are those that change no number when left at their default."""
    silent = {
        *("device", "dtype", "inplace", "padding_mode", "return_indices", "divisor_override"),
        *("dilation", "track_running_stats", "bias", "start_dim", "end_dim", "init", "momentum"),
        *("num_parameters", "args", "kwargs"),
        # of poolings that stand behind padding of their own
        *("padding", "ceil_mode", "count_include_pad"),
        # of resizing by a factor
        *("size", "align_corners", "recompute_scale_factor"),
    }
    spoken = {
        "nn.Conv": ("dilation", "bias"),
        "nn.Linear": ("bias",),
        "nn.BatchNorm": ("momentum",),
    }
    for steps, rank in cases():
        for call in calls_of(network_of(steps, SIZES[rank])):
            parameters = list(signature(call.target))
            left = {*parameters[len(call.args) :]} - call.kwargs.keys()
            if call.target == "nn.Sequential":
                continue
            assert left <= silent, (call.target, left - silent)
            for prefix, names in spoken.items():
                if call.target.startswith(prefix):
                    assert not left & {*names}, (call.target, left)


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_a_module_holds_what_the_op_declares_and_gives_what_it_infers(
    steps: str, rank: int
) -> None:
    for layer in network_of(steps, SIZES[rank]).layers:
        module = make_module(ROWS[layer.op.kind](layer)).eval()
        state = {k: tuple(v.shape) for k, v in module.state_dict().items() if k != COUNTER}
        declared = layer.op.parameters(layer.source)
        assert state == {p.name: p.shape for p in declared}
        assert list(state) == [p.name for p in declared]
        held = {name for name, _ in module.named_parameters()}
        statistics = {p.name for p in declared if p.name.startswith("running_")}
        assert held == {p.name for p in declared} - statistics
        y = module(torch.randn(2, *layer.source.shape))
        assert tuple(y.shape[1:]) == layer.target.shape


def test_tensorflows_same_at_every_size() -> None:
    """Output ceil(size / stride), at sizes the layer was not made for too."""
    layer = network_of("conv: {out: 2, kernel: [4, 3], stride: [3, 2], padding: same}", (9, 12))
    module = make_module(ROWS["conv"](next(iter(layer.layers))))
    for height in range(1, 9):
        for width in range(1, 9):
            y = module(torch.zeros(1, 6, height, width))
            assert tuple(y.shape[2:]) == (-(-height // 3), -(-width // 2))


def test_drop_path_drops_whole_examples() -> None:
    torch.manual_seed(0)
    kinds = (support.DropPath, support.DropPath1d, support.DropPath2d, support.DropPath3d)
    for rank, kind in enumerate(kinds):
        module, size = kind(0.25), (5, 6, 2)[:rank]
        y = module(torch.ones(400, 3, *size)).flatten(1)
        assert y.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
        assert torch.equal(y, y[:, :1].expand_as(y))
        assert abs(float((y == 0).float().mean()) - 0.25) < 0.1
        x = torch.randn(2, 3, *size)
        assert module.eval()(x) is x
        assert repr(module) == f"{kind.__name__}(p=0.25)"


@pytest.mark.parametrize("size", [(4, 5, 5), (5, 5, 4)])
def test_an_average_over_three_axes_that_pytorch_refuses(size: tuple[int, ...]) -> None:
    step = "avg_pool: {kernel: 5, stride: 1, padding: 2}"
    assert network_of(step, (5, 5, 5)).target.size == (5, 5, 5)
    with pytest.raises(NetspecError, match="kernel is larger than the map") as caught:
        check_network(get_backend("torch"), network_of(step, size))
    assert caught.value.diagnostics[0].code == "NS702"
    with pytest.raises(RuntimeError, match="smaller than kernel"):
        nn.AvgPool3d(5, 1, 2)(torch.zeros(1, 1, *size))
    assert network_of(step.replace("padding: 2", "padding: same"), size).target.size == size
