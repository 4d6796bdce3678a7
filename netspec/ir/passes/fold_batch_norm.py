"""Batch normalisation goes into the weights of the layer ahead of it, or of the one behind."""

from __future__ import annotations

from netspec.ir.passes.fold import Fold
from netspec.ops.normalization import BatchNorm


class FoldBatchNorm(Fold):
    """Folds batch normalisations, which in evaluation are a factor and a shift a channel."""

    name = "fold_batch_norm"
    folds = BatchNorm
