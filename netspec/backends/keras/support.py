"""What generated source holds copies of, where it needs them. Each definition stands on its own."""

import keras


def submodels(x, name, blocks, stops):
    """Run blocks in models of their own, since Keras recurses through each model."""
    start = 0
    for number, stop in enumerate(stops, 1):
        inputs = y = keras.Input(x.shape[1:], name=f"{name}_chunk{number}_input")
        for block in blocks[start:stop]:
            y = block(y)
        x = keras.Model(inputs, y, name=f"{name}_chunk{number}")(x)
        start = stop
    return x


def expression(function, x, *, name):
    """A model of a function of x, since Keras itself names what is inside."""
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name=f"{name}_input")
    return keras.Model(inputs, function(inputs), name=name)
