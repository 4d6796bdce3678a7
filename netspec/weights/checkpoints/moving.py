"""Weights of an optimized network, made one by one of those that a file holds for the network as the spec says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from netspec.errors import Diagnostic, NetspecError
from netspec.ir import Program
from netspec.ir.parameters import parameters_of
from netspec.ir.passes.base import Optimization
from netspec.ir.passes.recipes import shapes_of
from netspec.ops.types import Parameter
from netspec.weights.starting import DTYPE, draw
from netspec.weights.storage.tensors import StoredTensor, count_not_finite, narrowed, values

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array


def started(network: Program, missing: Collection[str], seed: int) -> dict[str, StoredTensor]:
    """The tensors that a file lacks, by canonical name, as the spec starts them."""

    def tensor(name: str, parameter: Parameter) -> StoredTensor:
        return StoredTensor(DTYPE, parameter.shape, lambda: draw(name, parameter, seed))

    return {
        name: tensor(name, parameter)
        for name, _, parameter in parameters_of(network.layers)
        if name in missing
    }


def moved(
    optimization: Optimization | None, tensors: Mapping[str, StoredTensor]
) -> Mapping[str, StoredTensor]:
    """The tensors of the optimized network, by canonical name in canonical layout; none is read yet.

    What changes is computed in float64 and has the dtype of its layer's weight. Reading one raises
    :class:`NetspecError` where a value that is made is not finite, as of a negative variance.
    """
    if optimization is None:
        return tensors
    return {
        name: _made(name, shape, optimization, tensors)
        if name in optimization.recipes
        else tensors[name]
        for name, shape in shapes_of(optimization.program)
    }


def _made(
    name: str,
    shape: tuple[int, ...],
    optimization: Optimization,
    tensors: Mapping[str, StoredTensor],
) -> StoredTensor:
    recipe = optimization.recipes[name]
    taken = {old: tensors[old] for old in recipe.taken}
    dtype = taken[recipe.taken[0]].dtype

    def read() -> Array:
        import numpy

        given = {old: values(t.dtype, t.read()).astype("float64") for old, t in taken.items()}
        with numpy.errstate(all="ignore"):  # what is not finite is told of below
            array = narrowed(dtype, recipe.make(given))
        wrong = count_not_finite(dtype, array)
        if wrong:
            made_of = ", ".join(f"`{old}`" for old in recipe.taken)
            message = f"{wrong:,} of {array.size:,} values of `{name}`, made of {made_of}, are NaN or infinite"
            raise NetspecError([Diagnostic("NS607", message)])
        return array

    return StoredTensor(dtype, shape, read)
