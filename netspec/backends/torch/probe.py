"""Looks into PyTorch models for ``netspec verify``: by hooks, which leave the model as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy
import torch
from torch import Tensor, nn

from netspec.backends.probe import Given, Held, Inside, Limit, Observed, Places, Trained
from netspec.backends.torch.held import calls_of
from netspec.backends.torch.precision import GRADIENTS
from netspec.backends.torch.weights import read_weights
from netspec.ir import Program
from netspec.ir.parameters import parameters_of

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays

COUNTER = "num_batches_tracked"
"""What PyTorch's norms count and no network has."""

_DROPS = (
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d),
    *(nn.AlphaDropout, nn.FeatureAlphaDropout),
)
_DROP_PATHS: Mapping[str, tuple[str, ...]] = {
    "DropPath": ("p", "drop_prob"),
    **{f"DropPath{rank}d": ("p",) for rank in (1, 2, 3)},
    "StochasticDepth": ("p",),
}
"""By the name of a class, what may be called the rate: ours, of which source has a copy, timm's, torchvision's."""


class TorchProbe:
    """PyTorch; see :class:`netspec.backends.probe.Probe`."""

    ordered = True
    one_graph = False
    trains = True
    gradients = GRADIENTS

    def versions(self) -> dict[str, str]:
        """PyTorch's."""
        return {"torch": str(torch.__version__)}

    @contextmanager
    def precision(self, dtype: str) -> Iterator[None]:
        """Within, modules are made in ``dtype``."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(getattr(torch, dtype))
        try:
            yield
        finally:
            torch.set_default_dtype(before)

    def limits(self, network: Program) -> list[Limit]:
        """None: PyTorch has every op in float64 on the CPU."""
        return []

    def tied(self, network: Program) -> str | None:
        """None: paddings are worked out as the input comes."""
        return None

    def make(self, function: Callable[..., Any], network: Program) -> Any:
        """The module; it takes inputs of any size that the weights fit."""
        return function()

    def adopt(self, model: Any) -> Any:
        """The module in the default dtype."""
        return model.to(torch.get_default_dtype())

    def spelled(self, path: str) -> str:
        """The path itself."""
        return path

    def expected(self, network: Program) -> list[Held]:
        """Every parameter and statistic, in the order of ``state_dict``."""
        return [
            Held(layer.path, parameter.name, parameter.shape, parameter.trainable)
            for _, layer, parameter in parameters_of(network.layers)
        ]

    def held(self, model: Any) -> list[Held]:
        """Every parameter and buffer but the counters of batches."""
        found = []
        for key, tensor in model.state_dict(keep_vars=True).items():
            layer, _, name = key.rpartition(".")
            if name != COUNTER:
                trainable = isinstance(tensor, nn.Parameter) and tensor.requires_grad
                found.append(Held(layer, name, tuple(tensor.shape), trainable))
        return found

    def drop_rates(self, model: Any) -> dict[str, float]:
        """The rate of every dropout and drop-path."""
        return {path: float(getattr(module, rate)) for path, module, rate in _drops(model)}

    def seed(self, number: int) -> None:
        """``torch.manual_seed``"""
        torch.manual_seed(number)

    def dropped(self, model: Any, name: str, inputs: Array, training: bool) -> Array:
        """The module by itself."""
        module = model.get_submodule(name)
        before = module.training
        with torch.no_grad():
            found: Array = module.train(training)(torch.tensor(inputs)).numpy()
        module.train(before)
        return found

    def places(self, model: Any, network: Program) -> Places:
        """Blocks are modules; the stem ends where the first of them begins, a stage with its last.

        A block that passes on what it takes is not looked at.
        """
        found: dict[str, tuple[str, str]] = {}
        if network.stages and network.stem.layers:
            first = network.stages[0]
            # Steps between are no module that starts where the stem ends.
            if (
                first.blocks
                and first.blocks[0].source is network.stem.result
                and first.blocks[0].nodes
            ):
                found["stem"] = ("entered", first.blocks[0].path)
        for stage in network.stages:
            working = [block for block in stage.blocks if block.result is not block.source]
            if working:
                found[stage.path] = ("left", working[-1].path)
        return found

    def observe(self, model: Any, places: Places, inputs: Given) -> Observed:
        """One pass in evaluation mode."""
        model.eval()
        with torch.no_grad(), _Watch(model, places) as watch:
            # A copy: a model that works in place on what it is given would change the next one's input.
            outputs = _outputs(_called(model, _each(inputs, torch.tensor)))
        return Observed(watch.values(), _arrays(outputs))

    def look_inside(
        self, model: Any, network: Program, inputs: Given, fed: Inside | None = None
    ) -> Inside:
        """What passes through each module, where it runs once for each layer that it is."""
        layers = _layers_of(model, network)
        both = {f"{way} {path}": (way, path) for path in layers for way in ("entered", "left")}
        model.eval()
        with torch.no_grad(), _Watch(model, both) as watch:
            outputs = _arrays(_outputs(_called(model, _each(inputs, torch.tensor))))
        inside: dict[str, dict[str, Array]] = {"entered": {}, "left": {}}
        for key, values in watch.seen.items():
            way, _, path = key.partition(" ")
            if len(values) != len(layers[path]):
                continue
            for layer, value in zip(layers[path], values, strict=True):
                given = network.by_path[layer]
                rank = (given.source if way == "entered" else given.target).rank
                inside[way][layer] = _flattened(value, rank)
        if fed is None:
            return Inside(inside["entered"], inside["left"], outputs)
        known = fed.entered.keys() & fed.left.keys() & inside["left"].keys()
        feeds = [_Feed(path, own, fed) for path, own in layers.items() if known >= {*own}]
        came: dict[str, Array] = {}
        went: dict[str, Array] = {}
        with ExitStack() as stack:
            for feed in feeds:
                stack.enter_context(feed.into(model))
            result = self.observe(model, {}, inputs).outputs
        for feed in feeds:
            came.update(feed.entered)
            went.update(feed.left)
        return Inside(came, went, result)

    def train(
        self,
        model: Any,
        network: Program,
        places: Places,
        inputs: Given,
        factors: Arrays,
        rate: float,
    ) -> Trained:
        """One step of ``torch.optim.SGD``."""
        model.train()
        model.zero_grad(set_to_none=True)
        given = _each(inputs, partial(torch.tensor, requires_grad=True))
        with _nothing_dropped(model), _Watch(model, places, gradients=True) as watch:
            # PyTorch refuses to work in place on a leaf that wants its gradient, so models get a copy of it.
            outputs = _outputs(_called(model, _copied(given)))
            terms = [(y * torch.as_tensor(factors[name])).sum() for name, y in outputs.items()]
            torch.stack(terms).sum().backward()
        gradients = {n: _gradient(p) for n, p in model.named_parameters() if p.requires_grad}
        if gradients:  # PyTorch refuses to optimise nothing
            torch.optim.SGD(model.parameters(), lr=rate).step()
        model.zero_grad(set_to_none=True)
        statistics = {
            name
            for name, _, parameter in parameters_of(network.layers)
            if parameter.role == "statistic"
        }
        after = read_weights(model, network)
        return Trained(
            observed=Observed(watch.values(), _arrays(outputs)),
            input_gradient=_input_gradient(given),
            place_gradients=watch.gradients(),
            gradients=gradients,
            statistics={name: value for name, value in after.items() if name in statistics},
            weights={name: value for name, value in after.items() if name not in statistics},
        )


class _Watch:
    """Within, takes down what passes at places, and the gradients that come back there.

    A place is ``("entered" or "left", path of a module)``. A module that runs several times serves
    several places of the network, so what passes it says nothing of one of them and is left out.
    """

    def __init__(self, model: nn.Module, places: Places, gradients: bool = False) -> None:
        self.model = model
        self.places: Mapping[str, tuple[str, str]] = places
        self.wanted = gradients
        self.seen: dict[str, list[Array]] = {}
        self.came_back: dict[str, Array] = {}
        self._hooks = ExitStack()

    def __enter__(self) -> _Watch:
        modules = dict(self.model.named_modules())
        for name, (way, path) in self.places.items():
            if path not in modules:
                continue
            # What enters is taken down ahead: a module that works in place writes over it.
            if way == "entered":
                hook = modules[path].register_forward_pre_hook(
                    lambda module, entered, name=name: self._take_down(name, entered[0])
                )
            else:
                hook = modules[path].register_forward_hook(
                    lambda module, entered, left, name=name: self._take_down(
                        name, left[0] if isinstance(left, tuple) else left
                    )
                )
            self._hooks.callback(hook.remove)
        return self

    def __exit__(self, *_: object) -> None:
        self._hooks.close()

    def _take_down(self, name: str, tensor: Any) -> None:
        if not isinstance(tensor, Tensor):
            return
        self.seen.setdefault(name, []).append(tensor.detach().cpu().numpy().copy())
        if self.wanted and tensor.requires_grad:
            tensor.register_hook(lambda g: self.came_back.__setitem__(name, g.numpy().copy()))

    def values(self) -> dict[str, Array]:
        """What passed, at the places that were passed once."""
        return {name: values[0] for name, values in self.seen.items() if len(values) == 1}

    def gradients(self) -> dict[str, Array]:
        """The gradients of :meth:`values`."""
        return {name: g for name, g in self.came_back.items() if len(self.seen[name]) == 1}


class _Feed:
    """Gives one module what entered another model's there, and passes on what left that one.

    It does so for each of the ``layers`` that the module is, in the order of its calls.
    """

    def __init__(self, path: str, layers: Sequence[str], fed: Inside) -> None:
        self.path = path
        self.entered: dict[str, Array] = {}
        self.left: dict[str, Array] = {}
        self._given = {layer: torch.tensor(fed.entered[layer]) for layer in layers}
        self._passed_on = {layer: torch.tensor(fed.left[layer]) for layer in layers}
        self._waiting = [*reversed(layers)]
        self._layer = ""
        self._came: list[Tensor] = []

    @contextmanager
    def into(self, model: nn.Module) -> Iterator[None]:
        """Within, the module is fed."""
        module = model.get_submodule(self.path)
        hooks = (
            module.register_forward_pre_hook(lambda _, given: self._ahead(given)),
            module.register_forward_hook(lambda _, given, result: self._behind(given, result)),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _ahead(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        self._layer = self._waiting.pop()
        self.entered[self._layer] = given[0].detach().cpu().numpy().copy()
        self._came = [given[0]]
        return (self._given[self._layer].clone(), *given[1:])

    def _behind(self, given: tuple[Any, ...], result: Any) -> Tensor:
        passed_on = self._passed_on[self._layer]
        axes = result.dim() - passed_on.dim()  # of one position, which are flattened behind it
        self.left[self._layer] = _flattened(
            result.detach().cpu().numpy().copy(), passed_on.dim() - 2
        )
        wrote_over = result.data_ptr() == given[0].data_ptr()
        if wrote_over and not torch.equal(given[0], self._given[self._layer]):
            # It works in place, and who else has what entered sees what it wrote.
            self._came[0].copy_(passed_on)
        return passed_on.clone()[(..., *[None] * axes)]


def _layers_of(model: nn.Module, network: Program) -> dict[str, list[str]]:
    """The layers that each module of a model is, in the order of its calls: one, or those that share it in ours."""
    there = {path for path, _ in model.named_modules()}
    found = {layer.path: [layer.path] for layer in network.layers if layer.path in there}
    for path, layers in calls_of(network).items():
        if len(layers) > 1 and path in there and not ({*layers} - {path}) & there:
            found[path] = layers
    return found


def _flattened(value: Array, rank: int) -> Array:
    """What a module gives, as its layer does: a global pooling's has one position, which is flattened behind it."""
    is_pooled = rank == 0 and value.ndim > 2 and all(length == 1 for length in value.shape[2:])
    return value.reshape(value.shape[:2]) if is_pooled else value


