"""Grouped convolutions stay clear of XLA, over any number of axes."""

from __future__ import annotations

import pytest

from netspec.backends.keras import BACKEND
from tests.support.networks import SIZES, network_of


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_no_grouped_convolution_runs_through_xla(rank: int) -> None:
    import tensorflow as tf

    network = network_of("conv: {out: 4, kernel: 3, groups: 2}", SIZES[rank])
    model = BACKEND.build(network)
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
