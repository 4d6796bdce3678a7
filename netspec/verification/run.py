"""Verifies one network: chooses size and precision, and examines every witness."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version

from netspec.backends.base import Generates, check_network, get_backend
from netspec.backends.generating import generate
from netspec.compilation import Compilation
from netspec.errors import UsageError
from netspec.ir import Program
from netspec.ir.analysis import summarise
from netspec.ir.fingerprint import fingerprint
from netspec.ir.resize import resized
from netspec.ops.structure import RandomDrop
from netspec.system.progress import Tell, silent
from netspec.verification.arguments import second_values, witnesses_at
from netspec.verification.bounds import bounds_for
from netspec.verification.levels import LEVELS
from netspec.verification.reference import reference_witness
from netspec.verification.results import Failure, LevelResult, NetworkResult, WitnessResult
from netspec.verification.samples import BATCH, Seeds
from netspec.verification.session import Session
from netspec.verification.sizes import choose_size, extra_sizes
from netspec.verification.taps import unseen_taps
from netspec.verification.witnesses import Party, Witness, parties_for, witnesses_of


@dataclass(frozen=True)
class Origin:
    """How a user named a network: what finds it again."""

    spec: str
    variant: str | None = None
    assignments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What to verify, and how far.

    Attributes:
        level: the last level to run.
        backends: the backends that take part; empty for all that can.
        size: the input's spatial size; None for a small one.
        reference: ``module:callable`` of a model to hold the network against.
        every: whether to name every layer that differs, and not the first alone.
    """

    level: str = "training"
    backends: tuple[str, ...] = ()
    size: tuple[int, ...] | None = None
    reference: str | None = None
    every: bool = False
    seeds: Seeds = field(default_factory=Seeds)


def verify(
    compilation: Compilation, options: Options, origin: Origin, tell: Tell = silent
) -> NetworkResult:
    """Hold every model of a network against the others.

    Raises :class:`UsageError` when a backend or the reference is missing, or the network does not take
    the size asked for. Models that differ are no error: the result says so.
    """
    network = compilation.network
    if network.input_names and options.reference is not None:
        raise UsageError(
            f"`{network.model_name}` has inputs by name, and references take one input alone so far"
        )
    parties, notes = parties_for(options.backends, network)
    tied = [(party.backend.name, what) for party in parties if (what := party.probe.tied(network))]
    at_size = _at_size(network, options.size, parties, tied, notes)
    dtype = _dtype(at_size, parties, notes)
    _note_drops(network, options.level, notes)
    gradients = {kind: b for party in parties for kind, b in party.probe.gradients.items()}
    bounds = bounds_for(network, dtype, gradients)
    levels = LEVELS[: LEVELS.index(options.level) + 1]
    session = Session(at_size, dtype, bounds, options.seeds, levels, every=options.every)
    with ExitStack() as stack:
        for party in parties:
            stack.enter_context(party.probe.precision(dtype))
        witnesses = witnesses_of(compilation, at_size, parties)
        if options.reference is not None:
            reference, found = reference_witness(options.reference, compilation, at_size, parties)
            witnesses.append(reference)
            notes += found
        results = _examined(session, witnesses, tell)
        results = _with_arguments(compilation, options, parties, session, results, notes, tell)
        _note_who_compares(witnesses, levels, notes)
        is_free = options.size is None and not tied and len(network.inputs) == 1
        is_free = is_free and len(witnesses) > 1
        goes_on = options.every or all(result.passed for result in results)
        if "forward" in levels and is_free and goes_on:
            results = _at_extra_sizes(compilation, options, parties, session, results, notes, tell)
    return NetworkResult(
        spec=origin.spec,
        variant=origin.variant,
        assignments=origin.assignments,
        name=network.model_name,
        fingerprint=fingerprint(network),
        sources=source_hashes(
            compilation,
            [p.backend.name for p in parties if isinstance(p.backend, Generates)],
        ),
        input_shape=(BATCH, *at_size.source.shape),
        parameters=summarise(network).parameters.total,
        versions=_versions(parties),
        dtype=dtype,
        level=options.level,
        seeds=asdict(options.seeds),
        bounds=tuple(bounds.values()),
        witnesses=tuple(results),
        notes=(*notes, *dict.fromkeys(session.notes)),
        unseen=tuple(unseen_taps(at_size)),
    )


