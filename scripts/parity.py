"""``make verify-zoo``: verifies every network of the zoo, and writes what was measured to docs/parity.md.

Each network has a process of its own, smaller ones first, and leaves its certificate in
``build/parity/``. A certificate that still holds, from the same versions, is not made again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.lang import library
from netspec.verification.bounds import QUANTITIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "parity.md"
WORK = ROOT / "build" / "parity"

sys.path.insert(0, str(ROOT))

from tests.verification.mutations import MUTATIONS, Mutation  # noqa: E402
from tests.verification.support import examine  # noqa: E402

HEAD = """\
# Parity: what was measured

Written by `make verify-zoo`; [verify.md](verify.md) says what the words mean. Every network listed
was verified at level `training`: live and generated models of both frameworks, at full depth and width,
with the same random weights and input. The columns hold the largest relative difference that any of the
models shows to the live PyTorch model: in results at the end of a part in evaluation mode, the same in
training mode, gradients of parameters and inputs, running statistics, and parameters after one step of
gradient descent.
"""


def main(names: list[str]) -> int:
    """Verify the networks called ``names``, or all, and write the page; 0 when all agree."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    WORK.mkdir(parents=True, exist_ok=True)
    failed = [name for name in names or zoo() if not verified(name)]
    if names:
        return 1 if failed else 0
    missing = [name for name in zoo() if not certificate_of(name).exists()]
    if missing:
        print(f"could not be verified: {', '.join(missing)}", file=sys.stderr)
        return 1
    found = [json.loads(certificate_of(name).read_text()) for name in zoo()]
    found_mutations = [(mutation, where_found(mutation)) for mutation in MUTATIONS]
    PAGE.write_text(page(found, found_mutations), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    missed = [m.name for m, (level, _) in found_mutations if level != m.level]
    for name in (*failed, *missed):
        print(f"not as it should be: {name}", file=sys.stderr)
    return 1 if failed or missed else 0


# Networks


def zoo() -> list[str]:
    """Every network of the zoo by name, those with less to do first."""
    variants = library.zoo_variants()
    with_variants = {file for file, variant in variants.values() if variant is not None}
    names = [
        name for name, (file, v) in variants.items() if v is not None or file not in with_variants
    ]
    return sorted(names, key=work)


def work(name: str) -> int:
    """About how long a network takes: layers are made and run one by one, values are moved."""
    summary = netspec.load(name).summary()
    return summary.layers * 100_000 + summary.parameters.total


def certificate_of(name: str) -> Path:
    """Where the certificate of a network is kept."""
    return WORK / f"{name}.json"


def verified(name: str) -> bool:
    """Whether the models of a network agree, by its certificate, which is made where it is missing."""
    path = certificate_of(name)
    if not is_current(path):
        command = [sys.executable, "-m", "netspec", "verify", name, "--report", str(path)]
        print(f"verifying {name}", flush=True)
        if subprocess.run(command, cwd=ROOT).returncode not in (0, 1):
            return False  # it said why; or it ran out of memory
    return bool(json.loads(path.read_text())["passed"])


def is_current(path: Path) -> bool:
    """Whether a certificate holds and was made with what is installed."""
    if not path.exists():
        return False
    versions = json.loads(path.read_text())["versions"]
    if any(version(name) != made_with for name, made_with in versions.items()):
        return False
    command = [sys.executable, "-m", "netspec", "verify", "--certificate", str(path)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0


# Mutations


def where_found(mutation: Mutation) -> tuple[str, str]:
    """The level and the part at which a mutation is found; empty where it is not."""
    with pytest.MonkeyPatch.context() as patch:
        mutation.apply(patch)
        failures = list(examine(mutation.spec, mutation.witness).failures())
    if not failures:
        return "", ""
    _, level, failure = failures[0]
    return level.level, failure.part


# The page


def page(certificates: list[Any], mutations: list[tuple[Mutation, tuple[str, str]]]) -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## Networks",
            "",
            made_with(certificates),
            "",
            *network_table(certificates),
            "",
            "## Bounds",
            "",
            "What is allowed, beside the largest difference over all networks above that are compared in",
            "float64.",
            "",
            *bound_table(certificates),
            "",
            "## What verify finds",
            "",
            *wrapped_intro(mutations),
            "",
            *mutation_table(mutations),
            "",
        ]
    )


