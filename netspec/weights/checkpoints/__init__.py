"""Weights in files, of any framework and under published names: read, matched, converted."""

from netspec.weights.checkpoints.convert import Report, convert
from netspec.weights.checkpoints.load import Loaded, load_into, load_weights
from netspec.weights.checkpoints.options import Matching
from netspec.weights.checkpoints.save import save_weights

__all__ = ["Loaded", "Matching", "Report", "convert", "load_into", "load_weights", "save_weights"]
