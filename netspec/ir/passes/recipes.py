"""How the tensors of a rewritten program are made of those that it had before.

A pass that changes weights says, for each tensor that changes, which earlier ones it is made of and how. What it
does not name keeps its name and its values. So weights move one tensor at a time, and several passes are one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netspec.errors import InternalError
from netspec.ir.parameters import parameters_of
from netspec.ir.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
    Tensors = Mapping[str, Array]
    Make = Callable[[Tensors], Array]


@dataclass(frozen=True)
class Recipe:
    """How one tensor is made.

    Attributes:
        taken: the canonical names of the earlier tensors that it is made of; it has the dtype of the first.
        make: gives its values, in float64, of theirs, in float64; all in canonical layout.
    """

    taken: tuple[str, ...]
    make: Make


Recipes = Mapping[str, Recipe]
"""The tensors that change, by canonical name."""


def composed(earlier: Recipes, later: Recipes) -> dict[str, Recipe]:
    """What ``earlier`` and then ``later`` do, as one."""
    return {**earlier, **{name: _behind(earlier, recipe) for name, recipe in later.items()}}


def _behind(earlier: Recipes, recipe: Recipe) -> Recipe:
    """A recipe for tensors as they were before ``earlier``; nothing is rounded in between."""
    made = {name: earlier[name] for name in recipe.taken if name in earlier}
    if not made:
        return recipe
    taken = [
        old for name in recipe.taken for old in (made[name].taken if name in made else (name,))
    ]

    def make(tensors: Tensors) -> Array:
        between = {
            name: made[name].make(tensors) if name in made else tensors[name]
            for name in recipe.taken
        }
        return recipe.make(between)

    return Recipe(tuple(dict.fromkeys(taken)), make)


def made_of(name: str, recipes: Recipes) -> tuple[str, ...]:
    """The earlier tensors that ``name`` is made of."""
    return recipes[name].taken if name in recipes else (name,)


def move(program: Program, recipes: Recipes, weights: Tensors) -> dict[str, Array]:
    """The weights of a rewritten program.

    Args:
        program: the program as it is now.
        recipes: what has become of the weights on the way.
        weights: all that the program had before, by canonical name in canonical layout, of any dtype of
            NumPy's floats. What changes is computed in float64 and has the dtype of its layer.
    """
    return {
        name: _made(recipes[name], weights) if name in recipes else weights[name]
        for name, _ in shapes_of(program)
    }


def _made(recipe: Recipe, weights: Tensors) -> Array:
    given = {name: weights[name].astype("float64") for name in recipe.taken}
    made: Array = recipe.make(given).astype(weights[recipe.taken[0]].dtype)
    return made


def shapes_of(program: Program) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every parameter and statistic by canonical name, with its shape."""
    for name, _, parameter in parameters_of(program.layers):
        yield name, parameter.shape


def check_recipes(before: Program, after: Program, recipes: Recipes, by: str) -> None:
    """Raise :class:`InternalError`, which names the pass ``by``, unless every tensor has its values from somewhere.

    That is an earlier tensor of its name and shape, or a recipe for earlier tensors that there were.
    """
    old, new = dict(shapes_of(before)), dict(shapes_of(after))
    for name, shape in new.items():
        if name not in recipes and old.get(name) != shape:
            raise InternalError(f"after the pass `{by}`: nothing says what `{name}` is made of")
    for name in recipes:
        if name not in new:
            raise InternalError(f"after the pass `{by}`: `{name}` is made, and no layer has it")
        for taken in recipes[name].taken:
            if taken not in old:
                raise InternalError(
                    f"after the pass `{by}`: `{name}` is made of `{taken}`, which there is not"
                )
