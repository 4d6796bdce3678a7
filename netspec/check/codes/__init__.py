"""The registry of diagnostics: what every code means, with an example and its cure.

The texts are data, in the YAML files of this package. `netspec explain`, `docs/diagnostics.md` and
the rules of SARIF come from here; a test holds the codes against those that the package raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from netspec.errors import Severity, severity_of

GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "files": "Files, YAML and keys",
        "values": "Names, expressions and values",
        "lints": "Lints",
        "shapes": "Shapes",
        "bounds": "Bounds",
        "checkpoints": "Files of weights",
        "backends": "Backends",
    }
)
"""The data files, without `.yaml`, and what each holds; in the order of their codes."""


@dataclass(frozen=True)
class Code:
    """What one code means.

    Attributes:
        code: such as ``NS101``.
        group: the key of :data:`GROUPS` that it belongs to.
        title: what is wrong, in a few words.
        cause: why that is a problem, or how it comes about.
        cure: what to do about it.
        bad: a whole spec that has the problem; None where no small text shows it.
        good: the same spec without it.
        enabled: whether a lint is looked for without being asked for; True for errors.
    """

    code: str
    group: str
    title: str
    cause: str
    cure: str
    bad: str | None = None
    good: str | None = None
    enabled: bool = True

    @property
    def severity(self) -> Severity:
        """``error``, or ``warning`` for a lint."""
        return severity_of(self.code)


@cache
def registry() -> Mapping[str, Code]:
    """Every code, in order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Code] = {}
    for group in GROUPS:
        text = (files(__name__) / f"{group}.yaml").read_text(encoding="utf-8")
        for code, entry in yaml.load(text, Loader=loader).items():
            found[code] = Code(code=code, group=group, **entry)
    return MappingProxyType(found)
