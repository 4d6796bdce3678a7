"""What is measured of two models at each level, in the order in which a mistake shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netspec.ir.parameters import parameters_of
from netspec.verification.bounds import Bound
from netspec.verification.compare import (
    gradient_floor,
    largest_of,
    measure_each,
    measure_places,
    measure_worst,
    rounding_floor,
    that_flow_on,
)
from netspec.verification.parts import Part
from netspec.verification.results import Measure

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays, Observed, Trained


@dataclass(frozen=True)
class Measures:
    """Two models of one network, by what was seen of them.

    Attributes:
        parts: the network's parts, in order.
        bounds: how far apart each quantity may be.
        dtype: what everything was computed in.
    """

    parts: list[Part]
    bounds: Mapping[str, Bound]
    dtype: str

    def results(self, quantity: str, ours: Observed, theirs: Observed) -> Iterator[Measure]:
        """Results at the ends of parts, and outputs."""
        bound = self.bounds[quantity]
        names = [part.name for part in self.parts[:-1]]
        yield from measure_places(quantity, names, ours.places, theirs.places, bound)
        yield from self.outputs(quantity, ours.outputs, theirs.outputs)

    def outputs(self, quantity: str, ours: Arrays, theirs: Arrays) -> Iterator[Measure]:
        """Each output, which is the last part's."""
        yield from measure_each(quantity, self.parts[-1].name, ours, theirs, self.bounds[quantity])

    def steps(self, ours: Trained, theirs: Trained, factors: Arrays) -> Iterator[Measure]:
        """One step of training: forward, then back from the end, then the step itself.

        ``factors`` are what outputs were multiplied with ahead of the sum that was differentiated.
        """
        yield from self.results("training output", ours.observed, theirs.observed)
        largest = largest_of(
            theirs.gradients, theirs.place_gradients, {"": theirs.input_gradient}, factors
        )
        floor = max(
            gradient_floor(theirs.gradients),
            rounding_floor(largest, self.dtype, self.bounds["weight gradient"]),
        )
        before = [None, *(part.name for part in self.parts[:-1])]
        for part, previous in reversed(list(zip(self.parts, before, strict=True))):
            found = self._weights("weight gradient", part, ours.gradients, theirs.gradients, floor)
            if found is not None:
                yield found
            yield from self._input_gradient(part, previous, ours, theirs, largest)
        for quantity in ("statistics", "stepped weights"):
            one, other = (
                (ours.statistics, theirs.statistics)
                if quantity == "statistics"
                else (ours.weights, theirs.weights)
            )
            for part in self.parts:
                found = self._weights(quantity, part, one, other)
                if found is not None:
                    yield found

    def statistics(self, ours: Trained, theirs: Trained) -> Iterator[Measure]:
        """The running statistics, each tensor by itself."""
        for part in self.parts:
            for name in _names(part):
                found = measure_worst(
                    "statistics",
                    part.name,
                    [name],
                    ours.statistics,
                    theirs.statistics,
                    self.bounds["statistics"],
                )
                if found is not None:
                    yield found

    def _input_gradient(
        self, part: Part, previous: str | None, ours: Trained, theirs: Trained, largest: float
    ) -> Iterator[Measure]:
        one, other = (
            {part.name: trained.input_gradient}
            if previous is None
            else {part.name: self._that_flow_on(previous, trained)}
            if previous in trained.place_gradients
            else {}
            for trained in (ours, theirs)
        )
        bound = self.bounds["input gradient"]
        floor = rounding_floor(largest, self.dtype, bound)
        yield from measure_places("input gradient", [part.name], one, other, bound, floor)

    def _that_flow_on(self, place: str, trained: Trained) -> Array:
        part = next(part for part in self.parts if part.name == place)
        value = trained.observed.places.get(place)
        gradient = trained.place_gradients[place]
        return that_flow_on(gradient, value) if part.region.target.non_negative else gradient

    def _weights(
        self, quantity: str, part: Part, ours: Arrays, theirs: Arrays, floor: float = 0.0
    ) -> Measure | None:
        bound = self.bounds[quantity]
        return measure_worst(quantity, part.name, _names(part), ours, theirs, bound, floor)


def _names(part: Part) -> list[str]:
    """The canonical names of all that a part's layers hold."""
    return [name for name, _, _ in parameters_of(part.region.layers)]
