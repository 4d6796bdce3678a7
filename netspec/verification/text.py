"""What a verification found, in words that several formats share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from netspec.errors import Span
from netspec.verification.results import Failure, LevelResult, Measure, NetworkResult, WitnessResult
from netspec.verification.taps import Unseen

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
        found = f"{result.name}: {count} models agree at level {result.level}"
        if count == 1:
            name = result.witnesses[0].name
            found = f"{result.name}: {name} fits the network, and was held against no other model"
        if not result.unseen:
            return found
        listed = _listed([f"`{one.path}`" for one in result.unseen])
        return f"{found}, but for taps of {listed} that saw only padding"
    failed = ", ".join(w.name for w in result.witnesses if not w.passed)
    return f"{result.name}: models differ ({failed})"


def outcome(result: NetworkResult) -> str:
    """What was found, in a word or two."""
    if not result.passed:
        return "differs"
    if len(result.witnesses) == 1:
        return "is alone"
    return "agrees in part" if result.unseen else "agrees"


def unseen_lines(result: NetworkResult) -> list[str]:
    """What is to be said of taps that saw only padding: a line for each place in the spec."""
    places: dict[tuple[str, object, object], list[Unseen]] = {}
    for one in result.unseen:
        places.setdefault((str(one.span or one.path), one.map, one.axes), []).append(one)
    return [unseen_text(found[0], len(found) - 1) for found in places.values()]


def unseen_text(unseen: Unseen, more: int = 0) -> str:
    """The taps of a layer that saw only padding, and of how many others at its place."""
    kernel, size = ("×".join(map(str, lengths)) for lengths in (unseen.kernel, unseen.map))
    total = math.prod(unseen.kernel)
    alike = f" and {more} more" if more else ""
    along = "; ".join(
        f"{', '.join(map(str, taps))} along axis {axis}"
        for axis, taps in enumerate(unseen.axes, 1)
        if taps
    )
    return (
        f"`{unseen.path}`{alike} ({unseen.kind}, kernel {kernel}): on its map of {size}, {unseen.count} of "
        f"{total} taps saw only padding, and were not compared: {along}"
    )


def _listed(names: Sequence[str]) -> str:
    """Names in a row, those behind the third as a number."""
    first = ", ".join(names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"


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
