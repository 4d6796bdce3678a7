"""What ``netspec verify`` asks of a backend beyond building, running and weights.

A backend that can be verified has a method ``probe()`` that gives a :class:`Probe`. Arrays cross this
interface as they cross that of :mod:`netspec.backends.base`: canonical names and layout, channels
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from netspec.ir import Program

    Array = NDArray[numpy.generic]
    Arrays = Mapping[str, Array]

Given = Any
"""An input, an array (batch, channels, *size); where inputs have names, a mapping of such by name."""

Places = Mapping[str, Any]
"""Where the end of each part of a network is found in models, in the backend's own terms."""


@dataclass(frozen=True)
class Held:
    """One tensor of a layer, as the framework has it.

    Attributes:
        layer: the layer's name, in the framework's spelling.
        name: what the layer calls the tensor.
        shape: in the framework's layout.
        trainable: False for statistics.
    """

    layer: str
    name: str
    shape: tuple[int, ...]
    trainable: bool


@dataclass(frozen=True)
class Limit:
    """A layer that the framework cannot compute in float64, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Observed:
    """What one pass gave: results at the ends of parts, and outputs, both by name."""

    places: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Trained:
    """What one step of training gave.

    Gradients are those of the sum of all outputs, each times its factors. Statistics and weights are
    those after the step; variances are as PyTorch keeps them, with n / (n - 1) of the batch's.

    Attributes:
        observed: results in training mode, ahead of the step.
        input_gradient: of the network's input; where inputs have names, of all in a row, each flat.
        place_gradients: of the results at the ends of parts.
        gradients: of every parameter.
        statistics: the running ones after the forward pass.
        weights: every parameter after one step of plain gradient descent.
    """

    observed: Observed
    input_gradient: Array
    place_gradients: Arrays
    gradients: Arrays
    statistics: Arrays
    weights: Arrays


@dataclass(frozen=True)
class Inside:
    """What entered and left layers in one pass, by path, and outputs; only what the framework lets one see."""

    entered: Arrays = field(default_factory=dict)
    left: Arrays = field(default_factory=dict)
    outputs: Arrays = field(default_factory=dict)


class Probe(Protocol):
    """How models of one framework are looked into."""

    ordered: bool
    """Whether the order in which a model lists its weights is part of what it is."""

    one_graph: bool
    """Whether models are one graph in both modes, so that they give outputs for training in evaluation too."""

    trains: bool
    """Whether models can be trained, and start and drop at random; else they are run in evaluation alone."""

    gradients: Mapping[str, tuple[float, str]]
    """How far off the gradients of ops are in float64 that the framework has no better, and why."""

    def versions(self) -> dict[str, str]:
        """The versions of the framework and of what it runs on, by distribution."""

    def precision(self, dtype: str) -> AbstractContextManager[None]:
        """Within, everything is made and computed in ``dtype``: float32 or float64."""

    def limits(self, network: Program) -> list[Limit]:
        """The layers that cannot be computed in float64."""

    def tied(self, network: Program) -> str | None:
        """What generated source holds in numbers of the spec's size alone, such as "the padding of `conv1`"."""

    def make(self, function: Callable[..., Any], network: Program) -> Any:
        """The model that a function of generated source makes for the input of ``network``."""

    def adopt(self, model: Any) -> Any:
        """A model that netspec did not make, ready to be compared."""

    def spelled(self, path: str) -> str:
        """What the framework calls the layer at ``path``."""

    def expected(self, network: Program) -> list[Held]:
        """Every tensor that a model of ``network`` is to hold."""

    def held(self, model: Any) -> list[Held]:
        """Every tensor that ``model`` holds."""

    def drop_rates(self, model: Any) -> dict[str, float]:
        """The rate of every layer that drops at random, by the framework's name of the layer."""

    def seed(self, number: int) -> None:
        """Let what is drawn next, initial values and drops, depend on ``number`` alone."""

    def dropped(self, model: Any, name: str, inputs: Array, training: bool) -> Array:
        """What the layer called ``name``, one of :meth:`drop_rates`, makes of ``inputs``, channels first."""

    def places(self, model: Any, network: Program) -> Places:
        """Where ``model``, a live one of ``network``, has the ends of the stem and of each stage.

        An end that the framework keeps to itself is left out. The result serves the generated model
        too.
        """

    def observe(self, model: Any, places: Places, inputs: Given) -> Observed:
        """One pass in evaluation mode. Places that ``model`` lacks are left out."""

    def look_inside(
        self, model: Any, network: Program, inputs: Given, fed: Inside | None = None
    ) -> Inside:
        """What enters and leaves the layers of ``model`` in evaluation mode, and its outputs.

        With ``fed``, each layer that can be seen is given what entered it there, and what flows on from it is
        what left it there. So what enters shows how layers are wired, and what leaves shows each by itself.
        """

    def train(
        self,
        model: Any,
        network: Program,
        places: Places,
        inputs: Given,
        factors: Arrays,
        rate: float,
    ) -> Trained:
        """One step of plain gradient descent at ``rate``, with nothing dropped at random.

        ``network`` is typed for the size of ``inputs``.
        """
