"""MACs, held against PyTorch's own counter on the meta device, which counts two operations for each."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from netspec.backends.torch import live
from netspec.ir import Program
from netspec.ir.analysis import summarise
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases
from tests.support.zoo import zoo_cases, zoo_network

HEAVY = ("preact1001", "resnet1202")
NAMES = zoo_cases(slow=HEAVY)


def counted(network: Program) -> int:
    """Multiply-accumulates for one example, as PyTorch counts them."""
    with torch.device("meta"):
        model = live.build(network).eval()
        x = torch.empty((1, *network.source.shape))
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        model(x)
    total = counter.get_total_flops()
    assert total % 2 == 0
    return total // 2


@pytest.mark.parametrize(("steps", "rank"), cases())
def test_of_single_ops(steps: str, rank: int) -> None:
    network = network_of(steps, SIZES[rank])
    assert summarise(network).macs == counted(network)


@pytest.mark.parametrize("name", NAMES)
def test_of_whole_networks(name: str) -> None:
    network = zoo_network(name)
    assert summarise(network).macs == counted(network)


def test_of_resnet50() -> None:
    assert summarise(zoo_network("resnet50")).macs == 4_089_184_256
