"""Passes over code: each makes of a class or function one that does the same and reads better.

They run in the order of :data:`PASSES`, on what a generator wrote, ahead of the layout. A pass is a function in
a file of its name; the first line of its docstring says what it does. None knows of networks or frameworks.
Those that roll rounds up, and those of a backend, run behind them and are called by the generators.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from netspec.codegen.passes.blocks import Definition
from netspec.codegen.passes.choose_values import choose_values
from netspec.codegen.passes.drop_dead_stores import drop_dead_stores
from netspec.codegen.passes.fold_copies import fold_copies
from netspec.codegen.passes.one_test import one_test
from netspec.codegen.passes.one_variable import one_variable
from netspec.codegen.passes.positive_tests import positive_tests
from netspec.codegen.passes.read_originals import read_originals
from netspec.codegen.passes.share_ends import share_ends
from netspec.codegen.passes.share_values import share_values
from netspec.codegen.passes.use_at_once import use_at_once


class Pass(Protocol):
    """What a pass is to those who run it."""

    def __call__(self, definition: Definition) -> Definition:
        """The class or function, rewritten; what is given does not change."""


PASSES: tuple[Pass, ...] = (
    share_values,
    share_ends,
    one_variable,
    one_test,
    positive_tests,
    choose_values,
    use_at_once,
    drop_dead_stores,
    fold_copies,
    read_originals,
)
"""What generated code goes through, in order."""


def tidied(definitions: Iterable[Definition]) -> list[Definition]:
    """Classes and functions after all passes."""
    found = [*definitions]
    for run in PASSES:
        found = [run(definition) for definition in found]
    return found
