"""DenseNet-121: Densely Connected Convolutional Networks (Huang et al., 2017)."""

import keras
from keras import KerasTensor, initializers, layers


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
        kernel_initializer=initializers.VarianceScaling(
            scale=2.0, mode="fan_in", distribution="untruncated_normal"
        ),
        data_format="channels_last",
        name=name,
    )(x)


def batch_norm(x: KerasTensor, *, name: str) -> KerasTensor:
    """Batch normalisation with the constants of the published weights."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)


def dense_layer(x: KerasTensor, growth: int, *, name: str) -> KerasTensor:
    """Two convolutions, whose result joins the channels of the input."""
    new = batch_norm(x, name=f"{name}_norm1")
    new = layers.ReLU(name=f"{name}_relu1")(new)
    new = conv(new, 4 * growth, 1, name=f"{name}_conv1")
    new = batch_norm(new, name=f"{name}_norm2")
    new = layers.ReLU(name=f"{name}_relu2")(new)
    new = conv(new, growth, 3, name=f"{name}_conv2")
    return layers.Concatenate(name=f"{name}_cat")([x, new])


def dense_block(x: KerasTensor, depth: int, growth: int, *, name: str) -> KerasTensor:
    """Dense layers in a row."""
    for index in range(1, depth + 1):
        x = dense_layer(x, growth, name=f"{name}_denselayer{index}")
    return x


def transition(x: KerasTensor, *, name: str) -> KerasTensor:
    """Halves the channels and the size."""
    x = batch_norm(x, name=f"{name}_norm")
    x = layers.ReLU(name=f"{name}_relu")(x)
    x = conv(x, x.shape[-1] // 2, 1, name=f"{name}_conv")
    return layers.AveragePooling2D(
        2, strides=2, data_format="channels_last", name=f"{name}_pool"
    )(x)


def densenet121(
    input_shape: tuple[int | None, ...] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """DenseNet-121, of 7,978,856 trainable parameters."""
    growth = 32
    inputs = keras.Input(input_shape, name="input")
    x = conv(inputs, 64, 7, strides=2, name="features_conv0")
    x = batch_norm(x, name="features_norm0")
    x = layers.ReLU(name="features_relu0")(x)
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="features_pool0_pad")(
        x
    )
    x = layers.MaxPooling2D(
        3, strides=2, data_format="channels_last", name="features_pool0"
    )(x)
    x = dense_block(x, 6, growth, name="features_denseblock1")
    x = transition(x, name="features_transition1")
    x = dense_block(x, 12, growth, name="features_denseblock2")
    x = transition(x, name="features_transition2")
    x = dense_block(x, 24, growth, name="features_denseblock3")
    x = transition(x, name="features_transition3")
    x = dense_block(x, 16, growth, name="features_denseblock4")
    x = batch_norm(x, name="features_norm5")
    x = layers.ReLU(name="relu")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="avgpool")(x)
    bound = x.shape[-1] ** -0.5
    outputs = layers.Dense(
        classes,
        kernel_initializer=initializers.RandomUniform(-bound, bound),
        name="classifier",
    )(x)
    return keras.Model(inputs, outputs, name="densenet121")