def _examined(session: Session, witnesses: Sequence[Witness], tell: Tell) -> list[WitnessResult]:
    def of_witness(number: int, text: str) -> None:
        tell(f"{witnesses[number].name} ({number + 1} of {len(witnesses)}), {text}")

    return [
        session.examine(witness, partial(of_witness, number))
        for number, witness in enumerate(witnesses)
    ]


def _told_at(tell: Tell, what: str, text: str) -> None:
    tell(f"{what}, {text}")


def _with_arguments(
    compilation: Compilation,
    options: Options,
    parties: Sequence[Party],
    first: Session,
    results: Sequence[WitnessResult],
    notes: list[str],
    tell: Tell,
) -> list[WitnessResult]:
    """The results, with a difference of a generated function that is called with a second value.

    What it gives is held against the network that the spec gives at that value, and its live models.
    """
    merged = {result.name: result for result in results}
    parties = [party for party in parties if isinstance(party.backend, Generates)]
    if not parties:
        return [*results]
    levels = [level for level in ("shapes", "forward") if level in first.levels]
    tried = []
    for name, value, network in second_values(compilation, notes):
        called = f"called with {name}={value}"
        witnesses = witnesses_at(
            compilation, parties, name, value, network, first.network.source.size
        )
        at_size = witnesses[0].at_size
        session = Session(
            at_size, first.dtype, first.bounds, first.seeds, levels, every=options.every
        )
        for result in _examined(session, witnesses, partial(_told_at, tell, called)):
            if options.every or merged[result.name].passed:
                merged[result.name] = _with_failure(merged[result.name], result, called)
        tried.append(f"{name}={value}")
    if tried:
        notes.append(f"generated functions were called with {', '.join(tried)} too")
    return [*merged.values()]


def _failed_at(result: WitnessResult, level: str, failure: Failure) -> WitnessResult:
    """The result with one more failure, behind those that there are."""
    levels = tuple(
        found if found.level != level else _with_one_more(found, failure) for found in result.levels
    )
    return replace(result, levels=levels)


def _with_one_more(level: LevelResult, failure: Failure) -> LevelResult:
    first, *more = (*level.failures, failure)
    return replace(level, status="differs", failure=first, more=tuple(more))


def _at_extra_sizes(
    compilation: Compilation,
    options: Options,
    parties: Sequence[Party],
    first: Session,
    results: Sequence[WitnessResult],
    notes: list[str],
    tell: Tell,
) -> list[WitnessResult]:
    """The results, with a difference that shows at another size of the input in its place."""
    network, merged = compilation.network, list(results)
    done = []
    backends = [party.backend for party in parties]
    for size in extra_sizes(network, first.network.source.size, backends):
        other = resized(network, size)
        session = Session(
            other,
            first.dtype,
            first.bounds,
            options.seeds,
            ("shapes", "forward"),
            first.weights,
            options.every,
        )
        witnesses = witnesses_of(compilation, other, parties)
        if options.reference is not None:
            witnesses.append(reference_witness(options.reference, compilation, other, parties)[0])
        where = f"with an input of {_text(size)}"
        found = _examined(session, witnesses, partial(_told_at, tell, where))
        merged = [
            _with_failure(so_far, result, where, "forward")
            for so_far, result in zip(merged, found, strict=True)
        ]
        done.append(_text(size))
        if not (options.every or all(result.passed for result in merged)):
            break
    if done:
        notes.append(f"results of a forward pass were compared at {', '.join(done)} too")
    return merged


def _with_failure(
    so_far: WitnessResult, other: WitnessResult, where: str, level: str | None = None
) -> WitnessResult:
    """The result of a witness, whose level fails where another examination, done ``where``, does.

    That is the level at which it fails there, or ``level``. A place that is known to differ is not told again.
    """
    known = {_place(failure) for found in so_far.levels for failure in found.failures}
    for found in other.levels:
        for failure in found.failures:
            if _place(failure) not in known:
                told = replace(failure, message=f"{where}: {failure.message}")
                so_far = _failed_at(so_far, level or found.level, told)
    return so_far


