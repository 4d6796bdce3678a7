"""Deliberate mistakes in the lowerings, and where ``netspec verify`` must find each.

A mutation changes one backend in this process: a row, the weights, the wiring, the generated text.
"""

from __future__ import annotations

from dataclasses import dataclass

from netspec.backends.keras import KerasBackend
from netspec.backends.torch import TorchBackend
from tests.verification.mistakes import (
    Apply,
    activation_ahead_of_the_addition,
    biased_variance,
    body_twice,
    built_from,
    crossed_layers,
    gate_adds,
    in_keras_order,
    keras_call,
    keras_row,
    layout,
    merging,
    multiplier_first,
    no_ceil,
    no_correction,
    no_gradient_through_shortcuts,
    no_groups,
    no_padding,
    no_permutation,
    norms_hold,
    other_output,
    padded_as_tensorflow_does,
    padding_counted,
    pads_swapped,
    pooled_for_subsampled,
    renamed,
    shortcut_behind_the_activation,
    slope,
    stride_on_the_first_convolution,
    swap_channels,
    swap_spatial,
    tanh_gelu,
    torch_call,
    untransposed,
    without_last_activation,
    written,
    zeros_around_max_pool,
)

KERAS_LIVE, KERAS_GENERATED = "keras live", "keras generated"
TORCH_LIVE, TORCH_GENERATED = "torch live", "torch generated"


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    Attributes:
        name: what is wrong.
        spec: the small network that shows it, of :mod:`tests.verification.specs`.
        part: the part of the network that must be named.
        level: the level that must find it; empty for what verify does not look at.
        quantity: what must differ, at the levels that compare numbers.
        apply: makes the mistake.
        witness: whose model must fail; it is held against live PyTorch.
    """

    name: str
    spec: str
    part: str
    level: str
    quantity: str
    apply: Apply
    witness: str


def shapes(name: str, spec: str, part: str, apply: Apply, witness: str = KERAS_LIVE) -> Mutation:
    """A mistake in what layers hold, or in the shapes of results."""
    return Mutation(name, spec, part, "shapes", "", apply, witness)


def forward(name: str, spec: str, part: str, apply: Apply, witness: str = KERAS_LIVE) -> Mutation:
    """A mistake that evaluation shows."""
    return Mutation(name, spec, part, "forward", "output", apply, witness)


def training(name: str, spec: str, part: str, quantity: str, apply: Apply) -> Mutation:
    """A mistake that only training shows."""
    return Mutation(name, spec, part, "training", quantity, apply, KERAS_LIVE)


def start(name: str, spec: str, part: str, apply: Apply) -> Mutation:
    """A mistake that initial values show."""
    return Mutation(name, spec, part, "start", "", apply, KERAS_LIVE)


MUTATIONS = (
    shapes("linear without its bias", "residual", "head", keras_call("linear", use_bias=False)),
    shapes(
        "convolution with a bias too many", "residual", "stem", keras_call("conv", use_bias=True)
    ),
    shapes(
        "norm without scale and shift",
        "residual",
        "stem",
        keras_call("batch_norm", center=False, scale=False),
    ),
    shapes("frozen norm", "residual", "stem", keras_call("batch_norm", trainable=False)),
    shapes("groups ignored", "ops", "stem", keras_row("conv", no_groups)),
    shapes(
        "PReLU with a slope for each position",
        "ops",
        "stem",
        keras_call("prelu", shared_axes=None),
    ),
    shapes(
        "layer called otherwise",
        "residual",
        "layer1",
        built_from(renamed("layer1.1.conv1", "layer1.1.convolution1"), TorchBackend),
        "torch live",
    ),
    shapes("dropout at another rate", "residual", "head", keras_call("dropout", 0.75)),
    shapes("ceil of a pooling dropped", "preact", "stem", keras_row("max_pool", no_ceil)),
    shapes("padding of a pooling dropped", "residual", "stem", keras_row("max_pool", no_padding)),
    shapes(
        "no activation behind the addition",
        "residual",
        "layer1",
        built_from(without_last_activation),
    ),
    forward("padding on TensorFlow's side", "residual", "stem", padded_as_tensorflow_does),
    forward(
        "stride on the other convolution", "residual", "layer2", stride_on_the_first_convolution()
    ),
    forward("dilation ignored", "ops", "layer1", keras_call("conv", dilation_rate=1)),
    forward(
        "max-pooling pads zeros behind what may be negative",
        "ops",
        "layer3",
        keras_row("max_pool", zeros_around_max_pool),
    ),
    forward("average counts its padding", "ops", "layer2", keras_row("avg_pool", padding_counted)),
    forward(
        "average for the maximum",
        "preact",
        "head",
        keras_call("global_max_pool", target="layers.GlobalAveragePooling2D"),
    ),
    forward(
        "mean of a window for every second value",
        "ops",
        "layer7",
        keras_row("subsample", pooled_for_subsampled),
    ),
    forward("kernel's axes swapped", "residual", "stem", layout(swap_spatial)),
    forward("kernel's channels swapped", "residual", "layer1", layout(swap_channels)),
    forward("depthwise kernels in another order", "ops", "layer4", layout(multiplier_first)),
    forward("features of a linear layer reversed", "residual", "head", layout(untransposed)),
    forward("flatten's order not in the weight", "ops", "head", in_keras_order),
    forward(
        "flatten without its permutation", "flat", "head", keras_row("flatten", no_permutation)
    ),
    start(
        "scale and shift of norms swapped",
        "residual",
        "stem",
        norms_hold(weight="beta", bias="gamma"),
    ),
    start(
        "mean and variance of norms swapped",
        "residual",
        "stem",
        norms_hold(running_mean="moving_variance", running_var="moving_mean"),
    ),
    forward("two layers get each other's weights", "residual", "layer1", crossed_layers),
    forward(
        "epsilon of Keras' default", "residual", "stem", keras_call("batch_norm", epsilon=1e-3)
    ),
    forward(
        "epsilon off by a thousandth",
        "residual",
        "stem",
        keras_call("batch_norm", epsilon=1.001e-5),
    ),
    forward("GELU by tanh", "ops", "layer1", keras_row("gelu", tanh_gelu)),
    forward("leaky ReLU of Keras' slope", "ops", "layer3", keras_row("leaky_relu", slope(0.3))),
    forward("ReLU without its upper bound", "ops", "layer4", keras_call("relu6", max_value=None)),
    forward(
        "hard sigmoid for a sigmoid", "residual", "layer2", keras_call("sigmoid", "hard_sigmoid")
    ),
    forward(
        "another number of groups in a norm", "ops", "layer5", keras_call("group_norm", groups=4)
    ),
    forward(
        "layer norm over positions too", "ops", "layer3", keras_call("layer_norm", axis=(1, 2, 3))
    ),
    forward("softmax over the batch", "residual", "head", keras_call("softmax", axis=0)),
    forward(
        "zeros ahead and behind swapped", "ops", "layer6", keras_row("pad_channels", pads_swapped)
    ),
    forward("body added twice, no shortcut", "residual", "layer1", merging(body_twice, "layer1")),
    forward(
        "shortcut from behind the activation", "preact", "layer1", shortcut_behind_the_activation()
    ),
    forward(
        "activation ahead of the addition",
        "residual",
        "layer1",
        built_from(activation_ahead_of_the_addition),
    ),
    forward("gate adds", "residual", "layer2", merging(gate_adds)),
    forward(
        "ReLU in place overwrites the shortcut",
        "preact",
        "layer2",
        torch_call("relu", inplace=True),
    ),
    forward("output from another stage", "preact", "head", built_from(other_output)),
    forward(
        "a constant of generated Keras source",
        "residual",
        "stem",
        written(KerasBackend, "epsilon=1e-5", "epsilon=1e-3"),
        KERAS_GENERATED,
    ),
    forward(
        "no shortcut in generated PyTorch source",
        "residual",
        "layer1",
        written(TorchBackend, "self.relu(y + x)", "self.relu(y)"),
        TORCH_GENERATED,
    ),
    training(
        "momentum not complemented",
        "residual",
        "stem",
        "statistics",
        keras_call("batch_norm", momentum=0.1),
    ),
    training(
        "momentum of Keras' default",
        "residual",
        "stem",
        "statistics",
        keras_call("batch_norm", momentum=0.99),
    ),
    training(
        "statistics stand still",
        "residual",
        "stem",
        "statistics",
        keras_call("batch_norm", momentum=1.0),
    ),
    training("biased variance in PyTorch", "residual", "stem", "statistics", biased_variance),
    training("n/(n-1) left out", "residual", "stem", "statistics", no_correction),
    training(
        "no gradient through shortcuts",
        "residual",
        "layer2",
        "weight gradient",
        merging(no_gradient_through_shortcuts),
    ),
    training(
        "weights held to be positive",
        "residual",
        "head",
        "stepped weights",
        keras_call("linear", kernel_constraint="non_neg"),
    ),
    start(
        "other initial values", "residual", "stem", keras_call("conv", kernel_initializer="zeros")
    ),
)
"""Every mutation, in the order of the levels."""
