"""The certificate: what was verified, with what, and what was measured, as JSON; and whether it holds.

It names no date, no path of this machine beyond what the user typed, and nothing secret.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec import __version__
from netspec.compilation import Compilation
from netspec.errors import Span, UsageError
from netspec.ir.fingerprint import fingerprint
from netspec.system.files import write_atomically
from netspec.system.room import reason
from netspec.verification.results import Failure, LevelResult, Measure, NetworkResult, WitnessResult
from netspec.verification.run import Origin, source_hashes
from netspec.verification.taps import Unseen
from netspec.verification.text import outcome, unseen_text

FORMAT = 2
"""The version of the certificate's own layout."""

MAX_BYTES = 50_000_000
"""A certificate larger than this is none of ours."""


REPORTS = (".json", ".html")
"""How files of certificates end."""


def save(path: Path, results: Sequence[NetworkResult]) -> None:
    """Write the certificate of several networks; a file that is there is replaced, once the new one is whole.

    Raises :class:`UsageError` for a suffix that is none of :data:`REPORTS`.
    """
    check_name(path)
    from netspec.verification import page

    is_page = path.suffix == ".html"
    write_atomically(path, page.render(to_json(results)) if is_page else json_text(results))


def check_name(path: Path) -> None:
    """Raise :class:`UsageError` for a file that is none of :data:`REPORTS` by its suffix."""
    if path.suffix not in REPORTS:
        raise UsageError(f"{path}: a certificate is {' or '.join(REPORTS)}")


def json_text(results: Sequence[NetworkResult]) -> str:
    """The certificate of several networks as JSON."""
    return json.dumps(to_json(results), indent=2, allow_nan=False) + "\n"


def to_json(results: Sequence[NetworkResult]) -> dict[str, Any]:
    """The certificate of several networks as one object that JSON can hold.

    Differences are numbers, or null where a value was not finite.
    """
    versions = {name: found for result in results for name, found in result.versions.items()}
    return {
        "netspec_certificate": FORMAT,
        "passed": all(result.passed for result in results),
        "versions": {"netspec": __version__, **versions},
        "first_difference": _first_difference(results),
        "networks": [_network(result) for result in results],
    }


def _first_difference(results: Sequence[NetworkResult]) -> dict[str, Any] | None:
    """Where a reader looks first: the first failure of the first network that has one."""
    for result in results:
        for witness, level, failure in result.failures():
            failed = next((m for m in level.measures if not m.passed), None)
            return {
                "network": result.name,
                "witness": witness.name,
                "level": level.level,
                "measure": None if failed is None else _measure(failed),
                **_failure(failure),
            }
    return None


def _network(result: NetworkResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "passed": result.passed,
        "outcome": outcome(result),
        "spec": result.spec,
        "variant": result.variant,
        "set": list(result.assignments),
        "fingerprint": result.fingerprint,
        "sources": dict(result.sources),
        "parameters": result.parameters,
        "input_shape": list(result.input_shape),
        "dtype": result.dtype,
        "level": result.level,
        "seeds": dict(result.seeds),
        "bounds": [
            {"quantity": bound.quantity, "relative": bound.value, "reason": bound.reason}
            for bound in result.bounds
        ],
        "notes": list(result.notes),
        "unseen": [_unseen(one) for one in result.unseen],
        "witnesses": [_witness(witness) for witness in result.witnesses],
    }


def _unseen(unseen: Unseen) -> dict[str, Any]:
    return {
        "layer": unseen.path,
        "place": _place(unseen.span),
        "kernel": list(unseen.kernel),
        "map": list(unseen.map),
        "taps": unseen.count,
        "along_axes": [list(taps) for taps in unseen.axes],
        "message": unseen_text(unseen),
    }


def _witness(witness: WitnessResult) -> dict[str, Any]:
    return {
        "name": witness.name,
        "passed": witness.passed,
        "levels": [_level(level) for level in witness.levels],
    }


def _level(level: LevelResult) -> dict[str, Any]:
    return {
        "level": level.level,
        "status": level.status,
        "seconds": round(level.seconds, 2),
        "equal": dict(level.facts),
        "measures": [_measure(measure) for measure in level.measures],
        "failure": None if level.failure is None else _failure(level.failure),
        "failures": [_failure(failure) for failure in level.failures],
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "quantity": measure.quantity,
        "part": measure.part,
        "tensor": measure.tensor,
        "absolute": _finite(measure.absolute),
        "relative": _finite(measure.relative),
        "bound": measure.bound,
        "passed": measure.passed,
    }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "message": failure.message,
        "part": failure.part,
        "place": _place(failure.span),
        "layer": failure.layer,
        "layer_place": _place(failure.layer_span),
    }


def _place(span: Span | None) -> str | None:
    return None if span is None else str(span)


# Whether it still holds


@dataclass(frozen=True)
class Claim:
    """What a certificate says of one network, as far as checking it needs.

    Attributes:
        name: the network's.
        origin: how to find its spec.
        fingerprint: the fingerprint that it was verified at.
        sources: the hashes of generated source, by backend.
        level: how far it was verified.
        passed: what was found.
        unseen: how many layers have taps that saw only padding.
        models: how many were held against each other.
    """

    name: str
    origin: Origin
    fingerprint: str
    sources: Mapping[str, str]
    level: str
    passed: bool
    unseen: int = 0
    models: int = 2

    @property
    def extent(self) -> str:
        """How far it goes, in words."""
        found = f"level {self.level}"
        if self.models == 1:
            found += ", of one model alone"
        if self.unseen:
            found += f", but for taps of {self.unseen} layer{'s' if self.unseen > 1 else ''}"
        return found


@dataclass(frozen=True)
class Standing:
    """Whether a claim holds now; ``reasons`` say why not."""

    claim: Claim
    reasons: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def read_certificate(path: Path) -> tuple[list[Claim], dict[str, str]]:
    """The claims of a certificate, and the versions that it was made with.

    Raises :class:`UsageError` when the file cannot be read or is no certificate.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path}: too large for a certificate")
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["netspec_certificate"] != FORMAT:
            found = data["netspec_certificate"]
            raise UsageError(
                f"{path}: a certificate of layout {found!r}; this netspec reads {FORMAT}"
            )
        claims = [_claim(entry) for entry in data["networks"]]
        versions = {str(name): str(version) for name, version in data["versions"].items()}
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path}: no certificate of `netspec verify`") from error
    if not claims:
        raise UsageError(f"{path}: a certificate of no network")
    return claims, versions


def _claim(entry: Mapping[str, Any]) -> Claim:
    variant = entry["variant"]
    origin = Origin(
        str(entry["spec"]),
        None if variant is None else str(variant),
        tuple(str(text) for text in entry["set"]),
    )
    return Claim(
        str(entry["name"]),
        origin,
        str(entry["fingerprint"]),
        {str(name): str(digest) for name, digest in entry["sources"].items()},
        str(entry["level"]),
        entry["passed"] is True,
        len(entry.get("unseen", ())),
        len(entry["witnesses"]),
    )


def standing(claim: Claim, compilation: Compilation) -> Standing:
    """Whether ``claim`` holds for ``compilation``, the network of its spec as it is now."""
    reasons = []
    if not claim.passed:
        reasons.append("the certificate itself says that models differ")
    if fingerprint(compilation.network) != claim.fingerprint:
        reasons.append("the spec means another network now")
    else:
        now = source_hashes(compilation, list(claim.sources))
        changed = [name for name in now if now[name] != claim.sources[name]]
        if changed:
            listed = " and ".join(changed)
            reasons.append(f"the source that is generated for {listed} is another now")
    return Standing(claim, tuple(reasons))