def _place(failure: Failure) -> tuple[str, str]:
    return failure.part, failure.layer


def _versions(parties: Sequence[Party]) -> dict[str, str]:
    """The versions of what computed: NumPy and the frameworks that take part."""
    found = {"numpy": version("numpy")}
    for party in parties:
        found |= party.probe.versions()
    return found


def source_hashes(compilation: Compilation, backends: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of the source that each backend generates. Needs no framework."""
    return {
        name: hashlib.sha256(
            generate(get_backend(name), compilation.network, compilation.origin).encode()
        ).hexdigest()
        for name in backends
    }


def _at_size(
    network: Program,
    asked: tuple[int, ...] | None,
    parties: Sequence[Party],
    tied: Sequence[tuple[str, str]],
    notes: list[str],
) -> Program:
    """The network typed for the input that it is verified with.

    Args:
        network: the network.
        asked: the input's size; None for a small one.
        parties: the backends that take part.
        tied: the backends whose source takes the spec's own size alone, and what it holds in numbers.
        notes: what is to be said of the choice goes here.

    Raises :class:`UsageError` for a size asked for that the network, or the source of a backend, does not
    take.
    """
    own = network.source.size
    if asked is None and len(network.inputs) > 1:
        shapes = (f"{name} {value.type}" for name, value in network.named_inputs.items())
        notes.append(f"the inputs are of the spec's own sizes: {', '.join(shapes)}")
        return network
    if asked is None:
        if not tied:
            return resized(network, _size(network, parties, notes))
        notes.append(
            f"the input is {_text(own)}, the spec's own size: source for {tied[0][0]} holds "
            f"{tied[0][1]} in numbers"
        )
        return network
    if any(length < 1 for length in asked):
        raise UsageError(f"an input size of {_text(asked)}: lengths are 1 or more")
    at_size = resized(network, asked)
    for party in parties:
        check_network(party.backend, at_size)
    if tied and asked != own:
        name, what = tied[0]
        raise UsageError(
            f"source for {name} takes inputs of {_text(own)} alone, the spec's own size: it holds "
            f"{what} in numbers"
        )
    return at_size


def _size(network: Program, parties: Sequence[Party], notes: list[str]) -> tuple[int, ...]:
    own = network.source.size
    chosen = choose_size(network, [party.backend for party in parties])
    if chosen == own and len(set(own)) < len(own):
        notes.append(
            f"the input is {_text(own)}, the spec's own size, since the weights fit no small one; "
            "axes of one length cannot be told apart"
        )
    return chosen


def _text(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))


def _dtype(network: Program, parties: Sequence[Party], notes: list[str]) -> str:
    """float64, unless a framework cannot compute a layer in it."""
    limits = [
        (party.backend.name, limit) for party in parties for limit in party.probe.limits(network)
    ]
    if not limits:
        return "float64"
    name, limit = limits[0]
    more = f" and {len(limits) - 1} more" if len(limits) > 1 else ""
    notes.append(f"compared in float32: {name} cannot do `{limit.path}`{more}: {limit.reason}")
    return "float32"


def _note_who_compares(
    witnesses: Sequence[Witness], levels: Sequence[str], notes: list[str]
) -> None:
    if len(witnesses) == 1:
        notes.append(f"{witnesses[0].name} alone takes part, so that no numbers are compared")
        return
    for witness in witnesses:
        if not witness.party.probe.trains and "start" in levels:
            notes.append(
                f"the {witness.name} neither starts nor trains: it was compared up to `forward` alone"
            )


def _note_drops(network: Program, level: str, notes: list[str]) -> None:
    rates = {
        layer.op.rate
        for layer in network.layers
        if isinstance(layer.op, RandomDrop) and layer.op.rate
    }
    if rates and level == "training":
        notes.append(
            "trained with all drop rates at zero, since two frameworks draw other random numbers; "
            "the rates themselves are compared as part of `shapes`"
        )
