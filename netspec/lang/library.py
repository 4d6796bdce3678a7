"""Finds blocks and zoo specs: the built-in ones in the package, a user's own beside the spec."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from netspec.errors import Span, UsageError, fail
from netspec.lang.schema.bind import bind_block_file
from netspec.lang.schema.models import IDENTIFIER
from netspec.lang.schema.syntax import BlockDefinition
from netspec.lang.source import MAX_BYTES, decode, parse
from netspec.system.channels import readable
from netspec.system.packaged import packaged
from netspec.system.room import reason

BUILT_IN = "<netspec>"
"""What diagnostics call the folder of the specs in the package."""


@cache
def built_in_blocks() -> frozenset[str]:
    """The names of the blocks in the package."""
    folder = packaged("netspec.specs") / "blocks"
    return frozenset(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


@cache
def built_in_block(name: str) -> BlockDefinition:
    """A built-in block by name."""
    resource = packaged("netspec.specs") / "blocks" / f"{name}.yaml"
    return _load(resource.read_bytes(), f"{BUILT_IN}/blocks/{name}.yaml", name)


def block_text(name: str) -> str:
    """The text of a built-in block."""
    resource = packaged("netspec.specs") / "blocks" / f"{name}.yaml"
    return decode(resource.read_bytes(), f"{BUILT_IN}/blocks/{name}.yaml")


def user_block(folder: Path, name: str, span: Span | None = None) -> BlockDefinition | None:
    """The block in ``name.yaml`` beside a spec, or in ``blocks/`` there; None where there is none.

    Only an identifier names a file, and a link is followed only to a file that lies in the folder too,
    so nothing outside is reached. Raises :class:`NetspecError`, at ``span`` where the block is named,
    for a file that lies outside or cannot be read, and for what is wrong in the file.
    """
    found = _user_file(folder, name, span)
    return None if found is None else _load(found[1], readable(str(found[0])), name)


def hides_built_in_block(folder: Path, name: str, span: Span | None = None) -> Path | None:
    """The block file beside a spec that is called as a built-in block and says something else."""
    found = _user_file(folder, name, span)
    if found is None:
        return None
    built_in = packaged("netspec.specs") / "blocks" / f"{name}.yaml"
    return found[0] if found[1] != built_in.read_bytes() else None


def _user_file(folder: Path, name: str, span: Span | None) -> tuple[Path, bytes] | None:
    if not re.fullmatch(IDENTIFIER, name):
        return None
    for path in (folder / f"{name}.yaml", folder / "blocks" / f"{name}.yaml"):
        if not os.path.isfile(path):
            continue
        if not os.path.realpath(path).startswith(os.path.join(os.path.realpath(folder), "")):
            raise fail("NS218", f"{path}: a link that leads out of the spec's folder", span)
        try:
            with open(path, "rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise fail("NS109", f"{path}: {reason(error)}", span) from error
        if b"block" in raw and _holds_block(raw, readable(str(path))):
            return path, raw
    return None


def _holds_block(raw: bytes, file: str) -> bool:
    data = parse(decode(raw, file), file).data
    return isinstance(data, dict) and "block" in data


def _load(raw: bytes, file: str, name: str) -> BlockDefinition:
    definition = bind_block_file(parse(decode(raw, file), file))
    if definition.name != name:
        raise fail(
            "NS116",
            f"the file is called `{name}` and holds a block called `{definition.name}`",
            definition.name_span,
        )
    return definition


@cache
def zoo_files() -> tuple[str, ...]:
    """The names of the specs in the package, without `.yaml`."""
    entries = packaged("netspec.specs").iterdir()
    return tuple(sorted(e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml")))


def zoo_text(name: str) -> str:
    """The text of a zoo spec; raises :class:`UsageError` when there is none of that name."""
    if name not in zoo_files():
        raise UsageError(f"no zoo spec is called `{name}`")
    return decode((packaged("netspec.specs") / f"{name}.yaml").read_bytes(), f"{name}.yaml")


def without_modeline(text: str) -> str:
    """The text without the line that tells editors where its schema is: a copy is elsewhere."""
    first, _, rest = text.partition("\n")
    return rest if first.startswith("# yaml-language-server:") else text


@cache
def zoo_variants() -> dict[str, tuple[str, str | None]]:
    """Every name that a zoo network answers to, as (file, variant)."""
    found: dict[str, tuple[str, str | None]] = {}
    for file in zoo_files():
        found.setdefault(file, (file, None))
        data = parse(zoo_text(file), f"{file}.yaml").data
        for variant in _variant_names(data):
            found[variant] = (file, variant)
    return found


def zoo_member(name: str) -> tuple[str, str | None] | None:
    """The file and the variant of a zoo network, as in :func:`zoo_variants`; None where none has this name.

    Only files that mention the name are parsed.
    """
    for file in reversed(zoo_files()):
        text = zoo_text(file)
        if name in text and name in _variant_names(parse(text, f"{file}.yaml").data):
            return file, name
    return (name, None) if name in zoo_files() else None


def _variant_names(data: object) -> Iterator[str]:
    variants = data.get("variants") if isinstance(data, dict) else None
    yield from variants or ()
