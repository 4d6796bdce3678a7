"""Files near the bounds of size end in time: nothing takes time by the square of what a file holds."""

from __future__ import annotations

import pytest

from netspec.errors import NetspecError
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import parse
from tests.check.validate.test_mutations import checked

HEAD = "netspec: 1\nname: e\ninput: {channels: 3, size: [8, 9]}\n"


def numbered(count: int, line: str, indent: str = "  ") -> str:
    """``count`` lines, in which ``#`` is the number of the line and ``<`` that of the one before."""
    lines = (line.replace("#", str(n)).replace("<", str(n - 1)) for n in range(1, count + 1))
    return "".join(f"{indent}{text}\n" for text in lines)


FILES = {
    "values": "let:\n  a0: '1'\n" + numbered(8_000, "a#: a<") + "stem: [relu]\n",
    "growing lists": "let:\n  a0: '[1]'\n" + numbered(9_000, "a#: a< + [1]") + "stem: [relu]\n",
    "nested lists": "let:\n  a0: '[1]'\n" + numbered(8_000, "a#: '[a<]'") + "stem: [relu]\n",
    "unknown names": "let:\n" + numbered(5_000, "a#: b#") + "stem: [relu]\n",
    "parameters": "params:\n" + numbered(8_000, "a#: 1") + "stem: [relu]\n",
    "variants": "params: {w: 1}\nvariants:\n" + numbered(5_000, "a#: {w: 2}") + "stem: [relu]\n",
    "unknown keys": numbered(5_000, "a#: 1", "") + "stem: [relu]\n",
    "blocks": "blocks:\n"
    + numbered(3_000, "b#: {body: [relu]}")
    + "stem:\n"
    + numbered(3_000, "- b#"),
    "unknown steps": "stem:\n" + numbered(5_000, "- step#"),
    "a block's values": "blocks:\n  b:\n    params: {w: 1}\n    let:\n"
    + numbered(5_000, "a#: w", "      ")
    + "    body: [relu]\nstem: [b]\n",
    "checkpoints": "checkpoints:\n"
    + numbered(2_000, "a#: {framework: torch, layers: {'{x}': '{x}'}}")
    + "stem: [{conv: {out: 4, kernel: 1}}]\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_large_file_is_checked_in_time(text: str) -> None:
    checked((HEAD + text).encode())


def test_lists_inside_lists_end_in_a_message_not_in_recursion() -> None:
    values = "let:\n  a0: '[1]'\n  b0: '[1]'\n" + numbered(1_500, "a#: '[a<]'\n  b#: '[b<]'")
    text = HEAD + values + "  t: 1 if a1500 == b1500 else 2\nstem: [relu]\n"
    codes = {diagnostic.code for diagnostic in checked(text.encode()).diagnostics}
    assert codes == {"NS203"}
    from netspec.elaborate.network import elaborate

    with pytest.raises(NetspecError, match="nested deeper than 40 levels"):
        elaborate(bind_spec(parse(text)), None, {})
