"""Checks many files, on several processors where that pays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from netspec.errors import Diagnostic
from netspec.report import FileResult
from netspec.source import MAX_BYTES
from netspec.validate.check import check_content
from netspec.validate.files import Target, folder_of
from netspec.validate.options import Options

PARALLEL_FROM = 64
"""The number of files from which a second process saves more than it costs to start."""

CHUNK = 16


def check_files(
    targets: Sequence[Target], options: Options, jobs: int | None = None
) -> list[FileResult | None]:
    """The result of every file, in order; None for one that was searched for and is none of ours.

    ``jobs`` is the number of processes; as many as there are processors, unless given, where there
    are files enough.
    """
    check = partial(check_file, options=options)
    if jobs is None:
        jobs = _processors() if len(targets) >= PARALLEL_FROM else 1
    if jobs == 1 or len(targets) < 2:
        return [check(target) for target in targets]
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(check, targets, chunksize=CHUNK))


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        return os.cpu_count() or 1


def check_file(target: Target, options: Options) -> FileResult | None:
    """The result of one file; one that cannot be read is a problem like another."""
    try:
        with open(target.path, "rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{target.path}: {error.strerror or error}"
        return FileResult(target.path, "", (Diagnostic("NS109", message),))
    return check_content(raw, target.path, folder_of(target.path), options, target.is_searched)


def without_repeats(results: Iterable[FileResult | None]) -> tuple[FileResult, ...]:
    """The results of our files; a problem that several share, in a block file, stays with the first."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for result in results:
        if result is None:
            continue
        own = []
        for diagnostic in result.diagnostics:
            key = (diagnostic.code, diagnostic.span, diagnostic.message)
            is_elsewhere = diagnostic.span is not None and diagnostic.span.file != result.file
            if is_elsewhere and key in seen:
                continue
            seen.add(key)
            own.append(diagnostic)
        kept.append(replace(result, diagnostics=tuple(own)))
    return tuple(kept)
