"""Specs made wrong at random: what no person writes and `validate` has to survive."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

SPECS = Path(__file__).parents[2] / "specs"
CASES = Path(__file__).parents[1] / "diagnostics" / "cases"

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")

HUGE = [
    "0",
    "-1",
    "1e308",
    "1e400",
    "0x7fffffff",
    "10000",
    "20000",
    "1000000",
    "1000000000000",
    "9" * 29,
    "9" * 40,
    "9" * 5000,
    "9**9**9",
    "2**62",
    "-2**53",
    ".inf",
    ".nan",
    "1/0",
    "1//3",
    "0.1",
    "true",
    "null",
    "[1, 2]",
    "[]",
    "{}",
    "''",
    '"*" * 10',
]
STRANGE = [
    "\u202e",
    "\ufeff",
    "é",
    "e\u0301",
    "幅",
    "\U0001f9e0",
    "\x00",
    "\x07",
    "\u2028",
    "\t",
    "\r",
    "\x85",
]
SNIPPETS = [
    "&a [*a, *a]",
    "*a",
    "!!python/object/apply:os.system [id]",
    "!",
    "{{ width }}",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: *a",
    "? [1]: 2",
    "|\n  text\n",
    "'",
    '"',
    "[" * 70,
    "{a: " * 70,
    "- " * 40,
    "(" * 60 + "1" + ")" * 60,
    "-" * 60 + "1",
    "a" * 300,
    "{param: width}",
    "{each: [1, 2]}",
    "{repeat: {times: 20000, body: [relu]}}",
    "{repeat: {times: 20000, body: [{repeat: {times: 20000, body: []}}]}}",
    "{residual: {body: []}}",
    "[basic]",
    "basic: {width: basic}",
    "{sequence: [" * 20 + "relu" + "]}" * 20,
]

Mutation = Callable[[Random, bytes], bytes]


def corpus() -> list[bytes]:
    """What is mutated: the specs and blocks that come with netspec, and small wrong files."""
    found = [path.read_bytes() for path in sorted(SPECS.rglob("*.yaml"))]
    # The largest are left to the slow tests of the zoo: a mutation of them says nothing more.
    small = [raw.replace(b"200}", b"2}").replace(b"111}", b"2}") for raw in found]
    return small + [path.read_bytes() for path in sorted(CASES.rglob("*.yaml"))]


def mutate(dice: Random, originals: Sequence[bytes]) -> bytes:
    """One original with one to four mutations."""
    raw = dice.choice(originals)
    for _ in range(dice.choice((1, 1, 1, 2, 2, 3, 4))):
        raw = dice.choice(MUTATIONS)(dice, raw)
    return raw


def _flip_byte(dice: Random, raw: bytes) -> bytes:
    if not raw:
        return raw
    at = dice.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << dice.randrange(8)]) + raw[at + 1 :]


def _cut(dice: Random, raw: bytes) -> bytes:
    at = dice.randrange(len(raw) + 1)
    return raw[:at] if dice.random() < 0.5 else raw[at:]


def _on_text(change: Callable[[Random, str], str]) -> Mutation:
    def mutation(dice: Random, raw: bytes) -> bytes:
        text = raw.decode("utf-8", "surrogateescape")
        return change(dice, text).encode("utf-8", "surrogateescape")

    return mutation


def _delete_token(dice: Random, text: str) -> str:
    tokens = _TOKEN.findall(text)
    if tokens:
        del tokens[dice.randrange(len(tokens))]
    return "".join(tokens)


def _swap_tokens(dice: Random, text: str) -> str:
    tokens = _TOKEN.findall(text)
    if tokens:
        a, b = dice.randrange(len(tokens)), dice.randrange(len(tokens))
        tokens[a], tokens[b] = tokens[b], tokens[a]
    return "".join(tokens)


def _swap_words(dice: Random, text: str) -> str:
    words = sorted(set(re.findall(r"[a-z_]\w+", text)))
    if len(words) < 2:
        return text
    old, new = dice.sample(words, 2)
    places = [match.span() for match in re.finditer(rf"\b{old}\b", text)]
    start, end = dice.choice(places) if places else (0, 0)
    return text[:start] + new + text[end:]


def _misspell(dice: Random, text: str) -> str:
    letters = [at for at, letter in enumerate(text) if letter.isalpha()]
    if not letters:
        return text
    at = dice.choice(letters)
    return text[:at] + dice.choice("abcxyz_") * dice.randrange(2) + text[at + 1 :]


def _huge_number(dice: Random, text: str) -> str:
    places = [match.span() for match in _NUMBER.finditer(text)]
    if not places:
        return text
    start, end = dice.choice(places)
    return text[:start] + dice.choice(HUGE) + text[end:]


def _insert(pieces: Sequence[str]) -> Callable[[Random, str], str]:
    def change(dice: Random, text: str) -> str:
        at = dice.randrange(len(text) + 1)
        return text[:at] + dice.choice(pieces) + text[at:]

    return change


def _replace_value(dice: Random, text: str) -> str:
    places = [match.span(1) for match in re.finditer(r": ([^\n,{}\[\]]+)", text)]
    if not places:
        return text
    start, end = dice.choice(places)
    return text[:start] + dice.choice((*SNIPPETS, *HUGE)) + text[end:]


def _move_line(dice: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    line = lines.pop(dice.randrange(len(lines)))
    if dice.random() < 0.5:
        lines.insert(dice.randrange(len(lines) + 1), line)
    return "".join(lines)


def _repeat_part(dice: Random, text: str) -> str:
    a, b = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
    return text[:b] + text[a:b] * dice.choice((1, 1, 2, 50)) + text[b:]


def _indent(dice: Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    at = dice.randrange(len(lines))
    shift = dice.choice(("  ", " ", "    "))
    lines[at] = shift + lines[at] if dice.random() < 0.5 else lines[at].removeprefix(shift)
    return "".join(lines)


MUTATIONS: list[Mutation] = [
    _flip_byte,
    _cut,
    *(
        _on_text(change)
        for change in (
            _delete_token,
            _swap_tokens,
            _swap_words,
            _misspell,
            _huge_number,
            _huge_number,
            _insert(STRANGE),
            _insert(SNIPPETS),
            _replace_value,
            _replace_value,
            _move_line,
            _repeat_part,
            _indent,
        )
    ),
]
