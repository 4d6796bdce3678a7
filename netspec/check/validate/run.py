"""Checks many files, on several processors where that pays."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from netspec.check.report import FileResult
from netspec.check.validate.check import check_content
from netspec.check.validate.files import Target, folder_of
from netspec.check.validate.options import Options
from netspec.errors import NetspecError, UsageError
from netspec.system.channels import readable
from netspec.system.progress import Tell, silent

PARALLEL_FROM = 64
"""The number of files from which a second process saves more than it costs to start."""

CHUNK = 16

Result = FileResult | None


def check_files(
    targets: Sequence[Target], options: Options, jobs: int | None = None, tell: Tell = silent
) -> list[Result]:
    """The result of every file, in order; None for one that was searched for and is none of ours.

    ``jobs`` is the number of processes; as many as there are processors, unless given, where there
    are files enough. ``tell`` is told how many files are done.
    """
    check = partial(check_file, options=options)
    if jobs is None:
        jobs = _processors() if len(targets) >= PARALLEL_FROM else 1
    if jobs == 1 or len(targets) < 2:
        return list(_counted(map(check, targets), len(targets), tell))
    try:
        return _on_processes(check, targets, jobs, tell)
    except _UnavailableError:
        return list(_counted(map(check, targets), len(targets), tell))


def _counted(results: Iterable[Result], total: int, tell: Tell) -> Iterator[Result]:
    for done, result in enumerate(results, 1):
        tell(f"{done:,} of {total:,} files")
        yield result


class _UnavailableError(Exception):
    """The machine has no semaphores (AWS Lambda, Android), or lets no more processes start."""


def _on_processes(
    check: Callable[[Target], Result], targets: Sequence[Target], jobs: int, tell: Tell
) -> list[Result]:
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    try:
        pool = ProcessPoolExecutor(jobs, initializer=_as_worker)
    except (ImportError, NotImplementedError, OSError) as error:
        raise _UnavailableError from error
    try:
        results = pool.map(check, targets, chunksize=CHUNK)
    except OSError as error:
        pool.shutdown(wait=False, cancel_futures=True)
        raise _UnavailableError from error
    try:
        return list(_counted(results, len(targets), tell))
    except BrokenProcessPool as error:
        message = "a process that checked files was killed, for want of memory perhaps"
        raise UsageError(f"{message}; --jobs 1 checks them one after another") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _as_worker() -> None:
    """Leave interruptions to the process that waits for this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system tells
        return os.cpu_count() or 1


def check_file(target: Target, options: Options) -> Result:
    """The result of one file; one that cannot be read is a problem like another."""
    name = readable(target.path)
    try:
        raw = target.read()
    except NetspecError as error:
        return FileResult(name, "", error.diagnostics)
    folder = None if target.content is not None else folder_of(target.path)
    return check_content(raw, name, folder, options, target.is_searched)


def without_repeats(results: Iterable[Result]) -> tuple[FileResult, ...]:
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
