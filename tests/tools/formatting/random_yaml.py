"""Random YAML, laid out in every way that people do and a few that they don't."""

from __future__ import annotations

from hypothesis import strategies as st

PLAIN = st.sampled_from(
    ["a", "norm", "x y", "1", "1e-5", "0o17", "no", "~", "null", "1.50", "a#b", "a:b", "x://y/#z"]
) | st.sampled_from(["ünï", "𝔘", "-1", "-x", "width * 2", "it's", 'say "x"', "b{"])
FLOW_PLAIN = st.sampled_from(
    ["a", "norm", "1", "1e-5", "no", "null", "x y", "ü", "-1", "a-b", "it's"]
)
QUOTED = st.sampled_from(
    [
        "'1'",
        "'it''s # no comment'",
        '"a # b"',
        '"\\u263a"',
        '"\\\\"',
        "''",
        '""',
        "'a: b'",
        '"\\t"',
        "'ü'",
    ]
)
COMMENTS = st.sampled_from(["# c", "#c", "# it's", "# ü [", "#", "# a: b", "#  two", "# end\t"])
KEYS = st.sampled_from(
    ["name", "as", "from", "conv", "kernel", "out", "body", "stem", "stages", "block", "width"]
) | st.sampled_from(
    ["params", "doc", "test", "then", "ü", "'q'", '"d d"', "1", "x y", "a-b", "when", "merge"]
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A text that holds a mapping with the key ``netspec``."""
    lines = draw(_remarks(0))
    if draw(st.booleans()):
        lines += ["---" + draw(st.sampled_from(["", "  # c"])), *draw(_remarks(0))]
    if draw(st.integers(0, 9)) == 0:
        flow = draw(_flow(2, 0))
        lines.append("{netspec: 1, rest: " + flow + "}")
    else:
        lines += ["netspec: 1" + draw(_behind()), *draw(_mapping(0, 3, taken=("netspec",)))]
    lines += draw(_remarks(0))
    ending = draw(st.sampled_from(["\n", "\n\n", ""]))
    text = "\n".join(lines) + ending
    if draw(st.integers(0, 9)) == 0:
        text = text.replace("\n", "\r\n")
    return text


@st.composite
def _remarks(draw: st.DrawFn, indent: int) -> list[str]:
    """Blank lines and comments ahead of something, seldom any."""
    lines: list[str] = []
    while draw(st.integers(0, 3)) == 0:
        blank = draw(st.booleans())
        spaces = " " * draw(st.integers(0, indent + 3))
        lines.append(draw(st.sampled_from(["", "  "])) if blank else spaces + draw(COMMENTS))
    return lines


@st.composite
def _behind(draw: st.DrawFn) -> str:
    """A comment behind something, or spaces, or nothing."""
    if draw(st.integers(0, 3)) > 0:
        return draw(st.sampled_from(["", "", " "]))
    return " " * draw(st.integers(1, 5)) + draw(COMMENTS)


@st.composite
def _mapping(draw: st.DrawFn, indent: int, depth: int, taken: tuple[str, ...] = ()) -> list[str]:
    lines: list[str] = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        if key in taken:
            continue
        if lines:
            lines += draw(_remarks(indent))
        spaces = " " * indent
        if draw(st.integers(0, 15)) == 0:
            lines += [f"{spaces}? {key}{draw(_behind())}", *draw(_remarks(indent + 1))]
            lines += draw(_value(f"{spaces}:", indent, depth, False))
        else:
            space = draw(st.sampled_from(["", "", " "]))
            lines += draw(_value(f"{spaces}{key}{space}:", indent, depth, True))
    return lines or [" " * indent + "other: 1"]


@st.composite
def _sequence(draw: st.DrawFn, indent: int, depth: int) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        if lines:
            lines += draw(_remarks(indent))
        if depth > 0 and draw(st.integers(0, 2)) == 0:
            gap = draw(st.integers(1, 3))
            kind = _mapping if draw(st.booleans()) else _sequence
            inner = draw(kind(indent + 1 + gap, depth - 1))
            inner[0] = " " * indent + "-" + inner[0][indent + 1 :]
            lines += inner
        else:
            lines += draw(_value(" " * indent + "-", indent, depth, False))
    return lines


@st.composite
def _value(draw: st.DrawFn, head: str, indent: int, depth: int, list_may_stay: bool) -> list[str]:
    """``head`` with a value behind it or on the lines below."""
    deeper = indent + draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["plain", "quoted", "empty", "flow", "flow", "lines", "block"]))
    if depth > 0 and draw(st.booleans()):
        kind = draw(st.sampled_from(["mapping", "sequence"]))
    if kind == "plain":
        return [f"{head} {draw(PLAIN)}{draw(_behind())}"]
    if kind == "quoted":
        return [f"{head} {draw(QUOTED)}{draw(_behind())}"]
    if kind == "empty":
        return [head + draw(_behind())]
    if kind == "flow":
        below = draw(st.integers(0, 9)) == 0
        start = [head + draw(_behind()), *draw(_remarks(indent))] if below else []
        flow = draw(_flow(2, deeper))
        first = " " * deeper + flow if below else f"{head} {flow}"
        return [*start, *(first + draw(_behind())).split("\n")]
    if kind == "lines":
        return draw(_several_lines(head, deeper))
    if kind == "block":
        return draw(_block_text(head, indent, deeper))
    inner_remarks = [head + draw(_behind()), *draw(_remarks(indent))]
    if kind == "mapping":
        return [*inner_remarks, *draw(_mapping(deeper, depth - 1))]
    column = indent if list_may_stay and draw(st.booleans()) else deeper
    return [*inner_remarks, *draw(_sequence(column, depth - 1))]


@st.composite
def _several_lines(draw: st.DrawFn, head: str, indent: int) -> list[str]:
    """A plain or quoted scalar over several lines."""
    quote = draw(st.sampled_from(["", "'", '"']))
    words = draw(st.lists(st.sampled_from(["ab", "c d", "x", "9", "no"]), min_size=2, max_size=4))
    if quote == '"':
        words = [
            word + draw(st.sampled_from(["", "\\", "\\\\", " \\", "\\ ", " "])) for word in words
        ]
        words[-1] = "end"
    lines = [f"{head} {quote}{words[0]}"]
    for word in words[1:]:
        lines += [""] * draw(st.integers(0, 1))
        lines.append(" " * (indent + draw(st.integers(0, 2))) + word)
    lines[-1] += quote + draw(_behind())
    return lines


@st.composite
def _block_text(draw: st.DrawFn, head: str, indent: int, deeper: int) -> list[str]:
    """A literal or folded text."""
    sign = draw(st.sampled_from("|>")) + draw(st.sampled_from(["", "-", "+"]))
    indicator = draw(st.booleans())
    content = st.sampled_from(["text", "# no comment", "a: b", "- c", "", "trailing ", "ü"])
    more = st.sampled_from(["text", "", " more", "\ttab", "   ", "# x"])
    words = draw(st.lists(content if not indicator else more, max_size=4))
    if not indicator and words and not words[0]:
        words[0] = "first"
    if indicator:
        sign = sign[0] + str(deeper - indent) + sign[1:]
    lines = [f"{head} {sign}{draw(_behind())}"]
    return lines + [" " * deeper + word if word else "" for word in words]


@st.composite
def _flow(draw: st.DrawFn, depth: int, indent: int) -> str:
    """A flow collection, on one line or several, comments in it where it has several."""
    mapping = draw(st.booleans())
    opening, closing = "{}" if mapping else "[]"
    parts = []
    keys = draw(
        st.lists(
            st.sampled_from(["name", "as", "out", "kernel", "'q'", "b"]), unique=True, max_size=4
        )
    )
    for key in keys:
        if depth > 0 and draw(st.integers(0, 3)) == 0:
            value = draw(_flow(depth - 1, indent + 1))
        else:
            value = draw(st.one_of(FLOW_PLAIN, QUOTED, st.just("long " * 8 + "text")))
        if mapping:
            form = draw(st.sampled_from(["{}: {}", "{}: {}", "{}:  {}", "{}", "{}: "]))
            value = form.format(key, value)
        elif draw(st.integers(0, 5)) == 0:
            value = f"{key}: {value}"
        parts.append(value)
    if draw(st.booleans()):
        return opening + ", ".join(parts) + closing
    spaces = " " * max(indent, 1)
    text = opening + draw(_break(spaces))
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        comma = "" if last and draw(st.booleans()) else ","
        text += part + comma + draw(_break(spaces))
    return text + closing


@st.composite
def _break(draw: st.DrawFn, spaces: str) -> str:
    """What stands between the parts of a flow collection."""
    kind = draw(st.sampled_from(["space", "line", "comment", "own line", "blank"]))
    comment = draw(COMMENTS)
    return {
        "space": " ",
        "line": f"\n{spaces}",
        "comment": f" {comment}\n{spaces}",
        "own line": f"\n{spaces}{comment}\n{spaces}",
        "blank": f"\n\n{spaces}",
    }[kind]
