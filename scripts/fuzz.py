"""``make fuzz-coverage``: fuzz the YAML reader and the expression language, led by coverage (atheris).

Whatever bytes come in, the reader gives a document or a :class:`NetspecError` whose place is in the
text, and an expression a bounded value or a :class:`NetspecError`. What breaks that ends the run and is
left as a file; it becomes a test in tests/lang/test_source.py or tests/lang/expression/test_expr.py.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["netspec"]):
    from netspec.errors import NetspecError, split_lines
    from netspec.lang import source
    from netspec.lang.expression import expr, magnitude

NAMES = {"width": 64, "depths": [3, 4, 6, 3], "flag": True, "rate": 0.5, "word": "same", "none": []}


def read(data: bytes) -> None:
    """One text for the reader."""
    try:
        source.parse(source.decode(data, "fuzz"), "fuzz")
    except NetspecError as error:
        lines = split_lines(data.decode("utf-8-sig", "replace"))
        for diagnostic in error.diagnostics:
            span = diagnostic.span
            if span is not None:
                assert 1 <= span.line <= len(lines), diagnostic
                assert 1 <= span.column <= len(lines[span.line - 1]) + 1, diagnostic


def evaluate(data: bytes) -> None:
    """One expression, parsed and evaluated."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        value = expr.parse(text).evaluate(NAMES)
    except NetspecError:
        return
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert abs(value) <= magnitude.MAX_MAGNITUDE, text


TARGETS = {"reader": read, "expressions": evaluate}


def main() -> None:
    """Fuzz the target that the first argument names; all others go to libFuzzer."""
    target = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if target not in TARGETS:
        sys.exit(f"usage: fuzz.py {'|'.join(TARGETS)} [libFuzzer's options]")
    atheris.Setup(sys.argv, TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
