"""Live models are ordinary modules: they copy, pickle, compile and export, and have no graph breaks."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.torch import BACKEND, live
from tests.support.everything import everything
from tests.support.networks import network_of, random_weights
from tests.support.zoo import SHRUNK, zoo_compiled, zoo_network

NETWORKS: dict[str, Callable[[], CompiledNetwork]] = {
    **{str(shrunk): shrunk.compiled for shrunk in SHRUNK},
    **{f"everything_{rank}d": (lambda rank=rank: everything(rank)) for rank in (1, 2, 3)},
}
FEW = ("resnet50", "article_resnet", "preact110", "everything_1d", "everything_2d", "everything_3d")
"""One without outputs, one with padding computed in `forward`, shared activations, and all ops."""

TRACED = ("resnet50", "everything_2d")
"""Those that are traced in the quick tests; it takes seconds for each."""

every_network = pytest.mark.parametrize("name", NETWORKS)
few_networks = pytest.mark.parametrize("name", FEW)
traced_networks = pytest.mark.parametrize(
    "name", [n if n in TRACED else pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS]
)


def made(name: str) -> tuple[nn.Module, Tensor]:
    """The model with weights away from their start, in evaluation mode, and an input."""
    torch.manual_seed(0)
    network = NETWORKS[name]().network
    model = live.build(network)
    BACKEND.write_weights(model, network, random_weights(network))
    return model.eval(), torch.randn(2, *network.source.shape)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two results are equal to the last bit."""
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    return torch.equal(ours, theirs)


@every_network
def test_deepcopy_is_equal_and_independent(name: str) -> None:
    model, x = made(name)
    with torch.no_grad():
        expected = model(x)
        twin = copy.deepcopy(model)
        for parameter in model.parameters():
            parameter.zero_()
        assert same(twin(x), expected)
        assert not same(model(x), expected)


@every_network
def test_pickle_keeps_everything(name: str) -> None:
    model, x = made(name)
    other = pickle.loads(pickle.dumps(model))
    assert list(other.state_dict()) == list(model.state_dict())
    with torch.no_grad():
        assert same(other(x), model(x))


@few_networks
def test_torch_save_keeps_everything(name: str) -> None:
    model, x = made(name)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    with torch.no_grad():
        assert same(torch.load(buffer, weights_only=False)(x), model(x))


@traced_networks
def test_no_graph_breaks_in_training(name: str) -> None:
    model, x = made(name)
    torch._dynamo.reset()
    found = torch._dynamo.explain(model.train())(x)
    assert found.graph_count == 1, found
    assert found.graph_break_count == 0, found


@traced_networks
def test_compiles_as_one_graph(name: str) -> None:
    """With `aot_eager`: all of `torch.compile` but the C++ compiler, which would take minutes here."""
    model, x = made(name)
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        assert same(compiled(x), model(x))
    given = [x.clone().requires_grad_() for _ in range(2)]
    for function, own in zip((compiled, model), given, strict=True):
        total(function(own)).backward()
    torch.testing.assert_close(given[0].grad, given[1].grad)


@pytest.mark.slow
def test_compiles_to_machine_code() -> None:
    model, x = made("resnet50")
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(model, fullgraph=True)
        torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-4)


def total(result: Any) -> Tensor:
    """The sum of everything that a model gives."""
    return sum(value.sum() for value in (result.values() if isinstance(result, dict) else [result]))


@few_networks
def test_exports_with_any_batch(name: str) -> None:
    model, x = made(name)
    batch = torch.export.Dim("batch")
    program = torch.export.export(model, (x,), dynamic_shapes=({0: batch},)).module()
    with torch.no_grad():
        for count in (1, 2, 5):
            given = torch.randn(count, *x.shape[1:])
            assert same(program(given), model(given))


@pytest.mark.parametrize("name", ["resnet50", "resnext50_32x4d", "seresnet50", "resnet20"])
def test_exports_with_any_size(name: str) -> None:
    """Of networks that are fully convolutional up to their pooling."""
    model, x = made(name)
    dimensions = {0: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO}
    program = torch.export.export(model, (x,), dynamic_shapes=(dimensions,)).module()
    given = torch.randn(3, 3, x.shape[2] + 9, x.shape[3] - 6)
    with torch.no_grad():
        assert same(program(given), model(given))


