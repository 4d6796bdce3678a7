"""Source of programs that passes have thinned out: gaps in rows, empty regions, results without use."""

from __future__ import annotations

import ast
from dataclasses import replace

import pytest

import netspec
from netspec.api import CompiledNetwork
from netspec.ir import Node, Value
from netspec.ir.rewrite import Replacement, rewrite

HEAD = "netspec: 1\nname: net\ninput: {channels: 4, size: [8, 10]}\n"


def without(text: str, *paths: str) -> CompiledNetwork:
    """A network, some of its ops gone."""
    compiled = netspec.loads(HEAD + text)

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        if node.path in paths:
            return Replacement((), inputs[:1])
        return replace(node, inputs=inputs)

    network = rewrite(compiled.network, change)
    return CompiledNetwork(replace(compiled.compilation, network=network))


ROW = "stem: [{sequence: [relu, {conv: {out: 4, kernel: 1}}, tanh, sigmoid], name: row}]"


@pytest.mark.parametrize(
    ("gone", "items"),
    [
        (("row.0",), "nn.Identity(), nn.Conv2d(4, 4, kernel_size=1), nn.Tanh(), nn.Sigmoid()"),
        (("row.2",), "nn.ReLU(), nn.Conv2d(4, 4, kernel_size=1), nn.Identity(), nn.Sigmoid()"),
        (("row.3",), "nn.ReLU(), nn.Conv2d(4, 4, kernel_size=1), nn.Tanh()"),
        (
            ("row.0", "row.2"),
            "nn.Identity(), nn.Conv2d(4, 4, kernel_size=1), nn.Identity(), nn.Sigmoid()",
        ),
    ],
)
def test_a_row_of_modules_keeps_its_indices(gone: tuple[str, ...], items: str) -> None:
    (row,) = [
        node
        for node in ast.walk(ast.parse(without(ROW, *gone).generate("torch")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "nn.Sequential"
    ]
    assert ", ".join(map(ast.unparse, row.args)) == items


def test_indices_that_were_chosen_far_apart_are_no_row() -> None:
    row = ROW.replace("tanh", "{tanh: {}, name: '900000'}")
    assert "nn.Identity" not in netspec.loads(HEAD + row).generate("torch")


def test_a_test_of_which_nothing_is_left_is_not_printed() -> None:
    text = """
blocks: {b: {params: {wide: int}, body: [{when: {test: wide > 4, then: [relu]}}, {conv: {out: wide, kernel: 1}}]}}
stages: [{block: b, wide: 4}, {block: b, wide: 8}]
"""
    compiled = netspec.loads(HEAD + text)
    gone = [node.path for node in compiled.network.layers if node.op.kind == "relu"]
    for backend in ("torch", "keras"):
        assert "wide > 4" in compiled.generate(backend)
        assert "wide > 4" not in without(text, *gone).generate(backend)


def test_a_result_without_use_has_no_name() -> None:
    text = """
stem: [{split: {parts: 2}, as: [a, b]}]
head: [{from: b, relu: {}, as: c}, {from: [a, c]}]
"""
    compiled = netspec.loads(HEAD + text)
    program = compiled.network

    def change(node: Node, inputs: tuple[Value, ...]) -> Node | Replacement:
        if node.op.kind == "add":
            return Replacement((), inputs[:1])
        return Replacement((), inputs) if node.op.kind == "relu" else replace(node, inputs=inputs)

    network = rewrite(program, change)
    found = CompiledNetwork(replace(compiled.compilation, network=network))
    assert "a, _ = x.chunk(2, dim=1)" in found.generate("torch")
    assert "a, _ = expression(" in found.generate("keras")
