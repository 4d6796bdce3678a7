"""What a verification found, as plain data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from netspec.errors import Span
from netspec.system.tables import as_text
from netspec.verification.bounds import Bound
from netspec.verification.taps import Unseen

Status = Literal["agrees", "differs", "baseline", "not run", "not compared"]


@dataclass(frozen=True)
class Measure:
    """The largest difference that one quantity shows in one part of a network.

    Attributes:
        quantity: one of :data:`netspec.verification.bounds.QUANTITIES`.
        part: the part's name.
        tensor: which tensor of several it is; empty where there is one.
        absolute: the largest difference.
        relative: that, over the largest value of the tensor.
        bound: what ``relative`` may be.
    """

    quantity: str
    part: str
    tensor: str
    absolute: float
    relative: float
    bound: float

    @property
    def passed(self) -> bool:
        """Whether the difference is within its bound; one that is no number is not."""
        return self.relative <= self.bound


@dataclass(frozen=True)
class Failure:
    """Why a level failed, and where.

    Attributes:
        message: what differs, in one sentence.
        part: the part of the network; empty where it is the whole.
        span: the part's place in the spec.
        layer: the path of the layer concerned, where that is known.
        layer_span: the layer's place, which may be in the file of a block.
    """

    message: str
    part: str = ""
    span: Span | None = None
    layer: str = ""
    layer_span: Span | None = None


@dataclass(frozen=True)
class LevelResult:
    """What one level found of one witness.

    ``facts`` are counts of what was equal, for people; ``more`` are further failures, where all are asked for.
    """

    level: str
    status: Status
    facts: Mapping[str, int] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    failure: Failure | None = None
    seconds: float = 0.0
    more: tuple[Failure, ...] = ()

    @property
    def failures(self) -> tuple[Failure, ...]:
        """All that failed."""
        return () if self.failure is None else (self.failure, *self.more)


@dataclass(frozen=True)
class WitnessResult:
    """What was found of one witness: a model, made in one way."""

    name: str
    levels: tuple[LevelResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no level failed."""
        return all(level.failure is None for level in self.levels)

    def worst(self, level: str) -> Measure | None:
        """The measure of a level that is largest beside its bound."""
        measures = [m for found in self.levels if found.level == level for m in found.measures]
        return max(measures, key=lambda measure: measure.relative / measure.bound, default=None)


@dataclass(frozen=True)
class NetworkResult:
    """What was found of one network.

    Attributes:
        spec: how the user named the spec.
        variant: the variant asked for; None for the spec's own choice.
        assignments: values of parameters as ``name=value``.
        name: what the network is called.
        fingerprint: its fingerprint.
        sources: the SHA-256 of the generated source, by backend.
        input_shape: (batch, channels, *size).
        dtype: what everything was computed in.
        level: the last level that was asked for.
        seeds: of weights, inputs and factors.
        bounds: of every quantity.
        witnesses: in the order of examination; the first that could be run is the baseline.
        notes: what a reader must know: why float32, what could not be seen, what was set to zero.
        unseen: taps of kernels that saw only padding: what was found says nothing of them.
        versions: of what computed, NumPy and the frameworks, by name.
    """

    spec: str
    variant: str | None
    assignments: tuple[str, ...]
    name: str
    fingerprint: str
    sources: Mapping[str, str]
    input_shape: tuple[int, ...]
    parameters: int
    dtype: str
    level: str
    seeds: Mapping[str, int]
    bounds: tuple[Bound, ...]
    witnesses: tuple[WitnessResult, ...]
    notes: tuple[str, ...]
    unseen: tuple[Unseen, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a certificate, as ``.json`` or ``.html``; a file that is there is replaced.

        Raises :class:`UsageError` for another suffix, or where ``path`` cannot be written.
        """
        from netspec.verification.certificate import save

        save(Path(path), [self])

    def __str__(self) -> str:
        """What ``netspec verify`` prints."""
        from netspec.verification.table import print_results

        return as_text(lambda console: print_results(console, [self]))

    @property
    def passed(self) -> bool:
        """Whether no witness failed."""
        return all(witness.passed for witness in self.witnesses)

    @property
    def seconds(self) -> float:
        """How long all levels of all witnesses took."""
        return sum(level.seconds for witness in self.witnesses for level in witness.levels)

    def failures(self) -> Iterator[tuple[WitnessResult, LevelResult, Failure]]:
        """Every failure with where it was found."""
        for witness in self.witnesses:
            for level in witness.levels:
                for failure in level.failures:
                    yield witness, level, failure

    def worst(self, level: str) -> Measure | None:
        """The measure of a level, over all witnesses, that is largest beside its bound."""
        found = [m for witness in self.witnesses if (m := witness.worst(level)) is not None]
        return max(found, key=lambda measure: measure.relative / measure.bound, default=None)
