"""Silence, and what goes through it."""

from __future__ import annotations

import pytest

from netspec.cli.quiet import quiet
from tests.support.isolated import python

PROGRAM = """
import logging, os, sys, warnings
from netspec.cli.quiet import quiet

def noise():
    print("printed")
    os.write(1, b"from C on 1\\n")
    os.write(2, b"from C on 2\\n")
    warnings.warn("warned")
    logging.getLogger("some.library").error("logged")

try:
    with quiet():
        noise()
        print("progress", file=sys.stderr)
        FAIL
except ValueError:
    pass
print("out again")
print("err again", file=sys.stderr)
os.write(2, b"C again\\n")
"""


@pytest.mark.parametrize("fail", ["pass", "raise ValueError"])
def test_only_what_goes_to_standard_error_on_purpose_is_shown(fail: str) -> None:
    process = python("-c", PROGRAM.replace("FAIL", fail))
    assert process.returncode == 0, process.stderr
    assert process.stdout == "out again\n"
    assert process.stderr == "progress\nerr again\nC again\n"


def test_streams_that_lead_elsewhere_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    with quiet():
        print("seen")
        warnings.warn("not seen", stacklevel=1)
    assert capsys.readouterr() == ("seen\n", "")
