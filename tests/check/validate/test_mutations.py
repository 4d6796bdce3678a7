"""No file hurts: a mutated spec ends in time, within memory, and with a place for what is wrong."""

from __future__ import annotations

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

import pytest

from netspec.check.report import FileResult
from netspec.check.validate.check import check_content
from netspec.check.validate.options import Options
from netspec.elaborate.network import elaborate
from netspec.errors import NetspecError, split_lines
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import decode, parse
from tests.support.mutations import corpus, mutate

SECONDS = 2.0
MEMORY = 512 * 2**20
QUICK, FULL = 800, 20_000
BATCH = 500


class TooSlow(BaseException):
    """Not to be caught by what is tested."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise :class:`TooSlow` in the body after two seconds of processor time, whoever else is at work."""

    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def checked(raw: bytes) -> FileResult:
    with time_limit():
        result = check_content(raw, "spec.yaml", None, Options())
    assert result is not None
    return result


def check_places(raw: bytes, result: FileResult) -> None:
    """Every diagnostic has its place inside the file, end included."""
    text = raw.decode("utf-8-sig", "replace")
    rows = split_lines(text)
    for diagnostic in result.diagnostics:
        span = result.place(diagnostic)
        assert span.file == "spec.yaml"
        assert 1 <= span.line <= len(rows), diagnostic
        assert 1 <= span.column <= len(rows[span.line - 1]) + 1, diagnostic
        assert (span.line, span.column) <= (span.end_line, span.end_column), diagnostic


def compiles(raw: bytes) -> bool:
    """Whether the compiler takes every network of the file that validate looks at."""
    try:
        spec = bind_spec(parse(decode(raw, "spec.yaml"), "spec.yaml"))
        for variant in spec.variants or [None]:
            elaborate(spec, variant)
        if spec.default is not None:
            elaborate(spec)
    except NetspecError:
        return False
    return True


def survive(seed: int, originals: list[bytes], with_compiler: bool) -> None:
    raw = mutate(Random(seed), originals)
    result = checked(raw)
    check_places(raw, result)
    is_wrong = any(diagnostic.severity == "error" for diagnostic in result.diagnostics)
    if with_compiler and result.holds != "block" and not is_wrong:
        assert compiles(raw), "validate finds nothing, and it does not compile"


def run_batch(first: int, count: int, with_compiler: bool) -> list[int]:
    """The seeds that fail, each with its traceback on standard error."""
    import traceback

    originals, failed = corpus(), []
    for seed in range(first, first + count):
        try:
            survive(seed, originals, with_compiler)
        except BaseException:
            traceback.print_exc()
            failed.append(seed)
    return failed


def in_a_process(first: int, count: int, with_compiler: bool) -> list[int]:
    """:func:`run_batch` in a process of its own, which has no more memory than the bound."""
    code = (
        "import json, resource, sys\n"
        f"from tests.check.validate.test_mutations import run_batch\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        f"print(json.dumps(run_batch({first}, {count}, {with_compiler})))\n"
    )
    root = Path(__file__).parents[3]
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=570,
    )
    assert process.returncode == 0, process.stderr[-2000:]  # a crash, such as of the parser
    failed: list[int] = json.loads(process.stdout)
    assert failed == [], process.stderr[-4000:]
    return failed


def test_mutated_specs_do_no_harm() -> None:
    in_a_process(0, QUICK, with_compiler=True)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(QUICK, FULL + QUICK, BATCH))
def test_many_mutated_specs_do_no_harm(first: int) -> None:
    in_a_process(first, BATCH, with_compiler=True)


def test_the_limit_of_time_is_one() -> None:
    with pytest.raises(TooSlow), time_limit():
        sum(number for number in itertools.count())


def test_mutations_are_of_all_kinds() -> None:
    """Most mutations are found wrong, some are not, and none is what it was."""
    originals = corpus()
    dice = [mutate(Random(seed), originals) for seed in range(200)]
    results = [checked(raw) for raw in dice]
    wrong = sum(any(d.severity == "error" for d in result.diagnostics) for result in results)
    codes = {d.code for result in results for d in result.diagnostics}
    assert 100 < wrong < 195
    assert len(codes) > 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
