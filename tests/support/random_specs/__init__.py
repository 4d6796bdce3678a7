"""Random small specs over the whole language, most of them valid.

A spec is a tree of plain values, dumped as YAML. What makes most of them valid: every number of channels
is a multiple of four, written down as an expression over the names that hold everywhere in its block,
and what changes a size inside a combinator does it alike on every path (to ceil(size / stride)).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import strategies as st

from tests.support.random_specs.naming import NAMINGS
from tests.support.random_specs.numbers import Dice, Value
from tests.support.random_specs.specs import Specs

__all__ = ["NAMINGS", "dump", "spec_texts", "specs_and_namings"]


def dump(spec: Value) -> str:
    """A spec as YAML text."""
    return str(yaml.dump(spec, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=100))


class _Dumper(yaml.SafeDumper):
    """Writes a value that stands in two places twice: the language has no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@st.composite
def specs_and_namings(
    draw: Callable[[st.SearchStrategy[Any]], Any],
) -> tuple[str, Counter[str]]:
    """The YAML text of a random spec, and how often it has each of the kinds of names."""
    specs = Specs(Dice(draw))
    return dump(specs.spec()), specs.naming


@st.composite
def spec_texts(draw: Callable[[st.SearchStrategy[Any]], Any]) -> str:
    """The YAML text of a random spec."""
    return dump(Specs(Dice(draw)).spec())
