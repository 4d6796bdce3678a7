"""``make docs``: write ``docs/diagnostics.md`` from the registry of codes and from ten mistakes.

The registry is what `netspec explain` prints. The mistakes are made in the ResNet spec that comes with
netspec, one at a time, and what the page shows is what `netspec validate` says of each. A test fails
when the page is stale.
"""

from __future__ import annotations

import argparse
import difflib
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from netspec.check.codes import GROUPS, Code, registry
from netspec.check.report import Report, text
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "diagnostics.md"
WIDTH = 104
SPEC = ROOT / "specs" / "resnet.yaml"

INTRODUCTION = """\
# Diagnostics

<!-- Made by `make docs` from netspec/check/codes/ and scripts/diagnostics_page.py; changes belong there. -->

`netspec validate` tells every problem of a file in one run, for all its variants. A problem has a code
that does not change, its place, the line with carets under the exact key or value, and a `help:` where
one is known. A problem inside a block is shown in the block's own file, with the calls that led there;
one that several variants share is told once, with their names.

```text
netspec validate specs/                  directories are walked; --exclude PATTERN leaves out
netspec validate --format sarif specs/   also text, json, github, junit, gitlab
netspec validate - --stdin-filename specs/resnet.yaml < resnet.yaml
netspec explain NS101                    what follows below, for one code
```

Codes that begin with NS3 are lints: what they find is legal and most likely not meant. They are
warnings. `--strict` makes them errors, `--disable NS303` turns one off, `--enable NS307` one on that is
off, and a comment silences one on its line:

```yaml
  conv: {bias: true}    # netspec: ignore[NS301] as in the published weights
```

The exit status is 0 where there is no error, 1 where there is one, 2 where the command itself is wrong.
In GitHub Actions the format is `github` unless another is asked for, and the step's summary is written.
"""

MISTAKES = """\
## Ten mistakes

What ten ordinary mistakes in `resnet.yaml`, the ResNet family that comes with netspec, look like. Each
was made alone.
"""


@dataclass(frozen=True)
class Mistake:
    """A change of the spec that a person could make, and how one would tell of it."""

    title: str
    old: str
    new: str


TEN = (
    Mistake("A misspelt key", "kernel: 7", "kernal: 7"),
    Mistake(
        "A line one level too far out", "  - norm\n  - act\n  - max", "- norm\n  - act\n  - max"
    ),
    Mistake("An op under PyTorch's name", "- max_pool:", "- maxpool:"),
    Mistake(
        "A parameter under another name in a variant",
        "{groups: 32, base_width: 4}",
        "{groups: 32, width_base: 4}",
    ),
    Mistake("A block that there is not", "resnet34: {block: basic}", "resnet34: {block: basik}"),
    Mistake("One number where a list is due", "size: [224, 224]", "size: 224"),
    Mistake("A name that was never declared", "repeat: depths[stage]", "repeat: depth[stage]"),
    Mistake("A fraction of a channel", "width: width * 2 ** stage", "width: width * 1.5 ** stage"),
    Mistake(
        "Groups that do not go into the channels",
        "kernel: 7, stride: 2}",
        "kernel: 7, stride: 2, groups: 2}",
    ),
    Mistake("A layer left out", "  - global_avg_pool\n", ""),
)


def shown(mistake: Mistake) -> str:
    """What `netspec validate resnet.yaml` prints once the mistake is made."""
    original = SPEC.read_text(encoding="utf-8")
    if original.count(mistake.old) != 1:
        raise ValueError(
            f"`{mistake.old}` stands {original.count(mistake.old)} times in {SPEC.name}"
        )
    raw = original.replace(mistake.old, mistake.new).encode()
    result = check_content(raw, SPEC.name, None, Options())
    assert result is not None
    return text.render(Report((result,)))


def difference(mistake: Mistake) -> str:
    """The mistake as a patch, without its header."""
    before = SPEC.read_text(encoding="utf-8")
    after = before.replace(mistake.old, mistake.new)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@"))) + "\n"


def mistakes() -> Iterator[str]:
    """The section of the ten mistakes."""
    yield MISTAKES
    for number, mistake in enumerate(TEN, start=1):
        yield f"### {number}. {mistake.title}\n"
        yield f"```diff\n{difference(mistake)}```\n"
        yield f"```text\n{shown(mistake)}```\n"


def entry(code: Code) -> Iterator[str]:
    """The section of one code."""
    kind = code.severity if code.enabled else f"{code.severity}, off unless `--enable {code.code}`"
    yield f"### {code.code}: {code.title}\n"
    yield f"*{kind}*\n"
    yield f"{_wrapped(code.cause)}\n"
    if code.bad:
        yield f"```yaml\n{code.bad}```\n"
    yield f"{_wrapped(code.cure)}\n"
    if code.good:
        yield f"```yaml\n{code.good}```\n"


def _wrapped(words: str) -> str:
    return textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, *mistakes()]
    for group, title in GROUPS.items():
        parts.append(f"## {title}\n")
        for code in registry().values():
            if code.group == group:
                parts += entry(code)
    return "\n".join(parts)


def main() -> int:
    """Write the page, or with ``--check`` say whether it is as it would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is stale")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    arguments = parser.parse_args()
    new = page()
    if not arguments.check:
        arguments.page.write_text(new, encoding="utf-8")
    elif not arguments.page.is_file() or arguments.page.read_text(encoding="utf-8") != new:
        print(f"{arguments.page} is stale; `make docs` writes it anew", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