def _each(inputs: Given, make: Callable[[Any], Tensor]) -> Any:
    if isinstance(inputs, Mapping):
        return {name: make(array) for name, array in inputs.items()}
    return make(inputs)


def _copied(given: Any) -> Any:
    if isinstance(given, dict):
        return {name: tensor.clone() for name, tensor in given.items()}
    return given.clone()


def _called(model: Any, given: Any) -> Any:
    return model(**given) if isinstance(given, dict) else model(given)


def _input_gradient(given: Any) -> Array:
    if not isinstance(given, dict):
        return _gradient(given)
    return _gradients_in_a_row(_gradient(tensor) for tensor in given.values())


def _gradients_in_a_row(gradients: Iterable[Any]) -> Array:
    found: Array = numpy.concatenate([gradient.ravel() for gradient in gradients])
    return found


def _outputs(found: Any) -> dict[str, Tensor]:
    return dict(found) if isinstance(found, dict) else {"output": found}


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in tensors.items()}


def _gradient(tensor: Tensor) -> Array:
    """A tensor's gradient; zeros where the result does not depend on it."""
    gradient = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
    found: Array = gradient.detach().cpu().numpy()
    return found


def _drops(model: nn.Module) -> Iterator[tuple[str, Any, str]]:
    """Every module that drops at random: its path, itself, and what it calls its rate."""
    for path, module in model.named_modules():
        known = isinstance(module, _DROPS)
        names = ("p",) if known else _DROP_PATHS.get(type(module).__name__, ())
        for rate in names:
            if isinstance(getattr(module, rate, None), int | float):
                yield path, module, rate
                break


@contextmanager
def _nothing_dropped(model: nn.Module) -> Iterator[None]:
    """Within, all rates are zero: random numbers of two frameworks cannot be compared."""
    rates = [(module, name, getattr(module, name)) for _, module, name in _drops(model)]
    for module, name, _ in rates:
        setattr(module, name, 0.0)
    try:
        yield
    finally:
        for module, name, rate in rates:
            setattr(module, name, rate)
