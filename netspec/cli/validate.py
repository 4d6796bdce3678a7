"""``netspec validate``: check spec and block files, every variant, without a framework."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspec.errors import Diagnostic
    from netspec.schema.syntax import Spec
    from netspec.source import Document

HELP = "check spec and block files, every variant; needs no framework"
DESCRIPTION = """\
Check every file: the YAML, the language, and each variant down to the shape of every
layer. A file that holds a block is checked as far as a block can be without a network
around it. Directories are searched for .yaml and .yml files, hidden ones left out; what
is found there and is no netspec file is passed over. Needs no framework.

Prints `FILE: ok (n variants)`, or what is wrong and where."""

SUFFIXES = (".yaml", ".yml")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", help="a file, a directory, or `-` for standard input"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from netspec.errors import NetspecError, UsageError

    failed, checked = False, 0
    for path, searched in list(_files(arguments.paths)):
        try:
            document = _read(path)
            if searched and not _is_ours(document.data):
                print(f"{path}: passed over, no netspec file", file=sys.stderr)
                continue
            print(f"{path}: ok ({_check(document, path)})", flush=True)
        except NetspecError as error:
            failed = True
            print(error, file=sys.stderr)
        checked += 1
    if not checked:
        raise UsageError("no spec or block file in " + ", ".join(arguments.paths))
    return 1 if failed else 0


def _files(paths: list[str]) -> Iterator[tuple[Path, bool]]:
    """Every file to check, and whether it was searched for rather than named."""
    from netspec.errors import UsageError

    for given in paths:
        path = Path(given)
        if path.is_dir():
            inside = [found for found in path.rglob("*") if found.suffix in SUFFIXES]
            for found in sorted(inside):
                hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
                if found.is_file() and not hidden:
                    yield found, True
        elif given == "-" or path.exists():
            yield path, False
        else:
            raise UsageError(f"{given}: no such file or directory")


def _read(path: Path) -> Document:
    from netspec.api import read_text
    from netspec.source import decode, parse

    if str(path) == "-":
        return parse(decode(sys.stdin.buffer.read(), "<stdin>"), "<stdin>")
    return parse(read_text(path), str(path))


def _is_ours(data: Any) -> bool:
    return isinstance(data, dict) and ("netspec" in data or "block" in data)


def _check(document: Document, path: Path) -> str:
    """What the file holds, in a word or two; raises :class:`NetspecError` for what is wrong in it."""
    from netspec.schema.bind import bind_spec

    if isinstance(document.data, dict) and "block" in document.data:
        _check_block(document, path)
        return "block"
    spec = bind_spec(document)
    folder = None if str(path) == "-" else path.parent
    variants = _variants(spec)
    _check_variants(spec, variants, folder)
    return f"{len(variants)} variant" + ("" if len(variants) == 1 else "s")


def _check_block(document: Document, path: Path) -> None:
    from netspec.elaborate.steps import check_definition
    from netspec.errors import fail
    from netspec.schema.bind import bind_block_file

    definition = bind_block_file(document)
    check_definition(definition)
    if str(path) != "-" and path.stem != definition.name:
        raise fail(
            "NS116",
            f"the file is called `{path.stem}` and holds a block called `{definition.name}`",
            document.spans.find(("block",)),
        )


def _variants(spec: Spec) -> list[str | None]:
    """What the spec can be taken at: its variants, or itself where it has none."""
    return list(spec.variants) or [None]


def _check_variants(spec: Spec, variants: list[str | None], folder: Path | None) -> None:
    """Elaborate every variant; what several share is said once."""
    from netspec.elaborate.network import elaborate
    from netspec.errors import NetspecError

    found: dict[tuple[Any, ...], tuple[Diagnostic, list[str]]] = {}
    complete = all(param.default is not None for param in spec.params.values())
    bare = [None] if spec.variants and spec.default is None and complete else []
    for variant in (*variants, *bare):
        try:
            elaborate(spec, variant, None, folder)
        except NetspecError as error:
            for diagnostic in error.diagnostics:
                key = (diagnostic.code, diagnostic.message, diagnostic.span)
                found.setdefault(key, (diagnostic, []))[1].append(variant or "")
    if found:
        count = len(variants) + len(bare)
        raise NetspecError([_told(d, names, count) for d, names in found.values()])


def _told(diagnostic: Diagnostic, variants: list[str], count: int) -> Diagnostic:
    """The diagnostic, with the variants that it concerns where that is not all of them."""
    import dataclasses

    if len(variants) == count:
        return diagnostic
    names = ", ".join(f"`{name}`" if name else "the spec without a variant" for name in variants)
    return dataclasses.replace(diagnostic, message=f"{diagnostic.message} (in {names})")
