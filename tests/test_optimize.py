"""Optimized networks in both frameworks, live and as source, beside the networks that they were made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, note, reject, settings

import netspec
from netspec.backends.base import get_backend
from netspec.errors import NetspecError
from netspec.ir.fingerprint import fingerprint
from netspec.ops.normalization import BatchNorm
from netspec.ops.structure import Flatten, RandomDrop
from tests.support.agreement import precision, relative
from tests.support.float32 import FLOAT32_BOUND
from tests.support.generated import import_source
from tests.support.networks import inputs_of, random_weights
from tests.support.optimizing import checked, optimized
from tests.support.random_specs import spec_texts
from tests.support.witnesses import BACKENDS, FLOAT64_BOUND, accepted, check
from tests.support.zoo import SHRUNK, Shrunk, zoo_compiled, zoo_names
from tests.test_random_specs import LONG, QUICK

pytest.importorskip("torch")
pytest.importorskip("keras")

HEAD = "netspec: 1\nname: found\ninput: {channels: 4, size: [8, 10]}\n"

REPVGG = """
blocks:
  repvgg:
    doc: Three branches that are one convolution once they have been trained (Ding et al., 2021).
    params: {width: int}
    body:
      - branches:
          merge: add
          dense: [{conv: {out: width, kernel: 3, bias: false}}, norm]
          pointwise: [{conv: {out: width, kernel: 1, bias: false}}, norm]
          identity: [norm]
      - act
stem:
  - sequence: [{conv: {out: 8, kernel: 3, bias: false}}, norm, act, {conv: {out: 8, kernel: 3, bias: false}}, norm]
    name: features
stages: [{block: repvgg, repeat: 3, width: 8}]
head: [global_avg_pool, dropout, {linear: {out: 5}}]
"""

REPVGG_TORCH = '''
class Repvgg(nn.Sequential):
    """Three branches that are one convolution once they have been trained (Ding et
    al., 2021).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, kernel_size=3, padding=1)
        self.relu = nn.ReLU()


class Found(nn.Module):
    """The network, made for inputs of 4×8×10."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(4, 8, kernel_size=3, padding=1),
            nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(8, 8, kernel_size=3, padding=1),
        )
        self.layer1 = nn.Sequential(*(Repvgg() for _ in range(3)))
'''

FOUND = {
    "what a norm does differs between the instances of a block": """
blocks: {b: {body: [batch_norm, relu, {conv: {out: 8, kernel: 3}}]}}
stem: [{conv: {out: 8, kernel: 3}}, b, {max_pool: {kernel: 2}}, b]
""",
    "a block and a test of which nothing is left": """
blocks: {b: {params: {rate: float}, body: [{when: {test: rate > 0, then: [{dropout: {rate: rate}}]}}, drop_path]}}
stem: [{b: {rate: 0.1}}, {conv: {out: 8, kernel: 3}}, {b: {rate: 0.0}}]
stages: [{block: b, repeat: 2, rate: 0.1}]
""",
    "a part of a split that nothing takes": """
stem: [{conv: {out: 8, kernel: 3}}, {split: {parts: 2}, as: [a, b]}]
head:
- {from: b, global_avg_pool: {}}
- {linear: {out: 5}, as: aux}
- {from: a, conv: {out: 4, kernel: 3}}
outputs: {main: output, aux: {from: aux, when: training}}
""",
    "an input that nothing takes": """
stem: [{conv: {out: 8, kernel: 3}, as: c}]
head:
- {from: b, global_avg_pool: {}}
- {linear: {out: 5}, as: aux}
- {from: c, conv: {out: 4, kernel: 3}}
outputs: {main: output, aux: {from: aux, when: training}}
""",
    "an order of features that a weight takes": """
stem: [{flatten: {order: channels_last}}, batch_norm, relu, {linear: {out: 4}}, batch_norm]
""",
    "a second result of a block that training alone took, in one of two instances": """
