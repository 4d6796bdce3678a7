"""``make docs``: write ``docs/api.md`` from the docstrings of the Python interface.

Griffe reads them. A test fails when the page is stale, and runs each example.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

import netspec

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "api.md"

INTRODUCTION = """\
# The Python interface

<!-- Made by `make docs` from docstrings; changes belong there. -->

What the command line does can be had from Python. `import netspec` costs nothing; PyTorch or Keras is imported
where a model is built. All that is public is in `dir(netspec)`.

```python
import netspec

network = netspec.load("resnet50")
model = network.build("torch")
print(network.summary())
```
"""

SHORT = ("netspec.api", "netspec.network", "netspec.errors")
"""Modules whose names say nothing more: what they hold is in ``netspec`` itself."""

SECTIONS = {
    "The network": ["netspec.network.CompiledNetwork"],
    "Functions": [f"netspec.api.{name}" for name in netspec.__all__ if name[0].islower()],
    "Results": [
        "netspec.ir.analysis.Summary",
        "netspec.ir.analysis.StageSummary",
        "netspec.ir.analysis.LayerSummary",
        "netspec.ir.analysis.ParameterCount",
        "netspec.check.report.results.Report",
        "netspec.check.report.results.FileResult",
        "netspec.verification.results.NetworkResult",
        "netspec.weights.checkpoints.convert.Report",
        "netspec.weights.checkpoints.load.Loaded",
        "netspec.exports.write.Report",
        "netspec.codegen.explanation.Decision",
    ],
    "Errors": [
        "netspec.errors.NetspecError",
        "netspec.errors.UsageError",
        "netspec.exports.base.ExportError",
    ],
}


def page() -> str:
    """The whole page."""
    package = griffe.load("netspec", search_paths=[str(ROOT)], docstring_parser="google")
    parts = [INTRODUCTION]
    for title, names in SECTIONS.items():
        parts.append(f"## {title}\n")
        for name in names:
            parts += _documented(package[name.removeprefix("netspec.")], name, "###")
    return "\n".join(parts)


def _documented(item: griffe.Object, name: str, level: str) -> Iterator[str]:
    """What is said of a function, a class, or a property, and of the public members of a class."""
    is_function = isinstance(item, griffe.Function)
    title = f"{item.name}()" if is_function else item.name
    yield f"{level} `{title}`\n"
    if level == "###" and item.module.path not in SHORT:
        yield f"In `{item.module.path}`.\n"
    if is_function:
        yield f"```python\n{_signature(item)}\n```\n"
    elif isinstance(item, griffe.Attribute):
        yield f"`{item.annotation}`. {_text(item)}"
        return
    yield _text(item)
    if isinstance(item, griffe.Class):
        for member in item.members.values():
            if member.is_public and not member.is_alias and member.docstring is not None:
                yield from _documented(member, f"{name}.{member.name}", level + "#")


def _signature(function: griffe.Function) -> str:
    """As people write it: on one line where it fits, else a parameter a line."""
    marks: list[str] = []
    previous = griffe.ParameterKind.positional_or_keyword
    for parameter in function.parameters:
        if parameter.name == "self":
            continue
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and previous not in (
            griffe.ParameterKind.keyword_only,
            griffe.ParameterKind.var_positional,
        ):
            marks.append("*")
        if previous is griffe.ParameterKind.positional_only and kind is not previous:
            marks.append("/")
        stars = {"var_positional": "*", "var_keyword": "**"}.get(kind.name, "")
        default = f" = {parameter.default}" if parameter.default and not stars else ""
        marks.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
        previous = kind
    head, tail = f"{function.name}(", f") -> {function.returns}"
    line = head + ", ".join(marks) + tail
    return line if len(line) <= 100 else head + "".join(f"\n    {m}," for m in marks) + f"\n{tail}"


def _text(item: griffe.Object) -> str:
    """A docstring as Markdown."""
    assert item.docstring is not None, item.path
    parts = []
    for section in item.docstring.parse("google"):
        match section.kind.value:
            case "text":
                parts.append(_plain(section.value))
            case "parameters" | "attributes" | "other parameters":
                parts.append(
                    "\n".join(f"- `{e.name}`: {_line(e.description)}" for e in section.value)
                )
            case "raises":
                raised = [
                    f"- raises `{e.annotation}`: {_line(e.description)}" for e in section.value
                ]
                parts.append("\n".join(raised))
            case "returns":
                text = " ".join(_line(entry.description) for entry in section.value)
                parts.append(f"Returns {text[0].lower()}{text[1:]}")
            case "examples":
                code = "\n".join(text for kind, text in section.value)
                parts.append(f"```pycon\n{code}\n```")
            case other:
                raise ValueError(f"{item.path}: a docstring has no `{other}` here")
    return "\n\n".join(parts) + "\n"


def _line(text: str) -> str:
    return _plain(" ".join(text.split()))


def _plain(text: str) -> str:
    """Roles of cross-references and doubled backticks as Markdown has them."""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    text = re.sub(r"(?<!`)\((?:batch, )?channels, \*size\)", r"`\g<0>`", text)
    return text.replace("``", "`")


def main() -> int:
    """Write the page, or with ``--check`` say whether it is stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 if stale")
    if parser.parse_args().check:
        if PAGE.read_text(encoding="utf-8") != page():
            print("docs/api.md is stale; `make docs` writes it anew", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
