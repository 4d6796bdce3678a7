"""What a pass is, and how passes run: each verified, until none finds more to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netspec.errors import InternalError
from netspec.ir.check import check_program
from netspec.ir.passes.recipes import (
    Recipe,
    Recipes,
    check_recipes,
    composed,
    move,
    shapes_of,
)
from netspec.ir.program import Program
from netspec.ops.structure import RandomDrop

if TYPE_CHECKING:
    from netspec.ir.passes.recipes import Array


@dataclass(frozen=True)
class Note:
    """What a pass did at a place, or why it did nothing there.

    Attributes:
        by: the pass.
        path: the op, or the output, as the program had it.
        text: what became of it; the reason where nothing did.
        is_done: whether something became of it.
    """

    by: str
    path: str
    text: str
    is_done: bool = True

    def __str__(self) -> str:
        return f"{self.by}: {'' if self.is_done else 'not '}`{self.path}`: {self.text}"


@dataclass(frozen=True)
class Outcome:
    """What a pass makes of a program.

    Attributes:
        program: the program; the same object where the pass found nothing to do.
        recipes: the tensors that change.
        notes: what it did, and where it could not, in the order of the program.
    """

    program: Program
    recipes: Recipes = field(default_factory=dict)
    notes: tuple[Note, ...] = ()


class Pass:
    """A rewrite of programs. It decides by ops, types and uses; paths of ops that stay are never changed.

    Class attributes:
        name: what messages call it.
    """

    name: str

    def requires(self, program: Program) -> None:
        """Raise :class:`InternalError` where the pass has no meaning for ``program``."""

    def run(self, program: Program) -> Outcome:
        """The program rewritten."""
        raise NotImplementedError  # pragma: no cover

    def ensures(self, program: Program) -> None:
        """Raise :class:`InternalError` where ``program``, which the pass has made, is not as it promises."""


@dataclass(frozen=True, eq=False)
class Optimization:
    """A program that passes have rewritten.

    Attributes:
        goal: what for.
        original: the program as it was.
        program: the program as it is.
        recipes: how its weights are made of those of ``original``.
        notes: what each pass did, and where it could not, pass by pass.
    """

    goal: str
    original: Program
    program: Program
    recipes: Recipes
    notes: tuple[Note, ...]

    def move(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """The weights of ``program`` from those of ``original``.

        Args:
            weights: every parameter and statistic of ``original``, by canonical name in canonical layout.
        """
        return move(self.program, self.recipes, weights)


def require_inference(program: Program, by: str) -> None:
    """Raise :class:`InternalError` where something drops at random, so that ``program`` may yet be trained."""
    for node in program.nodes:
        if isinstance(node.op, RandomDrop):
            raise InternalError(
                f"before the pass `{by}`: `{node.path}` drops at random; dropout goes first"
            )


def apply(each: Pass, program: Program) -> Outcome:
    """What a pass makes of a program, verified; raises :class:`InternalError`, which names the pass."""
    each.requires(program)
    outcome = each.run(program)
    if outcome.program is not program:
        check_program(outcome.program, f"the pass `{each.name}`")
    check_recipes(program, outcome.program, outcome.recipes, each.name)
    each.ensures(outcome.program)
    return outcome


def run_passes(program: Program, passes: Sequence[Pass], goal: str) -> Optimization:
    """``program`` after all passes, in their order and over again until none has anything left to do."""
    now, recipes = program, dict[str, Recipe]()
    done: dict[str, list[Note]] = {each.name: [] for each in passes}
    left: dict[str, list[Note]] = {}
    is_changing = True
    while is_changing:
        is_changing = False
        for each in passes:
            outcome = apply(each, now)
            is_changing |= outcome.program is not now
            now, recipes = outcome.program, composed(recipes, outcome.recipes)
            done[each.name] += [note for note in outcome.notes if note.is_done]
            left[each.name] = [note for note in outcome.notes if not note.is_done]
    notes = [note for each in passes for note in (*done[each.name], *left[each.name])]
    held = {name for name, _ in shapes_of(now)}
    recipes = {name: recipe for name, recipe in recipes.items() if name in held}
    return Optimization(goal, program, now, recipes, tuple(notes))
