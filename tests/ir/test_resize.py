"""Which other input sizes a network takes, in both backends alike."""

from __future__ import annotations

import pytest

from netspec.errors import UsageError
from netspec.ir.resize import check_input_size
from tests.support.networks import network_of
from tests.support.zoo import SHRUNK

ONLY_SOME_SIZES = (
    *("article_resnet", "densenet121", "densenet_bc_100_12"),
    *("vgg16", "vgg16_keras", "mobilenet_1_0", "mobilenetv3_large_100", "resnetv2_50"),
    *("iresnet50", "convnext_tiny", "mobilenet_v3_large_keras"),
)
"""A flattened map, and poolings without padding that a map of a few values does not fill."""

FLATTENED = "conv: {out: 2, kernel: 3}\nflatten\nlinear: {out: 3}"


@pytest.mark.parametrize("size", [(7, 9), (33, 64), (None, None), (16, None)])
@pytest.mark.parametrize(
    "shrunk",
    [s for s in SHRUNK if s.name not in ONLY_SOME_SIZES and len(s.sizes[0]) == 2],
    ids=lambda s: s.name,
)
def test_convolutional_networks_take_any_size(shrunk: object, size: tuple[int | None, ...]) -> None:
    check_input_size(shrunk.compiled().network, size)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("steps", "size", "message"),
    [
        ("relu", (4,), "1 axes, the network has 2"),
        (FLATTENED, (9, 8), "`flatten` flattens a map of 2×8×9 .* gets 2×9×8"),
        ("flatten\nbatch_norm\nlinear: {out: 3}", (8, 8), "`bn1` takes 432 .* gets 384"),
        (FLATTENED, (None, 9), "`flatten` flattens a map"),
        ("max_pool: {kernel: 4}", (9, 3), "`maxpool`: at this input size, .*kernel is larger"),
        ("max_pool: {kernel: 4}\ninstance_norm", (5, 7), "`in1`: at this input size"),
        (
            "branches: {a: [subsample: {stride: 2}], b: [max_pool: {kernel: 2}]}",
            (9, 9),
            "`add`: at this input size, 6×5×5 and 6×4×4",
        ),
        (
            "gate: {body: [{conv: {out: 6, kernel: 2}}, {conv: {out: 6, kernel: 2, padding: 1}}]}",
            (5, 6),
            None,
        ),
    ],
)
def test_what_does_not_fit_is_named(
    steps: str, size: tuple[int | None, ...], message: str | None
) -> None:
    network = network_of(steps, (8, 9) if "branches" not in steps else (8, 10))
    if message is None:
        check_input_size(network, size)
        return
    with pytest.raises(UsageError, match=message):
        check_input_size(network, size)
