"""What TensorFlow says of the machine is kept away; what else is said is not."""

from __future__ import annotations

import os
from unittest.mock import Mock

import pytest

from netspec.backends.keras.framework import _without_remarks
from tests.support.isolated import python


def test_remarks_are_dropped_and_the_rest_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with _without_remarks():
        os.write(2, b"I0000 00:00:1795556437.033753    2773 port.cc:153] oneDNN is on\n")
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\n")
        os.write(2, b"something is wrong\n")
    assert capfd.readouterr().err == "something is wrong\n"
    os.write(2, b"I0000 00:00:1795556437.033753    2773 port.cc:153] later\n")
    assert "later" in capfd.readouterr().err


def test_what_is_said_ahead_of_an_error_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with _without_remarks():
            os.write(2, b"the reason\n")
            raise ImportError

    with pytest.raises(ImportError):
        fail()
    assert capfd.readouterr().err == "the reason\n"


def test_where_no_file_can_be_made_all_is_passed_on(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", Mock(side_effect=FileNotFoundError))
    with _without_remarks():
        os.write(2, b"something is wrong\n")
    assert capfd.readouterr().err == "something is wrong\n"


def test_loading_keras_says_nothing() -> None:
    code = "from netspec.backends.keras.framework import load_keras; load_keras()"
    process = python("-c", code, TF_CPP_MIN_LOG_LEVEL="0", CUDA_VISIBLE_DEVICES="-1")
    assert process.returncode == 0
    assert process.stderr == ""
