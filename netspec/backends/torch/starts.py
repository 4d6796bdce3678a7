"""How the parameters of generated source start: by one loop over all modules, or by their class."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from netspec.codegen.layout import Document, Operation, text_of
from netspec.codegen.statements import Do, If, Statement, render


def base_class(target: str) -> str:
    """The class of PyTorch that a module of generated source is one of."""
    return re.sub(r"^(?:Same|Pad|Cut)(Conv(?:Transpose)?\dd)$", r"nn.\1", target).replace(
        "ChannelNorm", "nn.LayerNorm"
    )


@dataclass
class Starts:
    """How the parameters of each class of modules start, over the whole network.

    Attributes:
        found: by class and parameter, every call that is needed; None for what PyTorch does itself.
        various: what depends on numbers of each block, so that no call serves all.
        owners: how many modules have each parameter.
        modules: how many modules there are of each class.
    """

    found: dict[tuple[str, str], dict[str | None, Document | None]] = field(default_factory=dict)
    various: set[tuple[str, str]] = field(default_factory=set)
    owners: Counter[tuple[str, str]] = field(default_factory=Counter)
    modules: Counter[str] = field(default_factory=Counter)

    def note(self, target: str, name: str, document: Document | None, varies: bool) -> None:
        """Take down one parameter, with the call that starts it if PyTorch does not."""
        key = (target, name)
        text = None if document is None else text_of(document)
        self.found.setdefault(key, {})[text] = document
        self.owners[key] += 1
        if varies:
            self.various.add(key)

    def add(self, other: Starts) -> None:
        """Take down all that ``other`` has."""
        for key, documents in other.found.items():
            self.found.setdefault(key, {}).update(documents)
        self.various |= other.various
        self.owners += other.owners
        self.modules += other.modules

    def is_uniform(self, target: str, name: str) -> bool:
        """Whether all modules of a class start this parameter by the same call, or by none."""
        key = (target, name)
        return key not in self.various and len(self.found[key]) == 1

    def loop(self) -> list[Statement]:
        """The body of a loop over ``module`` that starts what is uniform."""
        by_target: dict[str, list[Statement]] = {}
        for (target, name), documents in self.found.items():
            document = next(iter(documents.values()))
            if document is None or not self.is_uniform(target, name):
                continue
            statement: Statement = Do(document)
            if self.owners[target, name] < self.modules[target]:
                statement = If(f"module.{name} is not None", (statement,))
            by_target.setdefault(target, []).append(statement)
        alike: dict[str, tuple[list[str], list[Statement]]] = {}
        for target, statements in by_target.items():
            alike.setdefault(render(statements, 0), ([], statements))[0].append(target)
        chain: tuple[Statement, ...] = ()
        for targets, statements in reversed(alike.values()):
            classes = targets[0] if len(targets) == 1 else f"({', '.join(targets)})"
            chain = (_joined(f"isinstance(module, {classes})", statements, chain),)
        return list(chain)


def _joined(test: str, statements: list[Statement], chain: tuple[Statement, ...]) -> If:
    """The statements under a test, which a single condition inside becomes a part of.

    A module for which only the inner one fails passes on along the chain, where nothing is for it:
    the classes are disjoint.
    """
    match statements:
        case [If(test=str() as inner, then=then, other=())]:
            return If(Operation("and", (test, inner)), then, chain)
    return If(test, tuple(statements), chain)
