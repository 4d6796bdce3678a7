"""Initialisers of generated source that several layers use."""

from __future__ import annotations

from collections import Counter

from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.codegen.calls import Call
from netspec.codegen.identifiers import Namespace, snake_case
from netspec.codegen.layout import Document, text_of
from netspec.codegen.printing import Printer
from netspec.codegen.statements import Return, render


class SharedInitializers:
    """Initialisers that several layers use become functions, which are counted first and named then."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.calls: dict[str, tuple[str, Call]] = {}
        self.names: Namespace | None = None

    def rewrite(self, made: Call) -> Document | None:
        """The call of the function for an initialiser; None where it is written out."""
        if not made.target.startswith("initializers."):
            return None
        plain = Printer(SIGNATURE_DEFAULTS)
        text = text_of(plain.call(made))
        if plain.names:
            return None
        self.counts[text] += 1
        if self.names is None or self.counts[text] < 2:
            return None
        if text not in self.calls:
            self.calls[text] = (self.names.add(_initializer_name(made)), made)
        return f"{self.calls[text][0]}()"

    def settle(self, names: Namespace) -> None:
        """Counting is over: from now on what occurred twice has a name."""
        self.names = names
        self.counts = Counter({text: 2 for text, count in self.counts.items() if count > 1})

    def functions(self) -> list[dict[str, str]]:
        """The functions that were called."""
        plain = Printer(SIGNATURE_DEFAULTS)
        return [
            {"name": name, "body": render([Return(plain.call(made))], 1)}
            for name, made in self.calls.values()
        ]


def _initializer_name(made: Call) -> str:
    kind = made.target.removeprefix("initializers.")
    if kind != "VarianceScaling":
        return snake_case(kind)
    prefix = "he" if made.kwargs["scale"] == 2 else "scaled"
    spread = "uniform" if made.kwargs["distribution"] == "uniform" else "normal"
    return f"{prefix}_{spread}_{made.kwargs['mode']}"
