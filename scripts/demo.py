"""``make demo``: ResNet-50 from one YAML file, in both frameworks, and the proof that they agree.

Writes ``build/resnet50_torch.py`` and ``build/resnet50_keras.py``. The comparison is in float64, where
what rounding leaves is far below any mistake.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SPEC = ROOT / "specs" / "resnet.yaml"
BUILD = ROOT / "build"
BACKENDS = ("torch", "keras")
SIZE = (64, 96)
"""Small and rectangular: quick, and no axis passes for another."""
TOLERANCE = 1e-9


def main() -> int:
    """Compile, write, print and compare; 0 when everything agrees."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import netspec

    network = netspec.load(SPEC)
    print(f"{network.name}, from {SPEC.relative_to(ROOT)}")
    print(network.summary())
    files = _write_sources(network)
    return _compare(network, files)


def _write_sources(network: Any) -> dict[str, Path]:
    from netspec.system.files import write_atomically

    BUILD.mkdir(exist_ok=True)
    files = {name: BUILD / f"{network.name}_{name}.py" for name in BACKENDS}
    print()
    for name, path in files.items():
        source = network.generate(name)
        write_atomically(path, source)
        print(f"wrote {path.relative_to(ROOT)} ({source.count(chr(10))} lines)")
    return files


def _use_float64() -> None:
    import torch

    from netspec.backends.keras.framework import load_keras

    keras = load_keras()
    torch.set_default_dtype(torch.float64)
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")


def _compare(network: Any, files: dict[str, Path]) -> int:
    """Give all models the live PyTorch model's weights, run them on one input, and compare."""
    import numpy

    import netspec
    from netspec.backends.base import get_backend

    print("\nloading PyTorch and TensorFlow", flush=True)
    _use_float64()
    live = {name: network.build(name, SIZE) for name in BACKENDS}
    generated = {
        name: _generated(path, network.name, SIZE if name == "keras" else None)
        for name, path in files.items()
    }
    shape = (2, network.network.source.channels, *SIZE)
    inputs = numpy.random.default_rng(0).standard_normal(shape)
    reference = live["torch"]
    expected = get_backend("torch").run(reference, inputs)["output"]
    print(
        f"largest difference from the live PyTorch model in float64, over its largest output,\n"
        f"for two images of {SIZE[0]}×{SIZE[1]}:"
    )
    agree = True
    for kind, name, model in [
        ("live", "keras", live["keras"]),
        ("generated", "torch", generated["torch"]),
        ("generated", "keras", generated["keras"]),
    ]:
        netspec.transfer_weights(reference, model, network)
        found = get_backend(name).run(model, inputs)["output"]
        difference = float(abs(found - expected).max() / abs(expected).max())
        agree = agree and difference <= TOLERANCE
        print(f"  {kind + ' ' + name:<16} {difference:.1e}")
    print("they agree" if agree else f"they DIFFER by more than {TOLERANCE}")
    return 0 if agree else 1


def _generated(path: Path, function: str, size: tuple[int, ...] | None) -> Any:
    """The model that a generated file makes; Keras' functions take the size of their input."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    make = getattr(module, function)
    return make() if size is None else make(input_shape=(*size, 3))


if __name__ == "__main__":
    sys.exit(main())