blocks:
  cell:
    inputs: [current, previous]
    results: [out, side]
    body:
      - {from: previous, conv: {out: 4, kernel: 1}, as: fitted}
      - {from: current, conv: {out: 4, kernel: 3}, as: wide}
      - {from: [wide, fitted], merge: concat, as: out}
      - {from: fitted, conv: {out: 3, kernel: 1}}
      - {batch_norm: {}, as: side}
stem:
  - {conv: {out: 8, kernel: 3}, as: early}
  - {from: [early, early], cell: {}, as: [first, aux]}
  - {from: [first, early], cell: {}, as: [second, other]}
head:
  - {from: other, global_avg_pool: {}, as: pooled}
  - {from: aux, global_avg_pool: {}}
  - {linear: {out: 5}, as: logits}
  - {from: second, conv: {out: 3, kernel: 3}}
outputs: {main: output, aux: {from: logits, when: training}, second: pooled}
""",
    "branches that two inputs of a block are where they are one value": """
blocks:
  cell:
    inputs: [current, previous]
    results: [out, current]
    params: {width: int}
    body:
      - {from: previous, conv: {out: width, kernel: 1}}
      - {batch_norm: {}, as: fitted}
      - {from: current, conv: {out: width, kernel: 3}}
      - {batch_norm: {}, as: wide}
      - {from: [wide, fitted], as: out}
stem:
  - {conv: {out: 8, kernel: 3}, as: early}
  - {from: [early, early], cell: {width: 4}, as: [first, before]}
stages: [{block: cell, repeat: 2, width: 8, from: [first, before]}]
""",
    "indices that are far apart": """