def made_with(certificates: list[Any]) -> str:
    """The versions, and how to read times."""
    versions = ", ".join(f"{k} {v}" for k, v in certificates[0]["versions"].items())
    text = (
        f"Made with {versions}, on two shared cores: seconds, over all four models, compare networks "
        "and promise nothing. Parameters are those that are trained."
    )
    return textwrap.fill(text, 104, break_on_hyphens=False)


COLUMNS = {
    "forward": ("output",),
    "training": ("training output",),
    "gradients": ("weight gradient", "input gradient"),
    "statistics": ("statistics",),
    "step": ("stepped weights",),
}
"""The columns of numbers, each with the quantities whose largest difference it holds."""


def network_table(certificates: list[Any]) -> list[str]:
    """A row for each network."""
    names = ["network", "parameters", "input", *COLUMNS, "seconds"]
    lines = [row(names), row(["---", *["---:"] * (len(names) - 1)])]
    for certificate in certificates:
        (network,) = certificate["networks"]
        shape = "×".join(map(str, network["input_shape"]))
        if network["dtype"] != "float64":
            shape += f" ({network['dtype']})"
        measured = [largest(network, quantities) for quantities in COLUMNS.values()]
        seconds = sum(level["seconds"] for w in network["witnesses"] for level in w["levels"])
        name = network["name"] if network["passed"] else f"**{network['name']} differs**"
        trained = netspec.load(network["name"]).summary().parameters.trainable
        lines.append(row([name, f"{trained:,}", shape, *map(told, measured), f"{seconds:.0f}"]))
    return lines


def largest(network: Any, quantities: tuple[str, ...]) -> float | None:
    """The largest relative difference of some quantities; None where nothing has them."""
    found = [
        float("inf") if measure["relative"] is None else measure["relative"]
        for witness in network["witnesses"]
        for level in witness["levels"]
        for measure in level["measures"]
        if measure["quantity"] in quantities
    ]
    return max(found, default=None)


def bound_table(certificates: list[Any]) -> list[str]:
    """A row for each quantity that is compared."""
    networks = [n for c in certificates for n in c["networks"] if n["dtype"] == "float64"]
    lines = [row(["quantity", "allowed", "largest", "in"]), row(["---", "---:", "---:", "---"])]
    for quantity, meaning in QUANTITIES.items():
        found = [(largest(n, (quantity,)), n["name"]) for n in networks]
        measured = [(value, name) for value, name in found if value is not None]
        if measured:
            value, name = max(measured)
            bound = next(b for b in networks[0]["bounds"] if b["quantity"] == quantity)
            lines.append(row([meaning, f"{bound['relative']:.0e}", told(value), name]))
    return lines


def wrapped_intro(mutations: list[tuple[Mutation, tuple[str, str]]]) -> list[str]:
    """How many mistakes there are, and how many each level found."""
    levels = [level for _, (level, _) in mutations]
    counts = ", ".join(
        f"`{n}` {levels.count(n)}" for n in ("shapes", "start", "forward", "training")
    )
    made = sum(bool(mutation.level) for mutation, _ in mutations)
    return [
        f"{made} deliberate mistakes, each made in one backend alone, on small networks",
        "(`tests/verification/mutations.py`). Each is found at the level and in the part of the network where",
        f"it is: {counts}.",
    ]


def mutation_table(mutations: list[tuple[Mutation, tuple[str, str]]]) -> list[str]:
    """A row for each mutation."""
    lines = [row(["mistake", "in the model", "found at", "in"]), row(["---"] * 4)]
    for mutation, (level, part) in mutations:
        lines.append(row([mutation.name, mutation.witness, level or "not looked at", part]))
    return lines


def told(number: float | None) -> str:
    """A difference as people read it."""
    if number is None:
        return ""
    return "0" if number == 0 else f"{number:.1e}"


def row(cells: list[str]) -> str:
    """A row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
