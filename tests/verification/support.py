"""Runs a verification of a small network, whole or of two witnesses."""

from __future__ import annotations

from typing import Any

import pytest

from netspec.verification import run
from netspec.verification.results import NetworkResult
from netspec.verification.run import Options, Origin, verify
from netspec.verification.witnesses import witnesses_of
from tests.verification.specs import spec

BASELINE = "torch live"


def examine(name: str, witness: str | None = None, level: str = "training") -> NetworkResult:
    """The verification of a small network: of all its models, or of ``witness`` and live PyTorch."""

    def some(*arguments: Any) -> Any:
        found = witnesses_of(*arguments)
        # What of a backend is alive comes first: it says where parts end.
        kept = (BASELINE, witness, f"{str(witness).partition(' ')[0]} live")
        return [one for one in found if witness is None or one.name in kept]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "witnesses_of", some)
        return verify(spec(name).compilation, Options(level), Origin(f"{name}.yaml"))
