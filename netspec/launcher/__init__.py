"""What the ``netspec`` command starts with: nothing of another distribution lies among our files.

The public index has a package called ``netspec`` that is a stranger's, and pip lets it write into the
folder that ours is in. Its ``__init__.py`` may then stand in for ours, so this is installed beside that
folder, as ``netspec_compiler``, and looks before anything of ``netspec`` is imported.
"""

from __future__ import annotations

import gc
import os
import sys

GARBAGE_FROM = 100_000
"""So many new objects there are before garbage is looked for; it is 700 in Python."""


def find_stranger(folder: str) -> str | None:
    """The name and version of a distribution in ``folder`` whose files lie among ours, if there is one."""
    for name in os.listdir(folder):
        if name.startswith("netspec-") and name.endswith((".dist-info", ".egg-info")):
            return " ".join(name.rpartition(".")[0].split("-")[:2])
    return None


def main() -> int:
    """Run the command line; returns the exit status, 2 where two distributions share our folder."""
    stranger = find_stranger(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if stranger is not None:
        own = __name__.replace("_", "-")
        print(
            f"netspec: {stranger} from the package index is another project, and its files lie "
            f"among those of {own}: pip uninstall netspec {own}, then pip install {own}",
            file=sys.stderr,
        )
        return 2
    from netspec.cli import main as run

    # What there is at the end goes with the process: looking for garbage among all that was imported would
    # take a tenth of the time of a short command, at its start and once more at its end.
    gc.set_threshold(GARBAGE_FROM)
    try:
        return run()
    finally:
        gc.freeze()
