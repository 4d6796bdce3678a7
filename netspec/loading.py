"""How a spec is found: by a zoo name, a path, as text or as a mapping."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.codegen.frame import BUILT_IN_PLACE
from netspec.compilation import Compilation
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, plain_value
from netspec.errors import NetspecError, UsageError, did_you_mean, fail
from netspec.lang import library
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import MAX_BYTES, Document, decode, parse
from netspec.system.channels import readable
from netspec.system.room import reason

Values = Mapping[str, Document]
"""What replaces a spec's parameters, by parameter or element."""


@dataclass(frozen=True)
class FoundSpec:
    """A spec that was found, and the variant to take.

    Attributes:
        document: its text as plain values, and their places.
        variant: the one asked for; None for the spec's default.
        folder: where blocks beside it are looked for; None for none.
        file: the file that it is in, where it is one of the user's.
        is_built_in: whether it comes with netspec.
    """

    document: Document
    variant: str | None = None
    folder: Path | None = None
    file: Path | None = None
    is_built_in: bool = False


def find_spec(spec: str | os.PathLike[str], variant: str | None) -> FoundSpec:
    """The spec behind a path or a zoo name.

    Raises :class:`UsageError` when there is no such file or name, or when ``spec`` is the name of one
    variant and ``variant`` another.
    """
    member = library.zoo_member(spec) if isinstance(spec, str) else None
    if member is not None:
        file, named = member
        if named is not None and variant not in (None, named):
            raise UsageError(f"`{spec}` is a variant of `{file}` already; it is not `{variant}`")
        document = parse(library.zoo_text(file), f"{file}.yaml")
        return FoundSpec(document, variant or named, is_built_in=True)
    path = Path(spec)
    # A pipe will do. Unlike those of Path, these never raise.
    if not os.path.exists(path) or os.path.isdir(path):
        raise UsageError(_no_such_spec(spec, path))
    return open_spec(path, variant)


def open_spec(path: Path, variant: str | None) -> FoundSpec:
    """The spec in a file; raises :class:`UsageError` when it cannot be read."""
    document = parsed(read_text(path), readable(str(path)), path.parent)
    return FoundSpec(document, variant, path.parent, path)


def parsed(text: str, file: str, folder: Path | None) -> Document:
    """The text as a document; raises :class:`NetspecError` with what else is wrong behind its YAML too."""
    try:
        return parse(text, file)
    except NetspecError:
        from netspec.check.validate.check import check_content
        from netspec.check.validate.options import Options

        result = check_content(
            text.encode(errors="surrogatepass"), file, folder, Options(backends=())
        )
        errors = [d for d in result.diagnostics if d.severity == "error"] if result else []
        if not errors:
            raise
        raise NetspecError(errors) from None


def _no_such_spec(spec: str | os.PathLike[str], path: Path) -> str:
    if isinstance(spec, str) and "\n" in spec:
        return "`load` takes a path or a name; YAML text goes to `loads`"
    if os.path.isdir(path):
        return f"{path}: is a directory, not a spec"
    if path.suffix in (".yaml", ".yml") or len(path.parts) != 1 or not isinstance(spec, str):
        return f"{path}: no such file"
    hint = did_you_mean(spec, library.zoo_variants())
    return f"`{spec}` is neither a file nor a zoo network; " + (hint or "see `netspec list`")


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`UsageError` when it cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    return decode(raw, readable(str(path)))


def text_of(spec: str | Mapping[str, Any]) -> str:
    """YAML of a spec: text as it is, a mapping as JSON, which is YAML too and has lines to show.

    Raises :class:`UsageError` for what YAML could not hold.
    """
    if isinstance(spec, str):
        return spec
    return json.dumps(plain_value(spec, "the spec"), indent=2, ensure_ascii=False)


def compilation_of(found: FoundSpec, values: Values, bounds: Bounds | None = None) -> Compilation:
    """The network of a spec at its variant, with ``values`` as overrides by target.

    Raises :class:`NetspecError` with every error, not only the first, where the spec is wrong.
    """
    bounds = bounds or Bounds()
    try:
        spec = bind_spec(found.document)
        overrides = apply_overrides(spec, found.variant, values)
        network = elaborate(spec, found.variant, overrides, found.folder, bounds)
    except NetspecError as error:
        from netspec.check.validate.check import (
            with_all_errors,  # not needed where nothing is wrong
        )

        document = found.document
        raise with_all_errors(error, document, found.folder, bounds, found.variant) from None
    except RecursionError:
        message = f"{found.document.file}: nested too deeply"
        raise fail("NS507", message) from None
    place = BUILT_IN_PLACE if found.is_built_in else None
    return Compilation(spec, network, overrides, found.folder, bounds, place, found.file)
