"""Parameters that the generated function keeps, where the network's structure hangs on them.

What cannot be kept may be refused, with a code and a place. What is written must be right.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import netspec
from tests.contract.command import netspec_command
from tests.contract.generated import BACKENDS, check_generated, model_of

pytest.importorskip("keras")
pytestmark = pytest.mark.usefixtures("one_thread")

FOLDER = Path(__file__).parent / "kept"


def is_refused(*command: object) -> bool:
    """Whether a command ends with errors in the spec; it may end well, and in no third way."""
    done = netspec_command(*command)
    assert done.status in (0, 1), done.err
    assert (done.status == 1) == ("error[NS" in done.out + done.err)
    return done.status == 1


def parameters_of(model: Any, backend: str) -> int:
    """The number of trainable values."""
    tensors = model.parameters() if backend == "torch" else model.trainable_variables
    return sum(math.prod(tensor.shape) for tensor in tensors)


@pytest.mark.parametrize("classes", [10, 3], ids=["the-specs-own", "another-branch"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_source_is_the_network_that_the_spec_gives(
    backend: str, classes: int, tmp_path: Path
) -> None:
    """At ten classes there is a hidden layer, at three there is none."""
    spec, path = FOLDER / "decides_structure.yaml", tmp_path / "source.py"
    if is_refused("generate", spec, "--backend", backend, "-o", path):
        return
    expected = netspec.load(spec, overrides={"classes": classes}).summary().parameters.trainable
    assert parameters_of(model_of(path, "b", classes=classes), backend) == expected


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["sizes_the_input", "strides"])
def test_a_kept_size_or_stride_is_written_or_refused(
    name: str, backend: str, tmp_path: Path
) -> None:
    spec = FOLDER / f"{name}.yaml"
    if is_refused("validate", spec):
        return
    if not is_refused("generate", spec, "--backend", backend):
        check_generated(spec, backend, tmp_path)
