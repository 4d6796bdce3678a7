"""Run Python in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax")

_PROBE = """
import json, sys
{code}
loaded = sorted({{name.partition('.')[0] for name in sys.modules}})
print('\\n' + json.dumps(loaded))
"""


def python(
    *arguments: str, cwd: Path | None = None, timeout: float = 120, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The finished process of ``python arguments``, with text captured; environment on top of ours."""
    import os

    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        stdin=subprocess.DEVNULL,
        timeout=timeout,
    )


def loaded_modules(code: str) -> set[str]:
    """The top-level modules in memory after ``code`` has run in a fresh interpreter."""
    process = python("-c", _PROBE.format(code=code))
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout.splitlines()[-1]))