stem: [{name: c, sequence: [dropout, {conv: {out: 8, kernel: 3}}, norm, dropout, dropout, act]}]
""",
}


def compiled(text: str) -> netspec.CompiledNetwork:
    """A network; a spec that is refused, with a diagnostic, proves nothing either way."""
    try:
        return accepted(text)
    except NetspecError:
        reject()


@pytest.mark.parametrize("shrunk", SHRUNK[:2], ids=str)
def test_networks_of_the_zoo_are_equal_and_have_nothing_left_to_fold(shrunk: Shrunk) -> None:
    found = optimized(shrunk.compiled())
    assert not [node for node in found.network.nodes if isinstance(node.op, BatchNorm | RandomDrop)]
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize("shrunk", SHRUNK[2:], ids=str)
def test_more_networks_of_the_zoo_are_equal(shrunk: Shrunk) -> None:
    check(optimized(shrunk.compiled()))


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", zoo_names())
def test_every_network_of_the_zoo_is_equal_at_its_own_depth(name: str, backend: str) -> None:
    """On a small input; live models in float64, of the network as it was and of what became of it."""
    network = zoo_compiled(name)
    found = network.optimize("inference")
    assert found.optimization is not None
    able = get_backend(backend)
    weights = random_weights(network.network)
    is_fixed = any(isinstance(node.op, Flatten) for node in network.network.nodes)
    size = tuple(n if is_fixed else min(n, 64) for n in network.network.source.size)
    x = np.random.default_rng(1).normal(size=(1, network.network.source.channels, *size))
    with precision("float64"):
        results = []
        for program, given in (
            (network.network, weights),
            (found.network, found.optimization.move(weights)),
        ):
            model = able.build(program, size)
            able.write_weights(model, program, given)
            results.append(able.run(model, x))
    before, after = results
    assert after.keys() == before.keys()
    for name_of, values in before.items():
        assert relative(after[name_of], values, 1e-6) <= FLOAT64_BOUND


@pytest.mark.parametrize("text", FOUND.values(), ids=FOUND)
def test_what_passes_leave_can_be_built_and_printed(text: str) -> None:
    head = HEAD
    if "from: b, global" in text and "split" not in text:
        head = HEAD.replace(
            "{channels: 4, size: [8, 10]}",
            "{a: {channels: 4, size: [8, 10]}, b: {channels: 4, size: [8, 10]}}",
        )
    check(optimized(netspec.loads(head + text)))


def test_the_source_reads_as_if_it_had_been_written_so() -> None:
    found = optimized(netspec.loads(HEAD + REPVGG))
    check(found)
    source = found.generate("torch")
    assert REPVGG_TORCH in source
    for word in ("BatchNorm", "Dropout", "bias=False", " + "):
        assert word not in source
    keras = found.generate("keras")
    assert 'x = conv(x, name=f"{name}_conv1")\n' in keras
    assert "use_bias" not in keras


@settings(QUICK, max_examples=15)
@given(spec_texts())
def test_optimized_networks_are_equal(text: str) -> None:
    note(text)
    checked(compiled(text).network)


@settings(QUICK, max_examples=3)
@given(spec_texts())
def test_witnesses_agree_on_optimized_networks(text: str) -> None:
    note(text)
    check(optimized(compiled(text)))


@pytest.mark.slow
@LONG
@given(spec_texts())
def test_witnesses_agree_on_many_optimized_networks(text: str) -> None:
    note(text)
    check(optimized(compiled(text)))


# The interface


def test_a_network_is_optimized_once_and_says_what_was_done() -> None:
    network = netspec.loads(HEAD + REPVGG)
    found = network.optimize()
    assert network.optimization is None
    assert found.optimization is not None
    assert found.optimization.original is network.network
    again = found.optimize("inference")
    assert again.optimization is not None
    assert again.optimization.original is network.network
    assert fingerprint(again.network) == fingerprint(found.network) != fingerprint(network.network)
    assert str(found.optimization.notes[0]).startswith("remove_dropout: `dropout`: ")


def test_the_head_of_source_says_what_it_was_made_of() -> None:
    network = netspec.loads(HEAD + REPVGG)
    source = " ".join(network.optimize().generate("torch").split())
    assert "from the spec `found`, optimized for `inference`; edit the spec" in source
    assert f"Fingerprint: {fingerprint(network.optimize().network)}" in source
    assert f"Unoptimized: {fingerprint(network.network)}" in source


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_start_and_load_as_those_of_the_network_as_its_spec_says(
    backend: str, tmp_path: Path
) -> None:
    network = netspec.loads(HEAD + REPVGG)
    found = network.optimize()
    able = get_backend(backend)
    model, small = network.build(backend), found.build(backend)
    x = inputs_of(network.network, "float32")

    def outputs_are_equal() -> bool:
        ours, theirs = able.run(small, x)["output"], able.run(model, x)["output"]
        return relative(ours, theirs) <= FLOAT32_BOUND

    network.start(model, 3)
    assert not outputs_are_equal()
    found.start(small, 3)
    assert outputs_are_equal()
    weights = {n: w.astype("float32") for n, w in random_weights(network.network).items()}
    able.write_weights(model, network.network, weights)
    network.save_weights(model, tmp_path / "weights.safetensors")
    loaded = found.load_weights(small, tmp_path / "weights.safetensors")
    assert outputs_are_equal()
    assert loaded.weights.keys() == able.read_weights(small, found.network).keys()


def test_a_fresh_model_starts_as_the_branches_would() -> None:
    """Three kernels were drawn, and their sum has more variance than one of them."""
    text = (
        HEAD.replace("channels: 4", "channels: 64")
        + "stem: [{branches: {merge: add, a: [{conv: {out: 64, kernel: 3}}], b: [{conv: {out: 64, kernel: 3}}], c: [{conv: {out: 64, kernel: 3}}]}}]"
    )
    network = netspec.loads(text)
    found = network.optimize()
    one = get_backend("torch").read_weights(network.build("torch"), network.network)
    all_three = get_backend("torch").read_weights(found.build("torch"), found.network)
    ratio = all_three["conv1.weight"].var() / one["conv1.weight"].var()
    assert 2.7 < ratio < 3.3  # 36,864 values: a deviation of 1 %


def test_saved_weights_are_those_that_generated_source_has(tmp_path: Path) -> None:
    import torch

    found = netspec.loads(HEAD + REPVGG).optimize()
    model = found.build("torch")
    found.save_weights(model, tmp_path / "small.pt")
    module = import_source(found.generate("torch"))
    source = module.found()
    source.load_state_dict(torch.load(tmp_path / "small.pt", weights_only=True))
    x = torch.randn(2, 4, 8, 10)
    assert torch.equal(source.eval()(x), model.eval()(x))
