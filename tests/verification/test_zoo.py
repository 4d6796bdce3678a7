"""Every network of the zoo verifies at level training: a small one of each file, and all at full depth."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from netspec.lang import library
from netspec.verification.run import Options, Origin, verify
from tests.support.zoo import SHRUNK, Shrunk, shrunk_cases, zoo_names

pytest.importorskip("keras")

QUICK = ("resnet50", "preact110", "article_resnet", "densenet121", "efficientnet_b0")
"""A post-activated, a pre-activated, a flattened, a concatenated and a conditional one."""


def test_every_file_of_the_zoo_is_here() -> None:
    assert {shrunk.file for shrunk in SHRUNK} == {*library.zoo_files()}


@pytest.mark.parametrize("shrunk", shrunk_cases(QUICK))
def test_a_small_one_of_each_file(shrunk: Shrunk) -> None:
    result = verify(shrunk.compiled().compilation, Options(), Origin(shrunk.name))
    assert [failure.message for _, _, failure in result.failures()] == []
    assert result.dtype == "float64"
    assert len(result.witnesses) == 4
    for witness in result.witnesses:
        assert [level.level for level in witness.levels] == [
            "shapes",
            "start",
            "forward",
            "training",
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo_names())
def test_all_at_full_depth_and_width(name: str) -> None:
    """In a process of its own, which gives its memory back."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "netspec", "verify", name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: 4 models agree at level training" in done.stdout
