"""What the tests of elaboration share: specs without their head lines, and what comes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netspec.elaborate.network import elaborate
from netspec.errors import Diagnostic, NetspecError
from netspec.ir import Program
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from netspec.ops import Op

HEAD = "netspec: 1\nname: n\n"


def compiled(
    text: str, *, size: str = "[8, 12]", variant: str | None = None, folder: Path | None = None
) -> Program:
    """The program of a spec of three input channels; ``text`` leaves out its first lines."""
    whole = f"{HEAD}input: {{channels: 3, size: {size}}}\n{text}"
    return elaborate(bind_spec(parse(whole, "f.yaml")), variant, None, folder)


def ops(text: str, **options: Any) -> dict[str, Op]:
    """The ops of a spec by their paths."""
    return {layer.path: layer.op for layer in compiled(text, **options).layers}


def paths(text: str, **options: Any) -> list[str]:
    """The paths of a spec's layers, in order."""
    return list(ops(text, **options))


def widths(text: str, **options: Any) -> dict[str, int]:
    """The output channels of a spec's layers by their paths."""
    return {layer.path: layer.target.channels for layer in compiled(text, **options).layers}


def problem(text: str, **options: Any) -> Diagnostic:
    """The one problem of a spec."""
    with pytest.raises(NetspecError) as caught:
        compiled(text, **options)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    return found


def marked(text: str, found: Diagnostic) -> str:
    """What the diagnostic points at, up to the end of its line."""
    assert found.span is not None
    lines = text.splitlines()
    line = lines[found.span.line - 4]  # three lines stand ahead of the text
    end = found.span.end_column - 1 if found.span.end_line == found.span.line else len(line)
    return line[found.span.column - 1 : end]
