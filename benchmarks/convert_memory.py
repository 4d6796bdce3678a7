"""How much memory `netspec convert` takes, above what importing the libraries takes.

Each conversion runs in a process of its own: it converts a small network first, which imports all that is
needed, then the large one. Reported is how far the peak of resident memory rises between the two, beside
the size of the weights and of the largest tensor. Needs Linux, for `/proc`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LARGE_LINEAR = """
netspec: 1
name: large_linear
input: {channels: 64, size: [16, 16]}
stem: [flatten, {linear: {out: 2048}}, relu, {linear: {out: 2048}}]
"""
"""One tensor of 128 MiB, which Keras has transposed and permuted, and one of 16 MiB."""

SMALL = """
netspec: 1
name: small
input: {channels: 3, size: [8, 8]}
stem: [{conv: {out: 4, kernel: 3}}, norm, flatten, {linear: {out: 2}}]
"""

WAYS = (
    ("torch", ".safetensors", "torch", ".safetensors"),
    ("torch", ".safetensors", "torch", ".pt"),
    ("torch", ".pt", "torch", ".safetensors"),
    ("torch", ".pt", "keras", ".safetensors"),
    ("torch", ".pt", "keras", ".keras"),
    ("torch", ".pt", "keras", ".weights.h5"),
    ("keras", ".keras", "torch", ".pt"),
    ("keras", ".weights.h5", "torch", ".safetensors"),
)
MIB = 1 << 20


def status(key: str) -> int:
    """A size from `/proc/self/status`, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def measure(folder: Path, way: tuple[str, str, str, str], name: str) -> dict[str, int]:
    """Run in a process of its own: convert, and see how far the peak rises."""
    import netspec
    from netspec.weights.checkpoints import convert

    source, suffix, target, new = way
    compilations = {
        "small": netspec.loads(SMALL).compilation,
        "large_linear": netspec.loads(LARGE_LINEAR).compilation,
    }
    if name not in compilations:
        compilations[name] = netspec.load(name).compilation
    for each in ("small", name):
        before = status("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        convert(
            compilations[each],
            folder / f"{each}_{source}{suffix}",
            folder / f"out{new}",
            source=source,
            target=target,
        )
    return {"above": status("VmHWM") - before}


def prepare(folder: Path, names: list[str]) -> dict[str, tuple[int, int]]:
    """Write every network's weights in every format to be read; (all bytes, those of the largest)."""
    import netspec
    from netspec.weights.checkpoints import convert
    from netspec.weights.starting import initial_weights
    from netspec.weights.storage.safetensors import SAFETENSORS
    from netspec.weights.storage.tensors import in_memory

    sizes = {}
    for name in ("small", *names):
        texts = {"small": SMALL, "large_linear": LARGE_LINEAR}
        compiled = netspec.loads(texts[name]) if name in texts else netspec.load(name)
        weights = initial_weights(compiled.network, 0)
        sizes[name] = (
            sum(array.nbytes for array in weights.values()),
            max(array.nbytes for array in weights.values()),
        )
        start = folder / f"{name}_torch.safetensors"
        tensors = {key: in_memory(array) for key, array in weights.items()}
        SAFETENSORS.write(start, compiled.network, tensors)
        del weights, tensors
        for source, suffix in {(way[0], way[1]) for way in WAYS} - {("torch", ".safetensors")}:
            output = folder / f"{name}_{source}{suffix}"
            convert(compiled.compilation, start, output, source="torch", target=source)
    return sizes


def main() -> int:
    """Measure every way for every network, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=["large_linear", "wide_resnet101_2"])
    parser.add_argument("--measure", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.measure:
        folder, *way, name = arguments.measure
        print(json.dumps(measure(Path(folder), tuple(way), name)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        sizes = prepare(Path(folder), arguments.networks)
        for name in arguments.networks:
            total, largest = sizes[name]
            print(
                f"{name}: {total / MIB:,.0f} MiB of weights, the largest tensor {largest / MIB:,.1f}"
            )
            for way in WAYS:
                command = [sys.executable, __file__, "--measure", folder, *way, name]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                above = json.loads(done.stdout.splitlines()[-1])["above"]
                print(
                    f"  {way[0] + way[1]:<20} to {way[2] + way[3]:<20} {above / MIB:8,.1f} MiB, "
                    f"{above / largest:5.1f} times the largest tensor",
                    flush=True,
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
