"""Grouped convolutions stay clear of XLA, over any number of axes."""

from __future__ import annotations

import pytest

import netspec
from tests.support.generated import build_generated
from tests.support.networks import SIZES

TEXT = """
netspec: 1
name: n
input: {{channels: 6, size: {size}}}
stem: [{{conv: {{out: 4, kernel: 3, groups: 2}}}}]
"""


@pytest.mark.parametrize("make", ["live", "generated"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_no_grouped_convolution_runs_through_xla(rank: int, make: str) -> None:
    import tensorflow as tf

    compiled = netspec.loads(TEXT.format(size=[*SIZES[rank]]))
    model = compiled.build("keras") if make == "live" else build_generated(compiled, "keras")
    function = tf.function(lambda x: model(x, training=False))
    graph = function.get_concrete_function(tf.TensorSpec((None, *SIZES[rank], 6))).graph
    compiled = [
        operation.name
        for operation in graph.get_operations()
        if "_XlaMustCompile" in operation.node_def.attr and operation.get_attr("_XlaMustCompile")
    ]
    assert compiled == []
    splits = [operation for operation in graph.get_operations() if operation.type == "Split"]
    assert len(splits) == 2
