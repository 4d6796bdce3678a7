"""Passes: rewrites of whole programs, a file each, verified one by one; and the goals that they serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.errors import UsageError, did_you_mean
from netspec.ir.passes.base import Optimization, Pass, run_passes

if TYPE_CHECKING:
    from netspec.ir.program import Program

GOALS = ("inference",)
"""What networks can be optimised for."""


def optimize(program: Program, goal: str) -> Optimization:
    """The program that gives in evaluation what ``program`` gives, with less to compute; it is not for training.

    Raises :class:`UsageError` for a goal that there is not.
    """
    return run_passes(program, passes_for(goal), goal)


def passes_for(goal: str) -> tuple[Pass, ...]:
    """The passes that serve a goal, in order; raises :class:`UsageError` for one that there is not."""
    if goal not in GOALS:
        raise UsageError(f"no network is optimized for `{goal}`; {did_you_mean(goal, GOALS)}")
    from netspec.ir.passes.absorb_flatten import AbsorbFlatten
    from netspec.ir.passes.fold_batch_norm import FoldBatchNorm
    from netspec.ir.passes.merge_branches import MergeBranches
    from netspec.ir.passes.merge_scales import MergeScales
    from netspec.ir.passes.remove_dead import RemoveDead
    from netspec.ir.passes.remove_dropout import RemoveDropout

    return (
        RemoveDead(),
        RemoveDropout(),
        MergeScales(),
        FoldBatchNorm(),
        MergeBranches(),
        AbsorbFlatten(),
    )
