"""What people do with models: live and generated ones take it as torchvision's and timm's do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from netspec.api import CompiledNetwork, loads
from netspec.backends.torch import BACKEND
from tests.contract.torchvision_shim import import_torchvision
from tests.support.everything import everything
from tests.support.generated import build_generated
from tests.support.zoo import SHRUNK, zoo_cases, zoo_compiled

HEAD = "netspec: 1\nname: small\ninput: {channels: 4, size: [9, 12]}\n"
END = "head: [global_avg_pool, dropout, {linear: {out: 3}}]\n"
SMALL = {
    "branches": "stem: [{branches: {a: [{conv: {out: 4, kernel: 1}}], b: [relu, tanh], merge: concat}}, relu]\n",
    "gate": "stem: [relu, {gate: {body: [global_avg_pool: {keep_dims: true}, {conv: {out: 4, kernel: 1}}, "
    "sigmoid]}}]\n",
    "choices": (
        "blocks:\n"
        "  b:\n"
        "    params: {out: int, stride: 1, deep: false}\n"
        "    body:\n"
        "      - residual:\n"
        "          body:\n"
        "            - {conv: {out: out, kernel: 3, stride: stride}}\n"
        "            - {when: {test: deep, then: [relu, {conv: {out: out, kernel: 3}}, relu], else: [tanh]}}\n"
        "          shortcut: {when: {test: stride != 1, then: [{conv: {out: out, kernel: 1, stride: stride}}]}}\n"
        "      - relu\n"
        "stages:\n"
        "  - {block: b, out: 4, deep: true}\n"
        "  - {block: b, repeat: 2, out: 6, stride: 2}\n"
    ),
    "drop_path": (
        "stem: [{residual: {body: [{conv: {out: 4, kernel: 3}}, drop_path: {rate: 0.25}]}}, dropout: {rate: 0.1}]\n"
    ),
    "same": (
        "stem:\n"
        "  - conv: {out: 6, kernel: [3, 2], stride: 2, padding: same}\n"
        "  - max_pool: {kernel: 3, stride: 2, padding: same}\n"
        "  - avg_pool: {kernel: 2, stride: 1, padding: same}\n"
    ),
    "resize": (
        "stem: [{relu: {}, as: big}, {max_pool: {kernel: 3, stride: 3}, as: little}, resize: {like: big}, "
        "resize: {factor: 2, mode: bilinear}]\n"
    ),
    "split": "stem: [{split: {parts: 2}, as: [a, b]}, {relu: {}, as: c}, {from: [c, b], merge: add}]\n",
    "slots": (
        "blocks:\n"
        "  b:\n"
        "    params: {s: {type: steps}, t: {type: steps}}\n"
        "    body: [{conv: {out: 4, kernel: 1}}, s, {conv: {out: 4, kernel: 1}}, s, relu, t, {name: own, tanh: {}}]\n"
        "stages:\n"
        "  - {block: b, s: [relu], t: [tanh]}\n"
        "  - {block: b, s: [silu], t: [{tanh: {}}], repeat: 2}\n"
        "  - {block: b, s: [dropout: {rate: 0.1}], t: []}\n"
    ),
    "zeros": "stem: [subsample: {stride: [2, 1]}, pad_channels: {before: 1, after: 2}, relu]\n",
    "sequence": (
        "stem:\n"
        "  - {name: features, sequence: [{conv: {out: 4, kernel: 3}}, {when: {test: false, then: [relu]}}, tanh]}\n"
        "  - {relu: {}, name: a.x}\n"
        "  - {tanh: {}, name: a.y}\n"
    ),
    "outputs": "stem: [{conv: {out: 4, kernel: 3}, as: low}, relu]\noutputs: {early: low}\n",
    "training": (
        "stem: [{conv: {out: 4, kernel: 3}, as: low}, relu]\n"
        "outputs: {early: {from: low, when: training}}\n"
    ),
}
"""Specs of one matter each, with a head that people replace."""
FAMILIES = {shrunk.file: shrunk for shrunk in reversed(SHRUNK)}
"""A network of each family of the zoo, few and narrow blocks of each kind."""

NETWORKS: dict[str, Callable[[], CompiledNetwork]] = {
    **{name: (lambda text=text: loads(HEAD + text + END)) for name, text in SMALL.items()},
    **{file: shrunk.compiled for file, shrunk in FAMILIES.items()},
    "everything": everything,
}


@cache
def compiled(name: str) -> CompiledNetwork:
    """The network of a name."""
    return NETWORKS[name]()


def made(name: str, kind: str) -> tuple[nn.Module, Tensor]:
    """A model in evaluation mode, and an input for it."""
    torch.manual_seed(0)
    found = compiled(name)
    model = found.build("torch") if kind == "live" else build_generated(found, "torch")
    return model.eval(), torch.randn(2, *found.network.source.shape)


def same(one: Any, other: Any) -> None:
    """Compare two results, each a tensor or several by name."""
    torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def total(result: Any) -> Tensor:
    """The sum of everything that a model gives."""
    return sum(value.sum() for value in (result.values() if isinstance(result, dict) else [result]))


def seeded(model: Callable[..., Any], x: Tensor) -> Any:
    """A result, what is dropped being always the same."""
    torch.manual_seed(0)
    return model(x)


def script(model: nn.Module, x: Tensor) -> None:
    scripted = torch.jit.script(model)
    for _ in range(2):  # TorchScript optimises after the first call
        same(scripted(x), model(x))
    scripted.train()
    model.train()
    same(seeded(scripted, x), seeded(model, x))


def fx(model: nn.Module, x: Tensor) -> None:
    for mode in (False, True):
        traced = torch.fx.symbolic_trace(model.train(mode))
        same(seeded(traced, x), seeded(model, x))


def extraction(model: nn.Module, x: Tensor) -> None:
    import_torchvision()
    from torchvision.models import feature_extraction

    _, nodes = feature_extraction.get_graph_node_names(model)
    same(total(model(x)), total(model.eval()(x)))
    last = next(name for name in reversed(nodes) if name not in ("getitem", "add"))
    extractor = feature_extraction.create_feature_extractor(
        model, {nodes[1]: "first", last: "last"}
    )
    for mode in (False, True):
        found = seeded(extractor.train(mode), x)
        assert [*found] == ["first", "last"]


def compile(model: nn.Module, x: Tensor) -> None:
    torch._dynamo.reset()
    same(torch.compile(model, fullgraph=True, backend="eager")(x), model(x))


def export(model: nn.Module, x: Tensor) -> None:
    same(torch.export.export(model, (x,)).module()(x), model(x))


def strict_export(model: nn.Module, x: Tensor) -> None:
    same(torch.export.export(model, (x,), strict=True).module()(x), model(x))


def checkpointing(model: nn.Module, x: Tensor) -> None:
    """Every stage forgets what passed, and computes it again on the way back."""
    expected = gradients(model, x)
    for stage in (child for child in model.children() if isinstance(child, nn.Sequential)):
        run = stage.forward
        stage.forward = lambda x, run=run: checkpoint(run, x, use_reentrant=False)  # type: ignore[method-assign]
    same(gradients(model, x), expected)


def gradients(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """The gradient of every parameter, in training."""
    model.train().zero_grad()
    total(seeded(model, x)).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def autocast(model: nn.Module, x: Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        found = model(x)
    for value in found.values() if isinstance(found, dict) else [found]:
        assert torch.isfinite(value).all()


def channels_last(model: nn.Module, x: Tensor) -> None:
    expected = model(x)
    model.to(memory_format=torch.channels_last)
    same(model(x.to(memory_format=torch.channels_last)), expected)


def copies(model: nn.Module, x: Tensor) -> None:
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert [*twin.state_dict()] == [*model.state_dict()]
        assert type(twin).__name__ == type(model).__name__
        same(twin(x), model(x))


WAYS = (
    *(script, fx, extraction, compile, export, strict_export),
    *(checkpointing, autocast, channels_last, copies),
)
SLOW = {*FAMILIES} - {"resnet_cifar"}


def cases() -> list[Any]:
    """Every network, kind and way; what takes long is slow, of which the small networks have the matter."""
    found = []
    for name in NETWORKS:
        for kind in ("live", "generated"):
            for way in WAYS:
                is_slow = name in SLOW or (way in (strict_export, export) and name not in SMALL)
                found.append(
                    pytest.param(name, kind, way, marks=[pytest.mark.slow] if is_slow else [])
                )
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "kind", "way"), cases())
def test_models_take(name: str, kind: str, way: Callable[[nn.Module, Tensor], None]) -> None:
    way(*made(name, kind))


def kinds(model: nn.Module) -> dict[str, tuple[str, ...]]:
    """The class of every module, and what it is derived from, by the module's name."""
    found = model.named_modules()
    return {name: tuple(kind.__name__ for kind in type(m).__mro__) for name, m in found}


