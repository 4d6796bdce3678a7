"""Containers: which names stand where, what can be run as one, and what is a row."""

from __future__ import annotations

import pytest

import netspec
from netspec.ir import Program
from netspec.ir.containers import Container, containers, units

HEAD = "netspec: 1\nname: x\ninput: {channels: 4, size: [8, 9]}\n"


def program(text: str) -> Program:
    return netspec.loads(HEAD + text).network


def shape(container: Container) -> dict[str, object]:
    """Names, and for containers whether they are rows, units or hold names alone."""
    found: dict[str, object] = {}
    for name, child in container.children.items():
        if isinstance(child, Container):
            kind = "row" if child.is_row else "unit" if child.is_unit else "names"
            kind += ", no unit" if child.is_row and not child.is_unit else ""
            found[f"{name} ({kind})"] = shape(child)
        else:
            found[name] = child.op.kind
    return found


CASES = {
    "a sequence is a row": (
        "stem: [{sequence: [relu, tanh], name: a}, sigmoid]\n",
        {"a (row)": {"0": "relu", "1": "tanh"}, "sigmoid": "sigmoid"},
    ),
    "a merge inside is no row": (
        "stem: [{sequence: [{residual: {body: [relu]}}, tanh], name: a}]\n",
        {"a (names)": {"1": "relu", "2": "tanh"}},
    ),
    "dotted names make a container too": (
        "stem: [{relu: {}, name: a.x}, {tanh: {}, name: a.y}, sigmoid]\n",
        {"a (row)": {"x": "relu", "y": "tanh"}, "sigmoid": "sigmoid"},
    ),
    "a sequence whose steps have names is a row": (
        "stem: [{sequence: [{relu: {}, name: x}, tanh], name: a}]\n",
        {"a (row)": {"x": "relu", "1": "tanh"}},
    ),
    "what stands between others holds names": (
        "stem: [{relu: {}, name: a.x}, {tanh: {}, name: b.x}, {silu: {}, name: a.y}, {elu: {}, name: b.y}]\n",
        {
            "a (names)": {"x": "relu", "y": "silu"},
            "b (names)": {"x": "tanh", "y": "elu"},
        },
    ),
    "a value that is used outside is taken out of a row": (
        "stem: [{relu: {}, name: a.x, as: r}, {tanh: {}, name: a.y}, {silu: {}, as: s}, {from: [r, s]}]\n",
        {"a (row, no unit)": {"x": "relu", "y": "tanh"}, "silu": "silu"},
    ),
    "a name that only a merge has registers nothing": (
        "stem: [{residual: {body: [relu]}, name: a.b}]\n",
        {"relu": "relu"},
    ),
    "blocks of a stage": (
        "blocks: {b: {body: [{residual: {body: [relu]}}, tanh]}, n: {body: []}}\n"
        "stages: [{block: b}, {block: n, repeat: 2, between: [silu]}]\n",
        {
            "layer1 (row)": {"0 (unit)": {"relu": "relu", "tanh": "tanh"}},
            "silu": "silu",
            "layer2 (row)": {"0 (row)": {}, "1 (row)": {}},
        },
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_one_rule(text: str, expected: dict[str, object]) -> None:
    assert shape(containers(program(text))) == expected


@pytest.mark.parametrize("text", [text for text, _ in CASES.values()], ids=CASES)
def test_what_runs_is_the_dataflow(text: str) -> None:
    """Every op runs once, in an order in which it has its inputs, whatever containers it stands in."""
    network = program(text)
    root = containers(network)
    ran: list[str] = []

    def run(container: Container) -> None:
        for unit, name in units(container, network):
            prefix = f"{container.path}." if container.path else ""
            assert prefix + name == unit.path
            if isinstance(unit, Container):
                run(unit)
            else:
                ran.append(unit.path)

    run(root)
    assert ran == [node.path for node in network.nodes]


@pytest.mark.parametrize("text", [text for text, _ in CASES.values()], ids=CASES)
def test_live_models_are_what_the_program_is(text: str) -> None:
    torch = pytest.importorskip("torch")
    from netspec.ir.interpret import interpret
    from tests.support.networks import input_of, random_weights

    network = program(text)
    model = netspec.loads(HEAD + text).build("torch").double().eval()
    x = input_of(network)
    found = model(torch.as_tensor(x)).detach().numpy()
    expected = interpret(network, x, random_weights(network))["output"]
    assert abs(found - expected).max() < 1e-12
