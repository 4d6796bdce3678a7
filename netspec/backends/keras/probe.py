"""Looks into Keras models for ``netspec verify``: by a second model over the same layers.

The second model has the ends of the parts as further outputs. It shares layers, and with them weights
and statistics, with the model that is looked into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy

from netspec.backends.keras.framework import channels_last, load_keras, require_tensorflow
from netspec.backends.keras.inside import look_inside, result_of
from netspec.backends.keras.instances import adapt
from netspec.backends.keras.lowered import name_of
from netspec.backends.keras.naming import flat_name
from netspec.backends.keras.plan import (
    chunks,
    depends_on_size,
    is_deep,
    lower,
    lowered_ops,
    what_depends_on_size,
)
from netspec.backends.keras.precision import float64_limits
from netspec.backends.keras.weights import (
    SEED,
    from_keras,
    layers_of,
    read_weights,
    variable_name,
    variable_shape,
)
from netspec.backends.probe import Given, Held, Inside, Limit, Observed, Places, Trained
from netspec.ir import Layer, Program, Value
from netspec.ir.parameters import parameters_of
from netspec.ops.merge import Merge
from netspec.ops.normalization import BatchNorm

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays

keras = load_keras()


class KerasProbe:
    """Keras on TensorFlow; see :class:`netspec.backends.probe.Probe`."""

    ordered = False
    one_graph = True
    trains = True
    gradients: Mapping[str, tuple[float, str]] = {}

    def __init__(self) -> None:
        require_tensorflow("verifying Keras models, whose gradients are TensorFlow's,")

    def versions(self) -> dict[str, str]:
        """Keras' and TensorFlow's."""
        return {"keras": str(keras.__version__), "tensorflow": version("tensorflow")}

    @contextmanager
    def precision(self, dtype: str) -> Iterator[None]:
        """Within, layers are made in ``dtype``; it takes both of Keras' settings."""
        config = keras.config
        before = config.floatx(), config.dtype_policy()
        config.set_floatx(dtype)
        config.set_dtype_policy(dtype)
        try:
            yield
        finally:
            config.set_floatx(before[0])
            config.set_dtype_policy(before[1])

    def limits(self, network: Program) -> list[Limit]:
        """Pooling over three axes."""
        return float64_limits(network)

    def tied(self, network: Program) -> str | None:
        """The padding of a layer, or its resizing, as far as that is worked out for one size."""
        tied = (op for op in lowered_ops(network.nodes) if depends_on_size(op))
        return next((f"the {what_depends_on_size(op)} of `{op.path}`" for op in tied), None)

    def make(self, function: Callable[..., Any], network: Program) -> Any:
        """The model for inputs of the size of ``network``.

        Its layers get what those of a live model have: in float64, constants of that precision.
        """
        # As in a process of its own: names that Keras gives by itself depend on what it made before.
        keras.src.utils.naming.reset_uids()
        with channels_last():
            names = [f"{name}_shape" for name in network.input_names] or ["input_shape"]
            shapes = [(*value.type.size, value.type.channels) for value in network.inputs]
            return self.adopt(function(**dict(zip(names, shapes, strict=True))))

    def adopt(self, model: Any) -> Any:
        """The model as it is: Keras' dtype is settled when layers are made."""
        for layer in layers_of(model):
            adapt(layer)
        return model

    def spelled(self, path: str) -> str:
        """The layer's name."""
        return flat_name(path)

    def expected(self, network: Program) -> list[Held]:
        """Every variable of the layers with weights."""
        return [
            Held(
                flat_name(layer.path),
                variable_name(layer, parameter),
                variable_shape(layer, parameter),
                parameter.trainable,
            )
            for _, layer, parameter in parameters_of(network.layers)
        ]

    def held(self, model: Any) -> list[Held]:
        """Every variable but the states of random numbers."""
        found = []
        for layer in layers_of(model):
            trainable = {id(variable) for variable in layer.trainable_variables}
            for variable in layer.weights:
                if variable.name != SEED:
                    shape = tuple(variable.shape)
                    found.append(Held(layer.name, variable.name, shape, id(variable) in trainable))
        return found

    def drop_rates(self, model: Any) -> dict[str, float]:
        """The rate of every dropout."""
        return {layer.name: float(layer.rate) for layer in _drops(model)}

    def seed(self, number: int) -> None:
        """``keras.utils.set_random_seed``, for whichever backend Keras runs on."""
        keras.utils.set_random_seed(number)

    def dropped(self, model: Any, name: str, inputs: Array, training: bool) -> Array:
        """The layer by itself."""
        layer = next(layer for layer in _drops(model) if layer.name == name)
        return _channels_first(layer(_channels_last(inputs), training=training))

    def places(self, model: Any, network: Program) -> Places:
        """The names of the operations at the ends of parts."""
        return _ends(network)

    def observe(self, model: Any, places: Places, inputs: Given) -> Observed:
        """One pass in evaluation mode."""
        watched = _Watched(model, places)
        places_seen, outputs = watched.run(_given(inputs), training=False)
        return Observed(_canonical(places_seen), _canonical(outputs))

    def look_inside(
        self, model: Any, network: Program, inputs: Given, fed: Inside | None = None
    ) -> Inside:
        """What passes through each layer of a model that is not cut into several."""
        return look_inside(model, network, _given(inputs), fed)

    def train(
        self,
        model: Any,
        network: Program,
        places: Places,
        inputs: Given,
        factors: Arrays,
        rate: float,
    ) -> Trained:
        """One step of ``keras.optimizers.SGD``."""
        import tensorflow as tf

        variables = _trainable(model, network)
        before = _variances(model, network)
        watched = _Watched(model, places)
        arrays = _given(inputs)
        is_named = isinstance(arrays, dict)
        named = arrays if is_named else {"": arrays}
        variables_given = {name: tf.Variable(array) for name, array in named.items()}
        first = next(iter(named.values()))
        with _nothing_dropped(model), tf.GradientTape() as tape:
            seen, outputs = watched.run(
                variables_given if is_named else variables_given[""], training=True
            )
            total = tf.add_n(
                [
                    tf.reduce_sum(y * _channels_last(factors[name]).astype(first.dtype))
                    for name, y in outputs.items()
                ]
            )
        ahead = len(variables_given)
        sources = [
            *variables_given.values(),
            *seen.values(),
            *(variable.value for _, _, variable in variables),
        ]
        gradients = tape.gradient(
            total, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        of_weights = gradients[ahead + len(seen) :]
        keras.optimizers.SGD(learning_rate=rate).apply(
            of_weights, [variable for _, _, variable in variables]
        )
        after = read_weights(model, network)
        statistics = as_torch_keeps_them(network, len(first), before, after)
        return Trained(
            observed=Observed(_canonical(seen), _canonical(outputs)),
            input_gradient=_in_a_row(gradients[:ahead])
            if is_named
            else _channels_first(gradients[0]),
            place_gradients=_canonical(dict(zip(seen, gradients[ahead:], strict=False))),
            gradients={
                f"{layer.path}.{parameter.name}": numpy.array(
                    from_keras(layer, parameter, gradient.numpy()), order="C"
                )
                for (layer, parameter, _), gradient in zip(variables, of_weights, strict=True)
            },
            statistics=statistics,
            weights={name: value for name, value in after.items() if name not in statistics},
        )


def _variances(model: Any, network: Program) -> dict[str, Array]:
    """The running variance of every batch normalisation, by name, copied."""
    by_name = {layer.name: layer for layer in layers_of(model)}
    return {
        f"{layer.path}.running_var": numpy.array(
            by_name[flat_name(layer.path)].moving_variance.numpy()
        )
        for layer in network.layers
        if isinstance(layer.op, BatchNorm)
    }


def as_torch_keeps_them(network: Program, batch: int, before: Arrays, after: Arrays) -> Arrays:
    """Keras' running statistics after one step as PyTorch has them, by name.

    Keras moves the running variance towards that of the batch, PyTorch towards n / (n - 1) of it,
    where n counts the values of a channel: examples times positions. ``network`` is typed for the
    input's size; ``before`` holds the variances ahead of the step, ``after`` all weights behind it.
    """
    found = {}
    for layer in network.layers:
        if not isinstance(layer.op, BatchNorm) or layer.op.is_fixed:
            continue
        mean, variance = (f"{layer.path}.running_{what}" for what in ("mean", "var"))
        found[mean] = after[mean]
        count = batch * int(numpy.prod(layer.source.size))
        kept = before[variance] * (1 - layer.op.momentum)  # type: ignore[operator]
        found[variance] = kept + (after[variance] - kept) * (count / (count - 1))
    return found


class _Watched:
    """A model that also gives what is at places."""

    def __init__(self, model: Any, places: Places) -> None:
        tensors = {
            name: found
            for name, place in places.items()
            if (found := _at(model, place)) is not None
        }
        result = model.output
        outputs = dict(result) if isinstance(result, dict) else {"output": result}
        self.places = list(tensors)
        self.outputs = list(outputs)
        self.model = keras.Model(_entering(model), [*tensors.values(), *outputs.values()])

    def run(self, inputs: Any, training: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is at places, and the outputs, as tensors."""
        found = self.model(inputs, training=training)
        found = found if isinstance(found, list | tuple) else [found]
        return (
            dict(zip(self.places, found, strict=False)),
            dict(zip(self.outputs, found[len(self.places) :], strict=True)),
        )


def _operations(model: Any) -> list[Any]:
    return list(model.operations)


def _at(model: Any, name: str) -> Any | None:
    """What the operation of that name gives in a model; None where there is none."""
    found = {operation.name: operation for operation in _operations(model)}
    return result_of(found[name]) if name in found else None


def _ends(network: Program) -> dict[str, str]:
    """The name of the operation at the end of the stem and of each stage; none where that is the input."""
    found = {}
    if network.stages:
        found["stem"] = _giver(network, network.stem.result)
    deep = is_deep(network)
    for stage in network.stages:
        parts = [name for name, blocks in chunks(stage) if any(block.nodes for block in blocks)]
        found[stage.path] = parts[-1] if deep and parts else _giver(network, stage.result)
    return {name: operation for name, operation in found.items() if operation is not None}


def _giver(network: Program, value: Value) -> str | None:
    """The operation that gives a value; None for the input."""
    node = network.producers.get(value.id)
    if node is None:
        return None
    if value is not node.outputs[0]:
        return None  # an operation is seen by the first of its results
    if isinstance(node.op, Merge):
        return flat_name(node.path)
    return name_of(node.path, lower(node)[-1][0])


def _trainable(model: Any, network: Program) -> list[tuple[Layer, Any, Any]]:
    """Every parameter that is trained, with the variable that holds it."""
    by_name = {layer.name: layer for layer in layers_of(model)}
    return [
        (
            layer,
            parameter,
            getattr(by_name[flat_name(layer.path)], variable_name(layer, parameter)),
        )
        for _, layer, parameter in parameters_of(network.layers)
        if parameter.trainable
    ]


def _entering(model: Any) -> Any:
    """What a model takes: a tensor, or a dict of them by name."""
    return model.input if isinstance(model.input, dict) else model.inputs[0]


def _given(inputs: Given) -> Any:
    if isinstance(inputs, Mapping):
        return {name: _channels_last(array) for name, array in inputs.items()}
    return _channels_last(inputs)


def _in_a_row(gradients: Sequence[Any]) -> Array:
    found: Array = numpy.concatenate([_channels_first(each).ravel() for each in gradients])
    return found


def _channels_last(array: Array) -> Array:
    return numpy.ascontiguousarray(numpy.moveaxis(array, 1, -1))


def _channels_first(tensor: Any) -> Array:
    found: Array = numpy.ascontiguousarray(numpy.moveaxis(tensor.numpy(), -1, 1))
    return found


def _canonical(tensors: Mapping[str, Any]) -> dict[str, Array]:
    return {name: _channels_first(tensor) for name, tensor in tensors.items()}


def _drops(model: Any) -> Iterator[Any]:
    # The dropouts of whole channels are ones of this class.
    kinds = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
    return (layer for layer in layers_of(model) if isinstance(layer, kinds))


@contextmanager
def _nothing_dropped(model: Any) -> Iterator[None]:
    """Within, all rates are zero: random numbers of two frameworks cannot be compared."""
    rates = [(layer, layer.rate) for layer in _drops(model)]
    for layer, _ in rates:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in rates:
            layer.rate = rate
