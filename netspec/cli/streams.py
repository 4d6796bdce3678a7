"""The standard streams: what is data leaves as UTF-8 everywhere, and a stream may be closed, full or narrow."""

from __future__ import annotations

import codecs
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from netspec.system.channels import readable, terminal_line

STANDARD_OUTPUT = "standard output"


def prepare() -> None:
    """Make the streams fit to be written to, whatever was closed and whatever they can encode."""
    codecs.register_error(_LACKING, _shown)
    _fill_closed_descriptors()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # what nobody can see is dropped; `print` would take stdout
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        stream = getattr(sys, name)
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_LACKING)


_LACKING = "netspec.lacking"


def _shown(error: UnicodeError) -> tuple[str, int]:
    """What a stream shows for what it cannot encode: `?`, and the byte of a name that is no text."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    shown = "".join(
        "?" if readable(character) == character else readable(character) for character in lost
    )
    return shown, error.end


def _fill_closed_descriptors() -> None:
    """Lead closed descriptors of the streams nowhere: the next file that is opened would become one.

    Then what a framework prints would end up in that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(
                os.open(os.devnull, os.O_RDWR), True
            )  # takes the lowest that is free


def write_data(data: str | bytes) -> None:
    """Write what is the content of a file to standard output: as UTF-8 with plain line ends.

    Only on a terminal, which shows nothing else, has it the terminal's encoding.
    """
    from netspec.system.files import encoded

    out = sys.stdout
    buffer = getattr(out, "buffer", None)
    if buffer is None or (isinstance(data, str) and out.isatty()):
        out.write(data if isinstance(data, str) else data.decode("utf-8", "replace"))
        return
    raw = encoded(data) if isinstance(data, str) else data
    try:
        out.flush()
        buffer.write(raw)
    except OSError as error:
        error.filename = STANDARD_OUTPUT
        raise


def wants_colour() -> bool:
    """Whether standard output is to have colours: on a terminal that can, or as the user says.

    Sources: no-color.org, force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and sys.stdout.isatty()


def read_standard_input() -> bytes:
    """What stands on standard input, up to a byte more than any file of ours may have.

    Raises :class:`UsageError` where there is none: it is closed, or a terminal.
    """
    from netspec.errors import UsageError
    from netspec.lang.source import MAX_BYTES
    from netspec.system.room import reason

    stream = sys.stdin
    if stream is None or stream.closed:
        raise UsageError("`-` reads standard input, which is closed")
    if stream.isatty():
        raise UsageError("`-` reads standard input, which is a terminal")
    try:
        return stream.buffer.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"standard input: {reason(error)}") from error


def tell(message: str | Exception, *, last: bool = False) -> None:
    """A line on standard error; the lines of an error that says where it is.

    Raises OSError where that takes none, unless it is the ``last`` that there is to tell.
    """
    from netspec.errors import NetspecError

    # What an error quotes is fit to be shown already, and has its lines.
    lines = str(message).split("\n") if isinstance(message, NetspecError) else [str(message)]
    try:
        for line in lines:
            print(terminal_line(line), file=sys.stderr)
    except OSError:
        if not last:
            raise
        drain()


def drain() -> OSError | None:
    """Flush both streams; why standard output takes nothing, None where it does.

    What a stream cannot take is dropped, so that the interpreter's own last flush says nothing.
    """
    found = None
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            found = error if stream is sys.stdout else found
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
    return found


class Terminated(BaseException):
    """The system asks the process to end; ``number`` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def terminable() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP end by an exception, so that temporary files go."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)  # not every system has both
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
