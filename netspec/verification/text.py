"""What a verification found, in words that several formats share."""

from __future__ import annotations

from netspec.errors import Span
from netspec.verification.results import Failure, LevelResult, Measure, NetworkResult, WitnessResult

SEVERAL = ("output", "training output", "own weights")
"""Quantities of which a network may have several: an output each."""


def failure_lines(witness: WitnessResult, level: LevelResult, failure: Failure) -> list[str]:
    """A failure: who, at which level, what, and where in the spec."""
    lines = [f"{witness.name}, {level.level}: {failure.message}"]
    if failure.span is not None:
        part = f"`{failure.part}`" if failure.part else "the network"
        lines.append(f"  {part} is at {failure.span}")
    if failure.layer_span is not None:
        lines.append(f"  `{failure.layer}` is at {failure.layer_span}")
    return lines


def place_of(failure: Failure) -> Span | None:
    """The place to show outside a terminal: the layer's if it is in a file of the user's."""
    for span in (failure.layer_span, failure.span):
        if span is not None and not span.file.startswith("<"):
            return span
    return None


def verdict(result: NetworkResult) -> str:
    """What was found, in one line."""
    count = len(result.witnesses)
    if result.passed:
        return f"{result.name}: {count} models agree at level {result.level}"
    failed = ", ".join(w.name for w in result.witnesses if not w.passed)
    return f"{result.name}: models differ ({failed})"


def place_in(measure: Measure) -> str:
    """What a measure of results is about: the part, and which of several outputs."""
    is_one_of_several = measure.quantity in SEVERAL and measure.tensor not in ("", "output")
    return f"{measure.part}: {measure.tensor}" if is_one_of_several else measure.part


def number(measure: Measure | None) -> str:
    """A relative difference as people read it; empty where nothing was measured."""
    if measure is None:
        return ""
    return "0" if measure.relative == 0 else f"{measure.relative:.1e}"


def input_text(result: NetworkResult) -> str:
    """What models were given: 3 examples of 3×64×96."""
    batch, *shape = result.input_shape
    return f"{batch} examples of {'×'.join(map(str, shape))}"
