"""``make coverage``: computes every recorded golden, and writes to docs/coverage.md what the zoo covers.

The networks run one at a time, smaller ones first. What was measured is left in ``build/coverage/``, by fingerprint:
a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "coverage.md"
WORK = ROOT / "build" / "coverage"

sys.path.insert(0, str(ROOT))

from netspec.ir.fingerprint import fingerprint as fingerprint_of  # noqa: E402
from netspec.lang import library  # noqa: E402
from tests.contract.reference import figures  # noqa: E402
from tests.zoo.held import HELD, Held  # noqa: E402

HEAD = """\
# Coverage: which published networks netspec has

Written by `make coverage`. Each row is a published implementation that was run once (`tests/reference`; its source is
in `figures.json`), and the network of the zoo that equals it: in trained parameters, statistics and MACs, in the names
and shapes of its weights, and in its output for weights that are a function of their names. The error is the largest
relative difference of that output: in float64 for PyTorch's, in float32 for Keras' references. *Names* says whose
names the weights have: the network's own, or those of an entry of `checkpoints:`.

"""


def error_of(held: Held) -> float:
    """The error of a network's output, computed anew unless it was for this very network."""
    kept = WORK / f"{held.reference}.json"
    fingerprint = fingerprint_of(held.compiled.network)
    if kept.exists():
        found = json.loads(kept.read_text())
        if found["fingerprint"] == fingerprint:
            return float(found["error"])
    error = held.error()
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"fingerprint": fingerprint, "error": error}))
    return error


def row(held: Held) -> str:
    """A network's row of the table."""
    file = library.zoo_variants()[held.network][0]
    found = held.figures
    asked = f" `--outputs {','.join(held.outputs)} --headless`" if held.outputs else ""
    sets = "".join(f" `--set {name}={json.dumps(v)}`" for name, v in held.overrides.items())
    error = error_of(held)
    print(f"{held.reference}: {error:.1e}", flush=True)
    told = f"{error:.1e}" + (" (blind)" if held.is_blind else "")
    names = "own" if held.names == "torch" else f"`{held.names}`"
    return (
        f"| {held.reference} | [{file}](../specs/{file}.yaml): `{held.network}`{sets}{asked} "
        f"| {found['parameters']['trainable']:,} | {found['macs']:,} | {names} | {told} |"
    )


def main() -> None:
    """Write the page."""
    lines = []
    rows = {str(held): row(held) for held in sorted(HELD, key=lambda held: held.figures["macs"])}
    for tier in ("must", "should", "stretch", "more"):
        own = [held for held in HELD if held.figures["tier"] == tier]
        count = sum(found["tier"] == tier for found in figures().values())
        if not own:
            continue
        lines += [f"## Tier `{tier}`: {len(own)} of {count}", ""]
        lines += ["| reference | network | parameters | MACs | names | error |"]
        lines += [
            "| --- | --- | ---: | ---: | --- | ---: |",
            *(rows[str(held)] for held in own),
            "",
        ]
    blind = [held.reference for held in HELD if held.is_blind]
    lines += [f"Blind goldens tell hardly one input from another: {', '.join(blind)}."]
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
