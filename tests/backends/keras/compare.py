"""Moved to ``tests.support``."""

from tests.support.agreement import Difference, compare, precision
from tests.support.networks import SIZES, input_of, network_of, random_weights

__all__ = [
    "SIZES",
    "Difference",
    "compare",
    "input_of",
    "network_of",
    "precision",
    "random_weights",
]
