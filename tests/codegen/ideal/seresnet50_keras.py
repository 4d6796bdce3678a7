"""SE-ResNet-50: Squeeze-and-Excitation Networks (Hu et al., 2017)."""

import keras
from keras import KerasTensor, initializers, layers


def he_normal() -> initializers.Initializer:
    """Normal values of variance 2 / fan_out: a new object for each layer."""
    return initializers.VarianceScaling(
        scale=2.0, mode="fan_out", distribution="untruncated_normal"
    )


def conv(
    x: KerasTensor, filters: int, kernel_size: int, strides: int = 1, *, name: str
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


def batch_norm(
    x: KerasTensor, *, gamma_initializer: str = "ones", name: str
) -> KerasTensor:
    """Batch normalisation with the constants of the first implementation."""
    return layers.BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=gamma_initializer, name=name
    )(x)


def squeeze_excite(x: KerasTensor, reduction: int = 16, *, name: str) -> KerasTensor:
    """Scales each channel by what a small network makes of all channels' means."""
    channels = x.shape[-1]
    scale = layers.GlobalAveragePooling2D(
        keepdims=True, data_format="channels_last", name=f"{name}_avgpool"
    )(x)
    bound = channels**-0.5
    scale = layers.Conv2D(
        channels // reduction,
        1,
        kernel_initializer=he_normal(),
        bias_initializer=initializers.RandomUniform(-bound, bound),
        data_format="channels_last",
        name=f"{name}_fc1",
    )(scale)
    scale = layers.ReLU(name=f"{name}_relu")(scale)
    bound = (channels // reduction) ** -0.5
    scale = layers.Conv2D(
        channels,
        1,
        kernel_initializer=he_normal(),
        bias_initializer=initializers.RandomUniform(-bound, bound),
        data_format="channels_last",
        name=f"{name}_fc2",
    )(scale)
    scale = layers.Activation("sigmoid", name=f"{name}_sigmoid")(scale)
    return layers.Multiply(name=f"{name}_mul")([x, scale])


def bottleneck(
    x: KerasTensor, width: int, stride: int = 1, *, name: str
) -> KerasTensor:
    """1×1, 3×3 and 1×1 convolutions and channel attention, with a shortcut around."""
    filters = 4 * width
    shortcut = x
    if stride != 1 or x.shape[-1] != filters:
        shortcut = conv(x, filters, 1, strides=stride, name=f"{name}_downsample_0")
        shortcut = batch_norm(shortcut, name=f"{name}_downsample_1")
    x = conv(x, width, 1, name=f"{name}_conv1")
    x = batch_norm(x, name=f"{name}_bn1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = conv(x, width, 3, strides=stride, name=f"{name}_conv2")
    x = batch_norm(x, name=f"{name}_bn2")
    x = layers.ReLU(name=f"{name}_relu2")(x)
    x = conv(x, filters, 1, name=f"{name}_conv3")
    # A block starts as its shortcut.
    x = batch_norm(x, gamma_initializer="zeros", name=f"{name}_bn3")
    x = squeeze_excite(x, name=f"{name}_se")
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu3")(x)


def stack(
    x: KerasTensor, width: int, depth: int, stride: int = 1, *, name: str
) -> KerasTensor:
    """Bottlenecks in a row, the first of which takes the stride."""
    x = bottleneck(x, width, stride, name=f"{name}_0")
    for index in range(1, depth):
        x = bottleneck(x, width, name=f"{name}_{index}")
    return x


def seresnet50(
    input_shape: tuple[int | None, ...] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """SE-ResNet-50, of 28,088,024 trainable parameters."""
    inputs = keras.Input(input_shape, name="input")
    x = conv(inputs, 64, 7, strides=2, name="conv1")
    x = batch_norm(x, name="bn1")
    x = layers.ReLU(name="relu")(x)
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="maxpool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, data_format="channels_last", name="maxpool")(
        x
    )
    x = stack(x, 64, 3, name="layer1")
    x = stack(x, 128, 4, stride=2, name="layer2")
    x = stack(x, 256, 6, stride=2, name="layer3")
    x = stack(x, 512, 3, stride=2, name="layer4")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avgpool")(x)
    bound = x.shape[-1] ** -0.5
    outputs = layers.Dense(
        classes,
        kernel_initializer=initializers.RandomUniform(-bound, bound),
        bias_initializer=initializers.RandomUniform(-bound, bound),
        name="fc",
    )(x)
    return keras.Model(inputs, outputs, name="seresnet50")
