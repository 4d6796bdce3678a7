"""One network under examination: every witness gets the same weights and input, one after another.

Only one model is in memory at a time. What the first one that could be run gave is the baseline that
the others are held against.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy

from netspec.ir import Program
from netspec.ir.analysis import output_shapes
from netspec.ir.parameters import parameters_of
from netspec.system.progress import Tell, silent
from netspec.verification import samples, structure
from netspec.verification.blame import every_difference, first_difference
from netspec.verification.bounds import Bound
from netspec.verification.measures import Measures
from netspec.verification.parts import parts_of
from netspec.verification.results import Failure, LevelResult, Measure, WitnessResult
from netspec.verification.start import Deviation, deviating_values, random_drops
from netspec.verification.witnesses import Witness, trained_in_our_names

if TYPE_CHECKING:
    from netspec.backends.probe import Array, Arrays, Inside, Observed, Places, Trained

T = TypeVar("T")

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
    started: list[Deviation] = field(default_factory=list)
    goes_on: bool = False
    """Whether what was found leaves something to compare at the next level."""


class Session:
    """Examines the witnesses of one network.

    Args:
        at_size: the network, typed for the size of the input.
        dtype: what everything is computed in.
        bounds: how far apart each quantity may be.
        seeds: of weights, inputs and factors.
        levels: the levels to run, in their order.
        weights: the common weights, with statistics that fit; random ones unless given.
        every: whether to look for every mistake of a model, and not for the first alone.
    """

    def __init__(
        self,
        at_size: Program,
        dtype: str,
        bounds: Mapping[str, Bound],
        seeds: samples.Seeds,
        levels: Sequence[str],
        weights: Arrays | None = None,
        every: bool = False,
    ) -> None:
        self.network = at_size
        self.dtype = dtype
        self.bounds = bounds
        self.seeds = seeds
        self.levels = levels
        self.every = every
        self.parts = parts_of(at_size)
        self.measures = Measures(self.parts, bounds, dtype)
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
        """Every level of one witness; a level that fails is the last that runs, unless all is asked for."""
        run = _Run(witness)
        steps: dict[str, Callable[[_Run], LevelResult]] = {
            level: getattr(self, f"_{level}") for level in self.levels
        }
        found: list[LevelResult] = []
        for level in self.levels:
            if found and found[-1].status in ("differs", "not run") and not run.goes_on:
                found.append(LevelResult(level, "not run"))
                continue
            tell(f"level {level} ({len(found) + 1} of {len(self.levels)})")
            run.goes_on = False
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
        looked_at = (witness, run.model, self.parts, self.notes)
        wrong = self._wanted(structure.wrong_weights(*looked_at))
        fits = not wrong
        if fits or self.every:
            wrong += self._wanted(structure.wrong_drops(*looked_at))
        if fits and not witness.ours:
            self._remember_own(run)
        elif fits and "start" in self.levels:
            own = witness.party.backend.read_weights(run.model, witness.network)
            run.started = self._wanted(deviating_values(witness.network, own))
        if fits and (self.every or not wrong):
            failure = self._give_weights(run) or self._look_at_shapes(run)
            run.goes_on = self.every and failure is None
            wrong += [] if failure is None else [failure]
        if wrong:
            return _differing(LevelResult("shapes", "differs"), wrong)
        assert run.observed is not None
        held = witness.party.probe.held(run.model)
        facts = {
            "layers with weights": len({tensor.layer for tensor in held}),
            "tensors": len(held),
            "values": sum(int(numpy.prod(tensor.shape)) for tensor in held),
            "shapes of results": len(run.observed.places) + len(run.observed.outputs),
        }
        return LevelResult("shapes", "agrees", facts)

    def _wanted(self, found: Iterable[T]) -> list[T]:
        """All that is wrong, or the first of it."""
        return list(found if self.every else islice(found, 1))

    def _look_at_shapes(self, run: _Run) -> Failure | None:
        self._fit_statistics(run)
        run.observed = self._observe(run)
        failure = structure.check_shapes(run.witness, run.observed, self.parts)
        failure = self._missing(run) or failure
        run.observed = structure.in_evaluation(run.observed, self.network)
        return failure

    def _start(self, run: _Run) -> LevelResult:
        """Values were looked at ahead of the common weights; what drops is looked at now."""
        witness, probe = run.witness, run.witness.party.probe
        run.goes_on = self.every
        if not witness.ours or not probe.trains:
            return LevelResult("start", "not compared")
        probe.seed(self.seeds.factors)
        drops = random_drops(witness.network, run.model, probe)
        found = self._wanted(chain(run.started, drops))
        wrong = [
            structure.failure_at(one.layer, one.message, witness.network, self.parts)
            for one in found
        ]
        agreed = LevelResult("start", "agrees")
        return _differing(agreed, wrong) if wrong else agreed

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
        witness = run.witness
        if self.is_fitted or "forward" not in self.levels or not witness.ours:
            return
        if not witness.party.probe.trains:
            return
        if not any(p.role == "statistic" for _, _, p in parameters_of(self.network.layers)):
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
        found = chain(
            self.measures.results("output", observed, theirs), self._with_own_weights(run)
        )
        measures, failed = self._measured(found)
        wrong = self._blamed(run, failed) if failed else []
        agreed = LevelResult("forward", "agrees", {}, measures)
        return _differing(agreed, wrong) if wrong else agreed

    def _training(self, run: _Run) -> LevelResult:
        if not run.witness.party.probe.trains:
            return LevelResult("training", "not compared")
        run.trained = self._train(run, samples.RATE)
        failure = structure.check_training(run.witness, run.trained.observed, self.parts)
        if failure is not None:
            return _differing(LevelResult("training", "differs"), [failure])
        if self.baseline is None:
            return self._as_baseline("training", run.trained.gradients)
        theirs = self.baseline.trained
        assert theirs is not None
        measures, failed = self._measured(self.measures.steps(run.trained, theirs, self.factors))
        if failed and self.every and failed[0].quantity == "statistics":
            # What came forward and back agrees, so each of these is a mistake of its own.
            failed = [m for m in self.measures.statistics(run.trained, theirs) if not m.passed]
        wrong = [self._failure(measure) for measure in failed]
        agreed = LevelResult("training", "agrees", {}, measures)
        return _differing(agreed, wrong) if wrong else agreed

    def _measured(self, found: Iterable[Measure]) -> tuple[tuple[Measure, ...], list[Measure]]:
        """What was measured, and what of it is too far: up to the first such, unless all is asked for."""
        measures: list[Measure] = []
        failed: list[Measure] = []
        for measure in found:
            measures.append(measure)
            if not measure.passed:
                failed.append(measure)
                if not self.every:
                    break
        return tuple(measures), failed

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

    def _with_own_weights(self, run: _Run) -> Iterator[Measure]:
        """What the baseline's model gives with the weights that a reference came with."""
        if run.witness.ours:
            return
        assert self.baseline is not None
        witness = self.baseline.witness
        model = witness.build()
        witness.party.backend.write_weights(model, witness.network, run.own_weights)
        outputs = witness.party.probe.observe(model, {}, self.inputs).outputs
        yield from self.measures.outputs("own weights", outputs, run.own_outputs)

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

    def _blamed(self, run: _Run, failed: Sequence[Measure]) -> list[Failure]:
        """The failure with the layers that differ, where models let one see them: the first, or every one."""
        failures = [self._failure(measure) for measure in failed]
        if run.witness.names:  # its layers cannot be asked for by our paths
            return failures
        theirs = self._inside_of_the_baseline()
        probe, measure, failure = run.witness.party.probe, failed[0], failures[0]
        if self.every:
            fed = probe.look_inside(run.model, self.network, self.inputs, theirs)
            return list(every_difference(self.parts, fed, theirs, measure.bound)) or failures
        ours = probe.look_inside(run.model, self.network, self.inputs)
        for part in self.parts:
            # Only outputs of a reference are seen, so its mistake may lie in any part.
            if part.name == measure.part or not run.witness.ours:
                found = first_difference(part, ours, theirs, measure.bound)
                if found is not None:
                    layer, message = found
                    message = f"{failure.message}; {message}"
                    return [Failure(message, part.name, part.span, layer.path, layer.span)]
        return failures

    def _inside_of_the_baseline(self) -> Inside:
        assert self.baseline is not None
        base = self.baseline.witness
        other = _Run(base, base.build())
        self._give_weights(other)
        return base.party.probe.look_inside(other.model, self.network, self.inputs)


def _differing(level: LevelResult, wrong: Sequence[Failure]) -> LevelResult:
    """A level at which all this is wrong."""
    return replace(level, status="differs", failure=wrong[0], more=tuple(wrong[1:]))
