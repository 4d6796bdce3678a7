"""Text from outside is data on every channel: one function a channel makes it so.

Names of files, tensors and steps, and what a spec says, may hold anything. Terminals obey control
characters, logs of GitHub Actions obey lines that begin with `::`, and Markdown, HTML and XML have
languages of their own.
"""

from __future__ import annotations

import re

# Patterns are compiled when they are needed, which most runs never do.
_SURROGATE = "[\ud800-\udfff]"
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_MARKDOWN = r"[\\`*_{}\[\]()#+!|<>~:.-]"
_COMMAND = r"^(\s*):(?=:)"


def printable(text: str) -> str:
    """``text`` with every character that a terminal could obey shown as its escape, line ends too."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def readable(text: str) -> str:
    """``text`` as every encoding of Unicode can hold it: bytes of a file's name that are no UTF-8 as ``\\xe9``."""
    if text.isascii():
        return text
    return re.sub(_SURROGATE, _as_number, text)


def _as_number(match: re.Match[str]) -> str:
    """What Python stands in for such a byte, or half a character of UTF-16."""
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def no_command(line: str) -> str:
    """A line of a log in which GitHub Actions finds none of its commands.

    Source: the runner's ``ActionCommand``: `::` at the start of a line, `##[` anywhere.
    """
    return re.sub(_COMMAND, r"\1\\x3a", line).replace("##[", "#\\x23[")


def terminal_line(text: str) -> str:
    """``text`` as one line for people, on a terminal or in a log."""
    return no_command(printable(readable(text)))


def annotation(text: str) -> str:
    """``text`` as the message of a workflow command of GitHub Actions."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation_property(text: str) -> str:
    """``text`` as a property of a workflow command."""
    return annotation(terminal_line(text)).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """``text`` as a cell of a table in GitHub's Markdown: no link, image, tag, mention or further cell."""
    escaped = re.sub(_MARKDOWN, lambda found: f"\\{found[0]}", printable(readable(text)))
    return escaped.replace("@", "@\u2060")  # nobody is notified


def xml(text: str) -> str:
    """``text``, of several lines perhaps, without what XML 1.0 cannot hold or a terminal would obey."""
    return "\n".join(printable(re.sub(_NOT_XML, "\ufffd", line)) for line in text.split("\n"))


def html(text: str) -> str:
    """``text`` without what a page would obey beside its markup, which the template escapes."""
    return printable(readable(text))