def alike(live: dict[str, tuple[str, ...]], generated: dict[str, tuple[str, ...]]) -> None:
    """The same names, and the same classes: those of a block that has several have more to their names.

    Rows of layers that come often are classes of `nn.Sequential` in source.
    """
    assert [*live] == [*generated]
    for name, (kind, *_) in live.items():
        bases = generated[name][:2] if kind == "Sequential" else generated[name][:1]
        assert any(base.startswith(kind) for base in bases), name


# Its activations fill a slot that stands in each block three times: the last has the slot's name in source alone.
@pytest.mark.parametrize("name", sorted(NETWORKS.keys() - {"mobilenet_v3_keras"}))
def test_live_and_generated_have_the_same_modules(name: str) -> None:
    alike(*(kinds(made(name, kind)[0]) for kind in ("live", "generated")))


@pytest.mark.parametrize("name", zoo_cases())
def test_so_has_every_network_of_the_zoo(name: str) -> None:
    found = zoo_compiled(name)
    with torch.device("meta"):
        alike(kinds(BACKEND.build(found.network)), kinds(build_generated(found, "torch")))


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"])
def test_so_has_torchvision(name: str) -> None:
    torchvision = import_torchvision()
    with torch.device("meta"):
        theirs, ours = (
            getattr(torchvision.models, name)(),
            BACKEND.build(zoo_compiled(name).network),
        )
        own, known = ({n: kind for n, (kind, *_) in kinds(m).items()} for m in (ours, theirs))
        assert own == known
