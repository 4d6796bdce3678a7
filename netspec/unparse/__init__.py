"""Programs as specs: what a person would have written to get this network.

From a program come templates (``ir/template``), from these steps (``body.py``), which get their names
(``naming.py``) and inputs (``wiring.py``) by the language's own rules. The text is elaborated again, and its
fingerprint is the program's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from netspec.compilation import Compilation
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.network import elaborate
from netspec.errors import Diagnostic, InternalError, NetspecError, by_position
from netspec.ir import Program
from netspec.ir.fingerprint import fingerprint
from netspec.ir.template import (
    Choice,
    Template,
    Templates,
    deciding,
    guards_of,
    templates,
)
from netspec.lang.expression.symbolic import Diverges
from netspec.lang.schema.bind import bind_spec
from netspec.lang.schema.syntax import Checkpoint
from netspec.lang.source import parse
from netspec.tools.formatting import format_text, same
from netspec.unparse.checkpoints import checkpoints_data
from netspec.unparse.document import bare, to_yaml
from netspec.unparse.kept import with_kept
from netspec.unparse.local import with_closed_blocks
from netspec.unparse.network import PrintedNetwork
from netspec.unparse.silence import silenced_codes, with_ignores

FILE = "<resolved>"
"""What diagnostics call the text that is made."""


def resolved_text(compilation: Compilation, keep: Collection[str]) -> str:
    """The text of a spec of a compiled network alone, in which the parameters of ``keep`` stay.

    Published weights do not fit an optimized network. Raises what :func:`spec_text` and :func:`with_kept` do.
    """
    spec = compilation.spec
    program, docs = with_kept(compilation.network, spec.params, keep)
    checkpoints = {} if compilation.optimization else spec.checkpoints
    return spec_text(program, docs, compilation.bounds, checkpoints)


def spec_text(
    program: Program,
    docs: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    checkpoints: Mapping[str, Checkpoint] | None = None,
) -> str:
    """The text of a spec of ``program`` alone, in the canonical layout.

    It needs no other file, and its network has the program's fingerprint. ``program.arguments`` stay
    parameters; all others are settled. Warnings that the texts silence which the program came from are
    silenced in it too.

    Args:
        program: any program, whatever it came from.
        docs: what its arguments are for, by name.
        bounds: those that the program was held to.
        checkpoints: what published weights call its layers; those that hold for the text too are in it.

    Raises:
        NetspecError: an argument decides something that is no number, or the program has what no spec can say.
    """
    closed = with_closed_blocks(program)
    found = templates(closed, _accept)
    _refuse_guards(found, closed)
    data = PrintedNetwork(closed, found, docs or {}).data()
    text = _written(data)
    again = elaborate(bind_spec(parse(text, FILE)), bounds=bounds)
    if fingerprint(again) != fingerprint(program):
        raise InternalError("the network of a spec that was written is another")
    entries = checkpoints_data(checkpoints or {}, program, again)
    if entries:
        text = _written({**data, "checkpoints": entries})
    codes = silenced_codes(program)
    return _formatted(with_ignores(text, FILE, codes, bounds)) if codes else text


def _written(data: dict[str, Any]) -> str:
    text = _formatted(to_yaml(data))
    if not same(bare(data), parse(text, FILE).data):
        raise InternalError("the text of a spec says something else than what it is made of")
    return text


def _formatted(text: str) -> str:
    found = format_text(text, FILE)
    assert found is not None  # it has the key `netspec`
    return found


def _accept(template: Template) -> None:
    """Refuse one body for shapes where something decides that has no formula."""
    for item in template.walk():
        if isinstance(item, Choice) and item.test.node is None:
            raise Diverges(item.test)


def _refuse_guards(found: Templates, program: Program) -> None:
    """Raise :class:`NetspecError` where arguments that are kept decide anything, once for each place."""
    guards = guards_of(found)
    if not guards:
        return
    refused = [
        Diagnostic(
            "NS706",
            f"{names} cannot be kept: {what} depends on it here",
            span,
            "leave it out of what is kept; `--set` gives it its value",
        )
        for (what, span), names in deciding(guards, program).items()
    ]
    raise NetspecError(sorted(refused, key=by_position))


__all__ = ["resolved_text", "spec_text"]
