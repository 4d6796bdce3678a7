"""Initialisers of generated source that several layers use."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from netspec.backends.keras.rows import SIGNATURE_DEFAULTS
from netspec.codegen.calls import Call, same_call, varies
from netspec.codegen.explanation import Decisions
from netspec.codegen.frame import modules_of
from netspec.codegen.identifiers import Namespace, snake_case
from netspec.codegen.nodes import call, function
from netspec.codegen.printing import Printer

_DOC = "A new initializer for each layer: one that is shared would give equal weights."


@dataclass
class _Initializer:
    made: Call
    count: int = 0
    name: str = ""


class SharedInitializers:
    """Initialisers that several layers use become functions, which are counted first and named then.

    Attributes:
        modules: what the functions take from Keras.
    """

    def __init__(self) -> None:
        self._found: list[_Initializer] = []
        self._names: Namespace | None = None
        self.modules: set[str] = set()

    def rewrite(self, made: Call) -> ast.expr | None:
        """The call of the function for an initialiser; None where it is written out."""
        if not made.target.startswith("initializers.") or varies(made):
            return None
        found = next((each for each in self._found if same_call(each.made, made)), None)
        if found is None:
            found = _Initializer(made)
            self._found.append(found)
        if self._names is None:
            found.count += 1
            return None
        if found.count < 2:
            return None
        found.name = found.name or self._names.add(_initializer_name(made))
        return call(found.name)

    def settle(self, names: Namespace) -> None:
        """Counting is over: from now on what occurred twice has a name."""
        self._names = names

    def explain(self, decisions: Decisions) -> None:
        """Note what has a function of its own, and why."""
        for each in self._found:
            if each.name:
                reason = f"one for the {each.count} places that start alike"
                decisions.note("shared", f"{each.name}()", reason)

    def functions(self) -> list[ast.stmt]:
        """The functions that were called, in the order of their first use."""
        plain = Printer(SIGNATURE_DEFAULTS)
        functions = [
            function(each.name, [], [ast.Return(plain.call(each.made))], doc=_DOC)
            for each in self._found
            if each.name
        ]
        self.modules = modules_of(plain.targets)
        return functions


def _initializer_name(made: Call) -> str:
    """By its distribution, and by the number that makes it another than those of its kind."""
    kind = made.target.removeprefix("initializers.")
    if kind != "VarianceScaling":
        number = (*made.args, *made.kwargs.values())[-1]
        return "_".join((snake_case(kind), re.sub(r"\W", "_", f"{number:.3g}")))
    prefix = "he" if made.kwargs["scale"] == 2 else "scaled"
    spread = "uniform" if made.kwargs["distribution"] == "uniform" else "normal"
    return f"{prefix}_{spread}_{made.kwargs['mode']}"
