"""``make bench``: how long `netspec validate` takes for many files, in one run on one processor.

There are two kinds of spec and three numbers of them. One file is the matter of ``start.py``.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = (100, 300, 1000)

SMALL = """\
netspec: 1
name: small
params: {width: 16}
input: {channels: 3, size: [32, 32]}
defaults: {conv: {bias: false}}
stem: [{conv: {out: width, kernel: 3}}, norm, act]
stages:
  times: 3
  block: basic
  repeat: 2
  width: width * 2 ** stage
  stride: "1 if stage == 0 else 2"
head: [global_avg_pool, {linear: {out: 10}}]
"""


def family(number: int) -> str:
    """ResNet-50 as a spec of its own, a little wider each time."""
    text = (ROOT / "specs" / "resnet.yaml").read_text(encoding="utf-8")
    text = re.sub(r"^default:.*\n|^variants:\n(?:  .*\n)+", "", text, flags=re.MULTILINE)
    return text.replace("width: 64\n", f"width: {64 + 8 * (number % 50)}\n", 1)


def small(number: int) -> str:
    """A network of eight layers that count, a little wider each time."""
    return SMALL.replace("width: 16", f"width: {16 + 8 * (number % 50)}")


def many_files(folder: Path, label: str, make: Callable[[int], str]) -> None:
    """Print how many files a second are checked in one run, on one processor."""
    from netspec.check.validate.files import find_targets
    from netspec.check.validate.options import Options
    from netspec.check.validate.run import check_files

    for count in NUMBERS:
        place = folder / f"{label.replace(' ', '-')}-{count}"
        place.mkdir()
        for number in range(count):
            (place / f"net{number}.yaml").write_text(make(number), encoding="utf-8")
        targets = find_targets([str(place)], ())
        check_files(targets[:1], Options(), jobs=1)
        start = time.process_time()
        results = check_files(targets, Options(), jobs=1)
        took = time.process_time() - start
        assert all(result is not None and not result.diagnostics for result in results)
        print(f"{count:5} files, {label}: {took:6.2f} s, {count / took:6.0f} files/s")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many_files(folder, "small networks", small)
        many_files(folder, "ResNet-50", family)


if __name__ == "__main__":
    main()
