"""Deliberate mistakes in a reference, and how ``netspec verify`` must name the place of each."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tests.contract.planting import (
    Make,
    attribute,
    biased,
    computed,
    convolved,
    frozen_scale,
    instead,
    of_the_batch,
    stride_on_the_first,
    weight_called_otherwise,
    without_bias,
)


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        name: what is wrong.
        spec: the small network that shows it.
        said: how its place must be named.
        make: makes the reference.
        level: the level that must find it.
    """

    name: str
    spec: str
    said: str
    make: Make
    level: str = "forward"


MISTAKES: tuple[Mistake, ...] = (
    Mistake("epsilon of a norm", "residual", "`bn1` (batch_norm)", attribute("bn1", eps=1e-3)),
    Mistake(
        "epsilon off by a thousandth",
        "wired",
        "`layer3.0.bn1` (batch_norm)",
        attribute("layer3.0.bn1", eps=1.001e-5),
    ),
    Mistake(
        "momentum of a norm",
        "residual",
        "`bn1.running_",
        attribute("bn1", momentum=0.2),
        "training",
    ),
    Mistake(
        "momentum not complemented",
        "residual",
        "`layer2.0.bn2.running_",
        attribute("layer2.0.bn2", momentum=0.9),
        "training",
    ),
    Mistake(
        "biased variance", "residual", "`bn1.running_var`", computed("bn1", biased), "training"
    ),
    Mistake(
        "statistics of the batch", "residual", "`bn1` (batch_norm)", computed("bn1", of_the_batch)
    ),
    Mistake("scale that does not learn", "residual", "`bn1`", frozen_scale, "shapes"),
    Mistake(
        "kernel flipped", "residual", "`conv1` (conv)", convolved("conv1", lambda w: w.flip(-1))
    ),
    Mistake(
        "kernel's axes swapped",
        "residual",
        "`layer1.0.conv1` (conv)",
        convolved("layer1.0.conv1", lambda w: w.transpose(2, 3)),
    ),
    Mistake(
        "kernel's channels swapped",
        "residual",
        "`layer1.0.conv1` (conv)",
        convolved("layer1.0.conv1", lambda w: w.transpose(0, 1)),
    ),
    Mistake(
        "padding on another side",
        "residual",
        "`conv1` (conv)",
        convolved("conv1", pad=(3, 1, 3, 1)),
    ),
    Mistake(
        "same padding at the start",
        "ops",
        "`layer5.0.conv1` (conv)",
        convolved("layer5.0.conv1", pad=(1, 0, 1, 1)),
    ),
    Mistake("stride moved", "residual", "`layer2.0.conv1` (conv)", stride_on_the_first),
    Mistake(
        "kernel dilated",
        "ops",
        "`layer1.0.conv1` (conv)",
        attribute("layer1.0.conv1", dilation=(1, 1), padding=(1, 1)),
    ),
    Mistake(
        "groups of other channels",
        "ops",
        "`conv1` (conv)",
        computed("conv1", lambda layer, x: nn.Conv2d.forward(layer, x[:, [0, 2, 1, 3]])),
    ),
    Mistake(
        "ceil of a pooling",
        "wired",
        "output `one` is",
        instead("kernel: 2, ceil: true", "kernel: 2"),
        "shapes",
    ),
    Mistake(
        "padding of a pooling is zeros",
        "ops",
        "`layer3.0.maxpool` (max_pool)",
        computed(
            "layer3.0.maxpool",
            lambda _, x: functional.max_pool2d(functional.pad(x, (1, 1, 1, 1)), 3, 2),
        ),
    ),
    Mistake(
        "average counts its padding",
        "ops",
        "`layer2.0.avgpool` (avg_pool)",
        instead("count_include_pad: false", "count_include_pad: true"),
    ),
    Mistake(
        "average for the maximum",
        "wired",
        "what enters `fc`",
        instead("global_max_pool", "global_avg_pool"),
    ),
    Mistake(
        "gelu by tanh",
        "ops",
        "`layer1.0.gelu` (gelu)",
        computed("layer1.0.gelu", lambda _, x: functional.gelu(x, approximate="tanh")),
    ),
    Mistake(
        "another slope",
        "ops",
        "`layer3.0.leaky_relu` (leaky_relu)",
        instead("leaky_relu,", "{leaky_relu: {slope: 0.3}},"),
    ),
    Mistake(
        "activation without its bound",
        "ops",
        "`layer4.0.relu6` (relu6)",
        computed("layer4.0.relu6", lambda _, x: x.relu()),
    ),
    Mistake(
        "another activation",
        "ops",
        "`layer5.0.silu` (silu)",
        computed("layer5.0.silu", lambda _, x: functional.mish(x)),
    ),
    Mistake(
        "another number of groups in a norm",
        "ops",
        "`layer5.0.gn1` (group_norm)",
        instead("groups: 2}}, silu", "groups: 4}}, silu"),
    ),
    Mistake(
        "layer norm over positions too",
        "ops",
        "`layer3.0.ln1` (layer_norm)",
        computed(
            "layer3.0.ln1",
            lambda m, x: (
                functional.layer_norm(x, x.shape[1:]) * m.weight[:, None, None]
                + m.bias[:, None, None]
            ),
        ),
    ),
    Mistake(
        "zeros ahead and behind swapped",
        "ops",
        "what enters `layer6.0.conv1` differs",
        instead("before: 1, after: 3", "before: 3, after: 1"),
    ),
    Mistake(
        "flattened in another order",
        "ops",
        "`fc`",
        computed(
            "fc",
            lambda m, x: functional.linear(
                x.unflatten(1, (8, 5, 7)).movedim(1, -1).flatten(1), m.weight, m.bias
            ),
        ),
    ),
    Mistake(
        "softmax over the batch",
        "wired",
        "`layer3.0.softmax` (softmax)",
        computed("layer3.0.softmax", lambda _, x: x.softmax(0)),
    ),
    Mistake(
        "residual missing",
        "residual",
        "`layer1.0.relu`",
        instead(
            "      - residual:\n          body: [{conv: {out: width, kernel: 3}}, norm]",
            "      - sequence: [{conv: {out: width, kernel: 3}}, norm]",
        ),
    ),
    Mistake(
        "activation ahead of the addition",
        "residual",
        "`layer1.0.relu`",
        instead(
            "          body: [{conv: {out: width, kernel: 3}}, norm]\n      - act",
            "          body: [{conv: {out: width, kernel: 3}}, norm, act]",
        ),
    ),
    Mistake(
        "hard sigmoid in a gate",
        "residual",
        "`layer3.0.sigmoid` (sigmoid)",
        computed("layer3.0.sigmoid", lambda _, x: functional.hardsigmoid(x)),
    ),
    Mistake(
        "gate along the batch",
        "residual",
        "`layer3.0.sigmoid` (sigmoid)",
        computed("layer3.0.sigmoid", lambda _, x: x.sigmoid().roll(1, 0)),
    ),
    Mistake(
        "one gate for all channels",
        "residual",
        "`layer3.0.sigmoid` (sigmoid)",
        computed("layer3.0.sigmoid", lambda _, x: x.sigmoid().mean(1, keepdim=True).expand_as(x)),
    ),
    Mistake(
        "no gradient through a shortcut",
        "wired",
        "`layer1.0.",
        computed("layer1.0.shortcut", lambda m, x: nn.Conv2d.forward(m, x.detach())),
        "training",
    ),
    Mistake(
        "gate missing",
        "residual",
        "`layer3.0.sigmoid` (sigmoid)",
        computed("layer3.0.sigmoid", lambda _, x: torch.ones_like(x)),
    ),
    Mistake(
        "linear layer transposed",
        "residual",
        "`fc1` (linear)",
        computed("fc1", lambda m, x: x @ m.weight),
    ),
    Mistake("bias missing", "residual", "`fc2`", without_bias, "shapes"),
    Mistake("weight called otherwise", "residual", "`fc2`", weight_called_otherwise, "shapes"),
    Mistake(
        "outputs swapped",
        "wired",
        "`one`",
        instead("one: layer1, two: layer2", "one: layer2, two: layer1"),
    ),
    Mistake(
        "operands of a concatenation swapped",
        "wired",
        "`layer2.0.conv1`",
        instead(
            "left: [{max_pool: {kernel: 3, stride: 1, padding: symmetric}}]\n          right: [{avg_pool: {kernel: 3, stride: 1, padding: symmetric}}]",
            "left: [{avg_pool: {kernel: 3, stride: 1, padding: symmetric}}]\n          right: [{max_pool: {kernel: 3, stride: 1, padding: symmetric}}]",
        ),
    ),
    Mistake("sum for a product", "wired", "`layer3.0.bn1`", instead("merge: mul", "merge: add")),
    Mistake(
        "scale behind the activation",
        "wired",
        "`layer1.0.scale`",
        instead("- scale\n            - leaky_relu", "- leaky_relu\n            - scale"),
    ),
    Mistake(
        "shortcut from ahead of the activation",
        "wired",
        "`layer1.0.shortcut`",
        instead(
            "            - norm\n            - act:\n              as: activated",
            "            - norm:\n              as: activated\n            - act",
        ),
    ),
)
