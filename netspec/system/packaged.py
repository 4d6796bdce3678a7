"""Files that come with the package: specs, templates, the text of modules."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path


def packaged(package: str) -> Path:
    """The folder of a package of ours, which is installed as files.

    ``importlib.resources`` would do, and read archives too; importing it takes as long as reading a spec.
    """
    return Path(import_module(package).__path__[0])
