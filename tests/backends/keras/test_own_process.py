"""Generated source in a process of its own, where Keras counts names from the start."""

from __future__ import annotations

import os

import pytest

import netspec
from netspec.backends.keras.plan import lower
from tests.support.everything import everything
from tests.support.networks import SIZES, network_of
from tests.support.op_cases import cases
from tests.support.own_process import keras_source, problems_of

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")

NODES = (
    "add",
    "multiply",
    "tanh",
    "erf",
    "maximum",
    "pad",
    "average_pool",
    "true_divide",
    "ones_like",
)
"""What Keras calls nodes of ``keras.ops`` and of operators by itself."""
LAYERS = ("dense", "conv2d", "re_lu", "activation", "input_layer", "functional", "rescaling")
"""What Keras calls layers and models by itself."""


def beside_hostile_names(steps: str, rank: int) -> str:
    """A spec of the steps, and of layers that are called as Keras calls what it makes."""
    size = list(SIZES[rank] or (2,))
    lines = ["global_avg_pool"] if rank == 0 else []
    lines += steps.splitlines()
    lines += [f"{{sigmoid: {{}}, name: {name}}}" for name in (*NODES, *LAYERS) if name not in steps]
    stem = "".join(f"  - {line}\n" for line in lines)
    return f"netspec: 1\nname: net\ninput: {{channels: 6, size: {size}}}\nstem:\n{stem}"


def specs() -> dict[str, str]:
    """One for every way that an op becomes layers, by its steps."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    found = {}
    for steps, rank in cases():
        if rank not in (0, 2):
            continue
        network = network_of(steps, SIZES[rank])
        ways = [[(suffix, made.target) for suffix, made in lower(x)] for x in network.layers]
        key = tuple(step for way in ways for step in way)
        if key not in seen:
            seen.add(key)
            found[f"{steps}, rank {rank}"] = beside_hostile_names(steps, rank)
    return found


FOUND = {
    "a gelu beside a residual": """
stem:
  - conv: {out: 4, kernel: 3}
  - gelu
  - residual: {body: [{conv: {out: 4, kernel: 3}}]}
""",
    "a gelu by tanh beside a tanh": """
stem:
  - conv: {out: 4, kernel: 3}
  - gelu: {approximate: tanh}
  - conv: {out: 4, kernel: 3}
  - tanh
""",
}


def test_every_op_beside_layers_called_as_keras_calls_its_own() -> None:
    found = {name: keras_source(netspec.loads(text)) for name, text in specs().items()}
    assert len(found) > 40
    for rank in (1, 2, 3):
        found[f"everything in rank {rank}"] = keras_source(everything(rank))
    head = "netspec: 1\nname: net\ninput: {channels: 3, size: [8, 9]}"
    for name, text in FOUND.items():
        found[name] = keras_source(netspec.loads(head + text))
    assert not problems_of(found)


def test_a_collision_would_be_seen() -> None:
    source = (
        "import keras\n"
        "def net():\n"
        "    inputs = keras.Input((4,))\n"
        "    x = keras.layers.Dense(4, name='add')(inputs)\n"
        "    return keras.Model(inputs, x + 1)\n"
    )
    assert '"add" is used 2 times' in problems_of({"net": (source, "net")})["net"]


def test_verify_sees_what_a_fresh_process_sees() -> None:
    """Names that this process has given do not change what generated source makes."""
    import keras

    from netspec.backends.keras.probe import KerasProbe

    def net(input_shape: tuple[int, ...]) -> object:
        inputs = keras.Input(input_shape)
        x = keras.layers.Conv2D(4, 1, name="add")(inputs)
        return keras.Model(inputs, x + 1)

    network = network_of("relu", (8, 9))
    keras.Input((4,)) + 1  # takes the name
    with pytest.raises(ValueError, match='"add" is used 2 times'):
        KerasProbe().make(net, network)
