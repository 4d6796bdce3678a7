"""One network under examination: every witness gets the same weights and input, one after another.

Only one model is in memory at a time. What the first one that could be run gave is the baseline that
the others are held against.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy

from netspec.ir import Program
from netspec.ir.analysis import output_shapes
from netspec.system.progress import Tell, silent
from netspec.verification import samples, structure
from netspec.verification.blame import first_difference
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
from netspec.verification.parts import Part, parts_of
from netspec.verification.results import Failure, LevelResult, Measure, Status, WitnessResult
from netspec.verification.start import Deviation, check_random_drops, check_values
from netspec.verification.witnesses import Witness, trained_in_our_names

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays, Observed, Places, Trained


LARGE = 50_000_000
"""Weights of more bytes than this are freed at once; looking for them takes as long as a small model."""


@dataclass
class _Run:
    """A witness with its model, and what that gave so far."""

    witness: Witness
    model: Any = None
    observed: Observed | None = None
    trained: Trained | None = None
    own_weights: dict[str, Array] = field(default_factory=dict)
    own_outputs: Mapping[str, Array] = field(default_factory=dict)
    started: Deviation | None = None


class Session:
    """Examines the witnesses of one network.

    Args:
        at_size: the network, typed for the size of the input.
        dtype: what everything is computed in.
        bounds: how far apart each quantity may be.
        seeds: of weights, inputs and factors.
        levels: the levels to run, in their order.
        weights: the common weights, with statistics that fit; random ones unless given.
    """

    def __init__(
        self,
        at_size: Program,
        dtype: str,
        bounds: Mapping[str, Bound],
        seeds: samples.Seeds,
        levels: Sequence[str],
        weights: Arrays | None = None,
    ) -> None:
        self.network = at_size
        self.dtype = dtype
        self.bounds = bounds
        self.seeds = seeds
        self.levels = levels
        self.parts = parts_of(at_size)
        self.notes: list[str] = []
        given = samples.random_weights(at_size, seeds.weights) if weights is None else weights
        self.weights = self._cast(given)
        self.inputs = samples.random_input(at_size, seeds.inputs, dtype)
        shapes = {name: (samples.BATCH, *one) for name, one in output_shapes(at_size).items()}
        self.factors = self._cast(samples.random_factors(shapes, seeds.factors))
        self.baseline: _Run | None = None
        self.is_fitted = weights is not None
        self._places: dict[str, Places] = {}

    def _cast(self, arrays: Arrays) -> dict[str, Any]:
        return {name: array.astype(self.dtype, copy=False) for name, array in arrays.items()}

    def examine(self, witness: Witness, tell: Tell = silent) -> WitnessResult:
        """Every level of one witness; a level that fails is the last that runs."""
        run = _Run(witness)
        steps: dict[str, Callable[[_Run], LevelResult]] = {
            level: getattr(self, f"_{level}") for level in self.levels
        }
        found: list[LevelResult] = []
        for level in self.levels:
            if found and found[-1].status in ("differs", "not run"):
                found.append(LevelResult(level, "not run"))
                continue
            tell(f"level {level} ({len(found) + 1} of {len(self.levels)})")
            start = time.perf_counter()
            try:
                result = steps[level](run)
            except Exception as error:  # the model's own: whatever it raises, it cannot be compared
                failure = Failure(f"{type(error).__name__}: {error}")
                result = LevelResult(level, "differs", failure=failure)
            found.append(replace(result, seconds=time.perf_counter() - start))
        if self.baseline is None and found[-1].status == "baseline":
            self.baseline = run
        run.model = None
        if sum(array.nbytes for array in self.weights.values()) > LARGE:
            gc.collect()  # models hold cycles, and the next one would not fit beside this one
        return WitnessResult(witness.name, tuple(found))

    # Levels

    def _shapes(self, run: _Run) -> LevelResult:
        witness = run.witness
        witness.party.probe.seed(self.seeds.weights)
        run.model = witness.build()
        failure = structure.check_weights(witness, run.model, self.parts, self.notes)
        if failure is None:
            failure = structure.check_drops(witness, run.model, self.parts, self.notes)
        if failure is None and not witness.ours:
            self._remember_own(run)
        elif failure is None and "start" in self.levels:
            own = witness.party.backend.read_weights(run.model, witness.network)
            run.started = check_values(witness.network, own)
        failure = failure or self._give_weights(run)
        if failure is None:
            self._fit_statistics(run)
            run.observed = self._observe(run)
            failure = structure.check_shapes(witness, run.observed, self.parts)
            failure = self._missing(run) or failure
            run.observed = structure.in_evaluation(run.observed, self.network)
        if failure is not None:
            return LevelResult("shapes", "differs", failure=failure)
        held = witness.party.probe.held(run.model)
        facts = {
            "layers with weights": len({tensor.layer for tensor in held}),
            "tensors": len(held),
            "values": sum(int(numpy.prod(tensor.shape)) for tensor in held),
            "shapes of results": len(run.observed.places) + len(run.observed.outputs),  # type: ignore[union-attr]
        }
        return LevelResult("shapes", "agrees", facts)

    def _start(self, run: _Run) -> LevelResult:
        """Values were looked at ahead of the common weights; what drops is looked at now."""
        witness = run.witness
        if not witness.ours:
            return LevelResult("start", "not compared")
        probe = witness.party.probe
        probe.seed(self.seeds.factors)
        found = run.started or check_random_drops(witness.network, run.model, probe)
        if found is not None:
            failure = structure.failure_at(found.layer, found.message, witness.network, self.parts)
            return LevelResult("start", "differs", failure=failure)
        return LevelResult("start", "agrees")

    def _remember_own(self, run: _Run) -> None:
        """The weights that a reference came with, and what it makes of the input with them."""
        witness = run.witness
        own = witness.party.backend.read_weights(run.model, witness.network)
        run.own_weights = self._cast(witness.in_our_names(own))
        run.own_outputs = witness.party.probe.observe(run.model, {}, self.inputs).outputs

    def _give_weights(self, run: _Run) -> Failure | None:
        """The common weights; they must come back as they were written."""
        witness, backend = run.witness, run.witness.party.backend
        given = witness.in_its_names(self.weights)
        backend.write_weights(run.model, witness.network, given)
        for name, value in backend.read_weights(run.model, witness.network).items():
            if not numpy.array_equal(value, given[name]):
                path = name.rpartition(".")[0]
                layer = witness.network.by_path[path]
                message = f"`{name}` does not come back as it was written"
                return structure.failure_at(layer, message, witness.network, self.parts)
        return None

    def _fit_statistics(self, run: _Run) -> None:
        """Once, ahead of all comparisons: running statistics like those of the input."""
        if self.is_fitted or "forward" not in self.levels or not run.witness.ours:
            return
        if not any(name.endswith(".running_var") for name in self.weights):
            return
        after = self._train(run, rate=0.0).statistics
        fitted = samples.fit_statistics(self.network, self.weights, after, self.seeds.weights)
        if all(numpy.isfinite(array).all() for array in fitted.values()):
            self.weights = self._cast(fitted)
        self._give_weights(run)
        self.is_fitted = True

    def _forward(self, run: _Run) -> LevelResult:
        observed = run.observed
        assert observed is not None
        if self.baseline is None:
            return self._as_baseline("forward", {**observed.places, **observed.outputs})
        theirs = self.baseline.observed
        assert theirs is not None
        measures: list[Measure] = []
        failure = None
        found = self._results("output", observed, theirs)
        for measure in chain(found, self._with_own_weights(run)):
            measures.append(measure)
            if not measure.passed:
                failure = self._blamed(run, measure) or self._failure(measure)
                break
        return LevelResult("forward", _status(failure), {}, tuple(measures), failure)

    def _training(self, run: _Run) -> LevelResult:
        run.trained = self._train(run, samples.RATE)
        failure = structure.check_training(run.witness, run.trained.observed, self.parts)
        if failure is not None:
            return LevelResult("training", "differs", failure=failure)
        if self.baseline is None:
            return self._as_baseline("training", run.trained.gradients)
        assert self.baseline.trained is not None
        measures: list[Measure] = []
        for measure in self._steps(run.trained, self.baseline.trained):
            measures.append(measure)
            if not measure.passed:
                failure = self._failure(measure)
                break
        return LevelResult("training", _status(failure), {}, tuple(measures), failure)

    def _as_baseline(self, level: str, arrays: Arrays) -> LevelResult:
        for name, array in arrays.items():
            if not numpy.isfinite(array).all():
                message = f"`{name}` is not finite"
                return LevelResult(level, "differs", failure=Failure(message))
        return LevelResult(level, "baseline")

    # What models are asked

    def _observe(self, run: _Run) -> Observed:
        witness, probe = run.witness, run.witness.party.probe
        name = witness.party.backend.name
        if witness.ours and name not in self._places:
            found = probe.places(run.model, self.network)
            ends = {part.name for part in self.parts[:-1]}
            self._places[name] = {part: place for part, place in found.items() if part in ends}
        if not witness.ours:
            return probe.observe(run.model, {}, self.inputs)
        unseen = [part.name for part in self.parts[:-1] if part.name not in self._places[name]]
        if unseen:
            listed = ", ".join(f"`{part}`" for part in unseen)
            self.notes.append(f"{name}: what leaves {listed} cannot be seen on its own")
        return probe.observe(run.model, self._places[name], self.inputs)

    def _missing(self, run: _Run) -> Failure | None:
        """A part whose end the model does not have, or comes by more than once."""
        assert run.observed is not None
        for part in self.parts[:-1]:
            places = self._places[run.witness.party.backend.name] if run.witness.ours else {}
            if part.name in places and part.name not in run.observed.places:
                return Failure(f"the model has no end of `{part.name}`", part.name, part.span)
        return None

    def _train(self, run: _Run, rate: float) -> Trained:
        witness = run.witness
        if witness.ours and run.observed is None:
            self._observe(run)
        places = self._places[witness.party.backend.name] if witness.ours else {}
        found = witness.party.probe.train(
            run.model, witness.at_size, places, self.inputs, self.factors, rate
        )
        if not witness.names:
            return found
        return trained_in_our_names(found, witness)

    # What is measured

    def _results(self, quantity: str, ours: Observed, theirs: Observed) -> Iterator[Measure]:
        bound = self.bounds[quantity]
        names = [part.name for part in self.parts[:-1]]
        yield from measure_places(quantity, names, ours.places, theirs.places, bound)
        yield from measure_each(quantity, self.parts[-1].name, ours.outputs, theirs.outputs, bound)

    def _with_own_weights(self, run: _Run) -> Iterator[Measure]:
        """What the baseline's model gives with the weights that a reference came with."""
        if run.witness.ours:
            return
        assert self.baseline is not None
        witness, quantity = self.baseline.witness, "own weights"
        model = witness.build()
        witness.party.backend.write_weights(model, witness.network, run.own_weights)
        outputs = witness.party.probe.observe(model, {}, self.inputs).outputs
        yield from measure_each(
            quantity, self.parts[-1].name, outputs, run.own_outputs, self.bounds[quantity]
        )

    def _steps(self, ours: Trained, theirs: Trained) -> Iterator[Measure]:
        """In the order in which a mistake shows: forward, then back from the end, then the step."""
        yield from self._results("training output", ours.observed, theirs.observed)
        largest = largest_of(
            theirs.gradients, theirs.place_gradients, {"": theirs.input_gradient}, self.factors
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
        names = [
            f"{layer.path}.{parameter.name}"
            for layer in part.region.layers
            for parameter in layer.op.parameters(layer.source)
        ]
        return measure_worst(quantity, part.name, names, ours, theirs, self.bounds[quantity], floor)

    # What is said of a failure

    def _failure(self, measure: Measure) -> Failure:
        part = next(part for part in self.parts if part.name == measure.part)
        path = measure.tensor.rpartition(".")[0]
        layer = next((one for one in part.region.layers if one.path == path), None)
        what = f" of `{measure.tensor}`" if measure.tensor not in ("", "output") else ""
        message = (
            f"{measure.quantity}{what} differs by {measure.relative:.1e} of its largest value in "
            f"`{part.name}`, {measure.bound:.0e} is allowed"
        )
        if layer is None:
            return Failure(message, part.name, part.span)
        return Failure(message, part.name, part.span, layer.path, layer.span)

    def _blamed(self, run: _Run, measure: Measure) -> Failure | None:
        """The failure with the first layer that differs, where models let one see it."""
        assert self.baseline is not None
        if run.witness.names:  # its layers cannot be asked for by our paths
            return None
        base = self.baseline.witness
        other = _Run(base, base.build())
        self._give_weights(other)
        ours, theirs = (
            one.witness.party.probe.look_inside(one.model, self.network, self.inputs)
            for one in (run, other)
        )
        failure = self._failure(measure)
        for part in self.parts:
            # Only outputs of a reference are seen, so its mistake may lie in any part.
            if part.name == measure.part or not run.witness.ours:
                found = first_difference(part, ours, theirs, measure.bound)
                if found is not None:
                    layer, message = found
                    message = f"{failure.message}; {message}"
                    return Failure(message, part.name, part.span, layer.path, layer.span)
        return failure


def _status(failure: Failure | None) -> Status:
    return "agrees" if failure is None else "differs"
