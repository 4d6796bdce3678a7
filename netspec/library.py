"""Finds blocks and zoo specs: the built-in ones in the package, a user's own beside the spec."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from netspec.errors import UsageError, fail
from netspec.schema.bind import bind_block_file
from netspec.schema.models import IDENTIFIER
from netspec.schema.syntax import BlockDefinition
from netspec.source import decode, parse


@cache
def built_in_blocks() -> frozenset[str]:
    """The names of the blocks in the package."""
    folder = files("netspec.specs") / "blocks"
    return frozenset(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


@cache
def built_in_block(name: str) -> BlockDefinition:
    """A built-in block by name."""
    resource = files("netspec.specs") / "blocks" / f"{name}.yaml"
    return _load(resource.read_bytes(), f"blocks/{name}.yaml", name)


def block_text(name: str) -> str:
    """The text of a built-in block."""
    resource = files("netspec.specs") / "blocks" / f"{name}.yaml"
    return decode(resource.read_bytes(), f"blocks/{name}.yaml")


def user_block(folder: Path, name: str) -> BlockDefinition | None:
    """The block in ``name.yaml`` beside a spec, or in ``blocks/`` there; None where there is none.

    Only an identifier names a file, so nothing outside the folder is reached; links are not followed.
    Raises :class:`UsageError` when a file that is there cannot be read.
    """
    found = _user_file(folder, name)
    return None if found is None else _load(found[1], str(found[0]), name)


def hides_built_in_block(folder: Path, name: str) -> Path | None:
    """The block file beside a spec that is called as a built-in block and says something else."""
    found = _user_file(folder, name)
    built_in = files("netspec.specs") / "blocks" / f"{name}.yaml"
    return found[0] if found is not None and found[1] != built_in.read_bytes() else None


def _user_file(folder: Path, name: str) -> tuple[Path, bytes] | None:
    if not re.fullmatch(IDENTIFIER, name):
        return None
    for path in (folder / f"{name}.yaml", folder / "blocks" / f"{name}.yaml"):
        if os.path.isfile(path) and not path.is_symlink():
            try:
                raw = path.read_bytes()
            except OSError as error:
                raise UsageError(f"{path}: {error.strerror or error}") from error
            if b"block:" in raw:
                return path, raw
    return None


def _load(raw: bytes, file: str, name: str) -> BlockDefinition:
    definition = bind_block_file(parse(decode(raw, file), file))
    if definition.name != name:
        raise fail(
            "NS116",
            f"the file is called `{name}` and holds a block called `{definition.name}`",
            definition.span,
        )
    return definition


@cache
def zoo_files() -> tuple[str, ...]:
    """The names of the specs in the package, without `.yaml`."""
    entries = files("netspec.specs").iterdir()
    return tuple(sorted(e.name.removesuffix(".yaml") for e in entries if e.name.endswith(".yaml")))


def zoo_text(name: str) -> str:
    """The text of a zoo spec; raises :class:`UsageError` when there is none of that name."""
    if name not in zoo_files():
        raise UsageError(f"no zoo spec is called `{name}`")
    return decode((files("netspec.specs") / f"{name}.yaml").read_bytes(), f"{name}.yaml")


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


def _variant_names(data: object) -> Iterator[str]:
    variants = data.get("variants") if isinstance(data, dict) else None
    yield from variants or ()
