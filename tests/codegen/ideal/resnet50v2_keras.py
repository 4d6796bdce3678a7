"""ResNet-50 V2: Identity Mappings in Deep Residual Networks (He et al., 2016).

The last block of a stage takes the stride, and the classifier ends in a softmax.
"""

import keras
from keras import KerasTensor, layers


def conv(
    x: KerasTensor,
    filters: int,
    kernel_size: int,
    strides: int = 1,
    *,
    use_bias: bool = True,
    name: str,
) -> KerasTensor:
    """A convolution, which keeps the size at stride 1."""
    if kernel_size > 1:
        x = layers.ZeroPadding2D(
            kernel_size // 2, data_format="channels_last", name=f"{name}_pad"
        )(x)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        use_bias=use_bias,
        data_format="channels_last",
        name=name,
    )(x)


def batch_norm(x: KerasTensor, *, name: str) -> KerasTensor:
    """Batch normalisation with the constants that the published weights have."""
    return layers.BatchNormalization(epsilon=1.001e-5, name=name)(x)


def bottleneck(
    x: KerasTensor, width: int, stride: int = 1, *, name: str
) -> KerasTensor:
    """1×1, 3×3 and 1×1 convolutions, each after its norm and activation."""
    filters = 4 * width
    preactivation = batch_norm(x, name=f"{name}_bn1")
    preactivation = layers.ReLU(name=f"{name}_relu1")(preactivation)
    if x.shape[-1] != filters:
        shortcut = conv(preactivation, filters, 1, stride, name=f"{name}_downsample")
    elif stride != 1:
        shortcut = layers.MaxPooling2D(
            1, strides=stride, data_format="channels_last", name=f"{name}_maxpool"
        )(x)
    else:
        shortcut = x
    x = conv(preactivation, width, 1, use_bias=False, name=f"{name}_conv1")
    x = batch_norm(x, name=f"{name}_bn2")
    x = layers.ReLU(name=f"{name}_relu2")(x)
    x = conv(x, width, 3, stride, use_bias=False, name=f"{name}_conv2")
    x = batch_norm(x, name=f"{name}_bn3")
    x = layers.ReLU(name=f"{name}_relu3")(x)
    x = conv(x, filters, 1, name=f"{name}_conv3")
    return layers.Add(name=f"{name}_add")([x, shortcut])


def stack(
    x: KerasTensor, width: int, depth: int, stride: int = 1, *, name: str
) -> KerasTensor:
    """Bottlenecks in a row, the last of which takes the stride."""
    for index in range(1, depth):
        x = bottleneck(x, width, name=f"{name}_block{index}")
    return bottleneck(x, width, stride, name=f"{name}_block{depth}")


def resnet50v2(
    input_shape: tuple[int | None, ...] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """ResNet-50 V2, of 25,568,360 trainable parameters."""
    inputs = keras.Input(input_shape, name="input")
    x = conv(inputs, 64, 7, strides=2, name="conv1")
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="maxpool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, data_format="channels_last", name="maxpool")(
        x
    )
    x = stack(x, 64, 3, stride=2, name="conv2")
    x = stack(x, 128, 4, stride=2, name="conv3")
    x = stack(x, 256, 6, stride=2, name="conv4")
    x = stack(x, 512, 3, name="conv5")
    x = batch_norm(x, name="bn1")
    x = layers.ReLU(name="relu")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avgpool")(x)
    x = layers.Dense(classes, name="predictions")(x)
    outputs = layers.Softmax(name="softmax")(x)
    return keras.Model(inputs, outputs, name="resnet50v2")
