"""What netspec is called where packages are installed from: not ``netspec``, which is a stranger's."""

from __future__ import annotations

DISTRIBUTION = "netspec-compiler"


def install_command(extra: str) -> str:
    """What one types to get netspec with an extra, such as ``torch``."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"
