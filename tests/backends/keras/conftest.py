"""What the tests of the Keras backend share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("keras")
pytest.importorskip("tensorflow")


@pytest.fixture
def float64() -> Iterator[None]:
    """Both frameworks make and compute everything in float64."""
    from tests.support.agreement import precision

    with precision("float64"):
        yield
