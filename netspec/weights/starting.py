"""Initial weights drawn in NumPy, so that one seed gives every framework the same ones.

Each parameter has a generator of its own, made from the seed and its name: its values depend on
neither the order of layers nor on what else a network holds. NumPy may draw other numbers from one
release to the next.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from netspec.ir import Program
from netspec.ops.initializers import Constant, Normal, TruncatedNormal, Uniform, plain
from netspec.ops.types import Parameter

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[Any]

DTYPE = "float32"


def initial_weights(network: Program, seed: int) -> dict[str, Array]:
    """Every parameter and statistic by canonical name, in canonical layout, as the spec starts it."""
    return {
        f"{layer.path}.{parameter.name}": draw(f"{layer.path}.{parameter.name}", parameter, seed)
        for layer in network.layers
        for parameter in layer.op.parameters(layer.source)
    }


def draw(name: str, parameter: Parameter, seed: int) -> Array:
    """The initial values of the parameter called ``name``, in float32."""
    import numpy

    digest = hashlib.sha256(name.encode()).digest()
    words = [int.from_bytes(digest[start : start + 4], "little") for start in range(0, 16, 4)]
    generator = numpy.random.default_rng([seed, *words])
    return _values(parameter, generator).astype(DTYPE)


def _values(parameter: Parameter, generator: numpy.random.Generator) -> Array:
    import numpy

    shape = parameter.shape
    match plain(parameter.init, parameter.fans):
        case Constant(value=value):
            return numpy.full(shape, value)
        case Normal(std=std):
            return generator.normal(0.0, std, shape)
        case Uniform(limit=limit):
            return generator.uniform(-limit, limit, shape)
        case TruncatedNormal(std=std):
            return _truncated(std, shape, generator)


def _truncated(std: float, shape: tuple[int, ...], generator: numpy.random.Generator) -> Array:
    """Normal values, those beyond two standard deviations drawn again."""
    found = generator.normal(0.0, std, shape)
    while (beyond := abs(found) > 2 * std).any():
        found[beyond] = generator.normal(0.0, std, int(beyond.sum()))
    return found
