"""Verifies one network: chooses size and precision, and examines every witness."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib.metadata import version

from netspec.backends.base import Generates, generate, get_backend
from netspec.compilation import Compilation
from netspec.errors import UsageError
from netspec.ir import Program
from netspec.ir.analysis import summarise
from netspec.ir.fingerprint import fingerprint
from netspec.ir.resize import resized
from netspec.ops.structure import RandomDrop
from netspec.system.progress import Tell, silent
from netspec.verification.arguments import check_argument, second_values
from netspec.verification.bounds import bounds_for
from netspec.verification.reference import reference_witness
from netspec.verification.results import LEVELS, Failure, NetworkResult, WitnessResult
from netspec.verification.samples import BATCH, Seeds
from netspec.verification.session import Session
from netspec.verification.sizes import choose_size, extra_sizes
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
    """

    level: str = "training"
    backends: tuple[str, ...] = ()
    size: tuple[int, ...] | None = None
    reference: str | None = None
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
    tied = [(party.backend.name, path) for party in parties if (path := party.probe.tied(network))]
    at_size = _at_size(network, options.size, tied, notes)
    dtype = _dtype(at_size, parties, notes)
    _note_drops(network, options.level, notes)
    gradients = {kind: b for party in parties for kind, b in party.probe.gradients.items()}
    bounds = bounds_for(network, dtype, gradients)
    levels = LEVELS[: LEVELS.index(options.level) + 1]
    session = Session(at_size, dtype, bounds, options.seeds, levels)
    with ExitStack() as stack:
        for party in parties:
            stack.enter_context(party.probe.precision(dtype))
        witnesses = witnesses_of(compilation, at_size, parties)
        if options.reference is not None:
            reference, found = reference_witness(options.reference, compilation, at_size, parties)
            witnesses.append(reference)
            notes += found
        results = _examined(session, witnesses, tell)
        results = _with_arguments(compilation, witnesses, results, notes)
        is_free = options.size is None and not tied and len(network.inputs) == 1
        if "forward" in levels and is_free and all(result.passed for result in results):
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
        dtype=dtype,
        level=options.level,
        seeds=asdict(options.seeds),
        bounds=tuple(bounds.values()),
        witnesses=tuple(results),
        notes=(*notes, *dict.fromkeys(session.notes)),
    )


def _examined(session: Session, witnesses: Sequence[Witness], tell: Tell) -> list[WitnessResult]:
    def of_witness(number: int, text: str) -> None:
        tell(f"{witnesses[number].name} ({number + 1} of {len(witnesses)}), {text}")

    return [
        session.examine(witness, partial(of_witness, number))
        for number, witness in enumerate(witnesses)
    ]


def _told_at(tell: Tell, size: str, text: str) -> None:
    tell(f"with an input of {size}, {text}")


def _with_arguments(
    compilation: Compilation,
    witnesses: Sequence[Witness],
    results: Sequence[WitnessResult],
    notes: list[str],
) -> list[WitnessResult]:
    """The results, where a generated function called with a second value is another network's."""
    merged = list(results)
    tried = []
    for name, value, network in second_values(compilation, notes):
        tried.append(f"{name}={value}")
        for number, witness in enumerate(witnesses):
            if witness.is_generated and merged[number].passed:
                failure = check_argument(compilation, witness.party, name, value, network)
                merged[number] = _failed_at(merged[number], "shapes", failure)
    if tried:
        notes.append(f"generated functions were called with {', '.join(tried)} too")
    return merged


def _failed_at(result: WitnessResult, level: str, failure: Failure | None) -> WitnessResult:
    if failure is None:
        return result
    levels = tuple(
        replace(found, status="differs", failure=failure) if found.level == level else found
        for found in result.levels
    )
    return replace(result, levels=levels)


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
    for size in extra_sizes(network, first.network.source.size):
        other = resized(network, size)
        session = Session(
            other, first.dtype, first.bounds, options.seeds, ("shapes", "forward"), first.weights
        )
        witnesses = witnesses_of(compilation, other, parties)
        if options.reference is not None:
            witnesses.append(reference_witness(options.reference, compilation, other, parties)[0])
        found = _examined(session, witnesses, partial(_told_at, tell, _text(size)))
        merged = [
            _with_failure(so_far, result, _text(size))
            for so_far, result in zip(merged, found, strict=True)
        ]
        done.append(_text(size))
        if not all(result.passed for result in merged):
            break
    if done:
        notes.append(f"results of a forward pass were compared at {', '.join(done)} too")
    return merged


def _with_failure(so_far: WitnessResult, other: WitnessResult, size: str) -> WitnessResult:
    """The result of a witness, whose level `forward` fails where it does at another size."""
    failed = next((level for level in other.levels if level.failure is not None), None)
    if failed is None or failed.failure is None:
        return so_far
    message = f"with an input of {size}: {failed.failure.message}"
    return _failed_at(so_far, "forward", replace(failed.failure, message=message))


def versions(options: Options) -> dict[str, str]:
    """The versions of what computed: numpy and the frameworks that take part."""
    found = {"numpy": version("numpy")}
    for party in parties_for(options.backends)[0]:
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
    tied: Sequence[tuple[str, str]],
    notes: list[str],
) -> Program:
    """The network typed for the input that it is verified with.

    Args:
        network: the network.
        asked: the input's size; None for a small one.
        tied: the backends whose source takes the spec's own size alone, and the path of what ties each.
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
            return resized(network, _size(network, notes))
        notes.append(
            f"the input is {_text(own)}, the spec's own size: source for {tied[0][0]} holds the "
            f"padding of `{tied[0][1]}` in numbers"
        )
        return network
    if any(length < 1 for length in asked):
        raise UsageError(f"an input size of {_text(asked)}: lengths are 1 or more")
    at_size = resized(network, asked)
    if tied and asked != own:
        name, path = tied[0]
        raise UsageError(
            f"source for {name} takes inputs of {_text(own)} alone, the spec's own size: it holds the "
            f"padding of `{path}` in numbers"
        )
    return at_size


def _size(network: Program, notes: list[str]) -> tuple[int, ...]:
    own = network.source.size
    chosen = choose_size(network)
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
