"""``make docs``: write the reference parts of ``docs/language.md`` from the code that defines them.

The page is written by hand but for the places between ``<!-- generated: NAME -->`` and ``<!-- end -->``.
Each holds a table of what the models, the declarations of the ops, the expression language and the
block files say; a test fails when one of them is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from reference.catalogue import blocks, op_index, ops
from reference.keys import combinator_keys, keys, parameter_types, reserved
from reference.values import distributions, functions, initialisers, limits, padding

from netspec.lang.schema import models, parameters

PAGE = Path(__file__).resolve().parents[1] / "docs" / "language.md"

_PLACE = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

SECTIONS: Mapping[str, Callable[[], str]] = {
    "spec-keys": lambda: keys(models.SpecModel),
    "input-keys": lambda: keys(models.InputModel),
    "parameter-keys": lambda: keys(parameters.ParamModel),
    "parameter-types": parameter_types,
    "functions": functions,
    "step-keys": lambda: keys(models.StepBase),
    "combinators": combinator_keys,
    "block-keys": lambda: keys(models.BlockBody),
    "block-file-keys": lambda: keys(models.BlockFile, ("netspec", "block")),
    "stage-keys": lambda: keys(models.Stage),
    "output-keys": lambda: keys(models.OutputModel),
    "checkpoint-keys": lambda: keys(models.CheckpointModel),
    "tensor-keys": lambda: keys(models.TensorModel),
    "reserved": reserved,
    "padding": padding,
    "initialisers": initialisers,
    "distributions": distributions,
    "op-index": op_index,
    "ops": ops,
    "blocks": blocks,
    "limits": limits,
}


def fill(page: str) -> str:
    """The page with every generated place written anew; raises ValueError for an unknown one."""
    used: list[str] = []

    def written(match: re.Match[str]) -> str:
        name = match[2]
        if name not in SECTIONS:
            raise ValueError(f"nothing generates `{name}`; there are {', '.join(SECTIONS)}")
        used.append(name)
        return f"{match[1]}\n{SECTIONS[name]()}\n{match[3]}"

    filled = _PLACE.sub(written, page)
    if sorted(used) != sorted(SECTIONS):
        missing = sorted(set(SECTIONS) - set(used))
        raise ValueError(f"the page has no place for {', '.join(missing)}, or two for another")
    return filled


def main() -> int:
    """Write the page, or with ``--check`` say whether it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page; docs/language.md")
    arguments = parser.parse_args()
    page = arguments.page.read_text(encoding="utf-8")
    filled = fill(page)
    if arguments.check and filled != page:
        print(f"{arguments.page} is stale; `make docs` writes it anew", file=sys.stderr)
        return 1
    arguments.page.write_text(filled, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
