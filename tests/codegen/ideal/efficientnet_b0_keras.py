"""EfficientNet-B0: Rethinking Model Scaling for CNNs (Tan & Le, 2019)."""

import keras
from keras import KerasTensor, initializers, layers

STAGES = (
    # expansion, filters, depth, stride, kernel size
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def he_normal() -> initializers.Initializer:
    """Normal values of variance 2 / fan_out: a new object for each layer."""
    return initializers.VarianceScaling(
        scale=2.0, mode="fan_out", distribution="untruncated_normal"
    )


def conv(
    x: KerasTensor, filters: int, kernel_size: int = 1, strides: int = 1, *, name: str
) -> KerasTensor:
    """A convolution without bias, which keeps the size at stride 1."""
    if kernel_size > 1:
        x = layers.ZeroPadding2D(
            kernel_size // 2, data_format="channels_last", name=f"{name}_pad"
        )(x)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        use_bias=False,
        kernel_initializer=he_normal(),
        data_format="channels_last",
        name=name,
    )(x)


def depthwise_conv(
    x: KerasTensor, kernel_size: int, strides: int = 1, *, name: str
) -> KerasTensor:
    """A depthwise convolution without bias, which keeps the size at stride 1."""
    fan_out = kernel_size**2 * x.shape[-1]
    x = layers.ZeroPadding2D(
        kernel_size // 2, data_format="channels_last", name=f"{name}_pad"
    )(x)
    return layers.DepthwiseConv2D(
        kernel_size,
        strides=strides,
        use_bias=False,
        depthwise_initializer=initializers.RandomNormal(stddev=(2 / fan_out) ** 0.5),
        data_format="channels_last",
        name=name,
    )(x)


def norm(x: KerasTensor, *, name: str) -> KerasTensor:
    """Batch normalisation."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def norm_act(x: KerasTensor, *, name: str) -> KerasTensor:
    """Batch normalisation and the activation, items 1 and 2 of ``name``."""
    x = norm(x, name=f"{name}_1")
    return layers.Activation("silu", name=f"{name}_2")(x)


def squeeze_excitation(x: KerasTensor, squeezed: int, *, name: str) -> KerasTensor:
    """Scales each channel by what a small network makes of all channels' means."""
    scale = layers.GlobalAveragePooling2D(
        keepdims=True, data_format="channels_last", name=f"{name}_avgpool"
    )(x)
    scale = layers.Conv2D(
        squeezed,
        1,
        kernel_initializer=he_normal(),
        data_format="channels_last",
        name=f"{name}_fc1",
    )(scale)
    scale = layers.Activation("silu", name=f"{name}_activation")(scale)
    scale = layers.Conv2D(
        x.shape[-1],
        1,
        kernel_initializer=he_normal(),
        data_format="channels_last",
        name=f"{name}_fc2",
    )(scale)
    scale = layers.Activation("sigmoid", name=f"{name}_scale_activation")(scale)
    return layers.Multiply(name=f"{name}_mul")([x, scale])


def mb_conv(
    x: KerasTensor,
    filters: int,
    kernel_size: int,
    strides: int,
    expansion: int,
    drop_path: float,
    *,
    name: str,
) -> KerasTensor:
    """An inverted bottleneck with channel attention."""
    inputs = x
    in_channels = x.shape[-1]
    part = 0
    if expansion != 1:
        x = conv(x, in_channels * expansion, name=f"{name}_block_0_0")
        x = norm_act(x, name=f"{name}_block_0")
        part = 1
    x = depthwise_conv(x, kernel_size, strides, name=f"{name}_block_{part}_0")
    x = norm_act(x, name=f"{name}_block_{part}")
    x = squeeze_excitation(x, max(1, in_channels // 4), name=f"{name}_block_{part + 1}")
    x = conv(x, filters, name=f"{name}_block_{part + 2}_0")
    x = norm(x, name=f"{name}_block_{part + 2}_1")
    if strides == 1 and in_channels == filters:
        x = layers.Dropout(
            drop_path, noise_shape=(None, 1, 1, 1), name=f"{name}_stochastic_depth"
        )(x)
        x = layers.Add(name=f"{name}_join")([x, inputs])
    return x


def efficientnet_b0(
    input_shape: tuple[int | None, ...] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """EfficientNet-B0, of 5,288,548 trainable parameters."""
    inputs = keras.Input(input_shape, name="input")
    x = conv(inputs, 32, 3, strides=2, name="features_0_0")
    x = norm_act(x, name="features_0")
    total = sum(depth for _, _, depth, _, _ in STAGES)
    index = 0
    for number, (expansion, filters, depth, stride, kernel_size) in enumerate(
        STAGES, 1
    ):
        for position in range(depth):
            x = mb_conv(
                x,
                filters,
                kernel_size,
                stride if position == 0 else 1,
                expansion,
                drop_path=0.2 * index / total,
                name=f"features_{number}_{position}",
            )
            index += 1
    x = conv(x, 1280, name="features_8_0")
    x = norm_act(x, name="features_8")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avgpool")(x)
    x = layers.Dropout(0.2, name="classifier_0")(x)
    bound = classes**-0.5
    outputs = layers.Dense(
        classes,
        kernel_initializer=initializers.RandomUniform(-bound, bound),
        name="classifier_1",
    )(x)
    return keras.Model(inputs, outputs, name="efficientnet_b0")
