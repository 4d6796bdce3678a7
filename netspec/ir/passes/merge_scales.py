"""Learned factors a channel go into the weights of the layer ahead of them, or of the one behind."""

from __future__ import annotations

from netspec.ir.passes.fold import Fold
from netspec.ops.structure import Scale


class MergeScales(Fold):
    """Folds each `scale`; two in a row become one."""

    name = "merge_scales"
    folds = Scale