OUTPUTS = """
netspec: 1
name: tapped
input: {channels: 3, size: [8, 10]}
outputs: {high: layer2, low: early}
stem:
  - conv: {out: 4, kernel: 3}
    as: early
  - relu
stages:
  - {block: basic, repeat: 2, width: 4}
  - {block: basic, repeat: 1, width: 6, stride: 2}
head:
  - global_avg_pool
  - linear: {out: 5}
"""


def test_outputs_are_a_dict_by_name() -> None:
    model = netspec.loads(OUTPUTS).build("torch").eval()
    x = torch.randn(2, 3, 8, 10)
    found = model(x)
    assert list(found) == ["high", "low", "output"]
    assert torch.equal(found["low"], model.conv1(x))
    assert torch.equal(found["high"], model.layer2(model.layer1(model.relu(found["low"]))))
    assert torch.equal(found["output"], model.fc(found["high"].mean((2, 3))))


def test_without_outputs_the_result_is_a_tensor() -> None:
    assert isinstance(live.build(network_of("relu", (4, 5)))(torch.zeros(1, 6, 4, 5)), Tensor)


@pytest.mark.parametrize("size", [(16, 26), (13, 19), (17, 18), (64, 48)])
@pytest.mark.parametrize("name", ["resnet50", "resnet20", "preact110", "resnet50v2"])
def test_other_sizes_give_what_a_network_of_that_size_gives(
    name: str, size: tuple[int, int]
) -> None:
    shrunk = next(shrunk for shrunk in SHRUNK if shrunk.name == name)
    model, _ = made(name)
    network = shrunk.compiled(size, taps=True).network
    own = live.build(network).eval()
    own.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        found = own(x)
        assert torch.equal(model(x), found["output"])
    for stage in network.stages:
        assert tuple(found[stage.path.replace(".", "_")].shape[1:]) == stage.target.shape


def test_modules_are_named_by_path_and_plain_sequences_are_sequential() -> None:
    model = live.build(zoo_network("resnet18", {"width": 8}))
    assert isinstance(model.layer1, nn.Sequential)
    assert isinstance(model.layer2[0].downsample, nn.Sequential)
    assert isinstance(model.get_submodule("layer2.0.downsample.1"), nn.BatchNorm2d)
    assert [name for name, _ in model.named_children()] == [
        *("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"),
        *("avgpool", "fc"),
    ]


@pytest.mark.parametrize("name", ["plan", "outputs", "names", "run", "weight", "x"])
def test_no_name_of_a_layer_is_taken(name: str) -> None:
    steps = f"{{conv: {{out: 4, kernel: 1}}, name: {name}}}\nbasic: {{width: 4}}"
    network = network_of(steps, (5, 6))
    state = live.build(network).state_dict()
    assert f"{name}.weight" in state
    live.build(network)(torch.zeros(1, 6, 5, 6))


def test_a_seed_gives_the_same_start_and_another_another() -> None:
    network = network_of("conv: {out: 4, kernel: 3}\nconv: {out: 4, kernel: 3}", (5, 6), channels=4)
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(live.build(network).state_dict())
    assert torch.equal(states[0]["conv1.weight"], states[1]["conv1.weight"])
    assert not torch.equal(states[0]["conv1.weight"], states[2]["conv1.weight"])
    assert not torch.equal(states[0]["conv1.weight"], states[0]["conv2.weight"])


def test_builds_in_the_default_dtype_and_on_the_default_device(float64: None) -> None:
    network = network_of("conv: {out: 4, kernel: 3}\nbatch_norm", (5, 6))
    model = live.build(network)
    tensors = [t for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")]
    assert {t.dtype for t in tensors} == {torch.float64}
    assert {t.device.type for t in tensors} == {"cpu"}
    with torch.device("meta"):
        assert {p.device.type for p in live.build(network).parameters()} == {"meta"}


@pytest.mark.slow
def test_a_thousand_layers_build_run_and_copy() -> None:
    network = zoo_compiled("resnet1202", {"width": 2}, (4, 6)).network
    model = live.build(network).eval()
    x = torch.randn(1, 3, 4, 6)
    with torch.no_grad():
        expected = model(x)
        assert torch.equal(copy.deepcopy(model)(x), expected)
        assert torch.equal(pickle.loads(pickle.dumps(model))(x), expected)
