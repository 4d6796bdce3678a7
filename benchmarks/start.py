"""``make bench``: how long the command takes to start, as people and hooks call it: one short task a process.

Each command is measured against what the libraries that it cannot do without cost alone,
``python -c "import pydantic, yaml"``, in turn with it, as processor time of whole processes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (sys.executable, "-c", "import pydantic, yaml")
COMMANDS = {
    "--help": 0.45,
    "validate specs/resnet.yaml": 2.5,
    "summary resnet50": 2.5,
    "generate resnet152 --backend torch --no-check": 3.0,
}
"""Commands, and how many times the libraries they are meant to take at most."""


def seconds(command: Sequence[str]) -> float:
    """The processor time, user and system, of a process and what it starts.

    Python keeps what it compiles, as it does where a package was installed.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="measurements of each command")
    rounds = parser.parse_args().rounds
    program = str(Path(sys.executable).with_name("netspec"))
    measured = {text: [program, *text.split()] for text in COMMANDS}
    for command in measured.values():
        seconds(command)  # what is not compiled yet is now
    libraries: list[float] = []
    times: dict[str, list[float]] = {text: [] for text in COMMANDS}
    for _ in range(rounds):
        libraries.append(seconds(LIBRARIES))
        for text, command in measured.items():
            times[text].append(seconds(command))
    base = statistics.median(libraries)
    print(f'{base * 1e3:6.0f} ms         python -c "import pydantic, yaml"')
    for text, most in COMMANDS.items():
        took = statistics.median(times[text])
        print(f"{took * 1e3:6.0f} ms  × {took / base:4.2f}  netspec {text}  (meant: {most})")


if __name__ == "__main__":
    main()
