"""Makes torchvision importable without its compiled operators, and timm with it.

The models are pure Python; only importing the package asks for the operators to be declared. Where a
torchvision with its own operators is installed, nothing is declared.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

OPERATORS = [
    "nms",
    "qnms",
    "roi_align",
    "roi_pool",
    "ps_roi_align",
    "ps_roi_pool",
    "deform_conv2d",
    "qroi_align",
    "_roi_align_backward",
    "_roi_pool_backward",
    "_ps_roi_align_backward",
    "_ps_roi_pool_backward",
    "_deform_conv2d_backward",
]

_kept_alive: list[Any] = []


def import_torchvision() -> ModuleType:
    """torchvision; skips the tests that ask for it where it is not installed."""
    try:
        return _import()
    except ModuleNotFoundError as error:
        pytest.skip(f"comparison with torchvision: {error}", allow_module_level=True)


def import_timm() -> ModuleType:
    """timm; skips the tests that ask for it where it or torchvision is not installed."""
    import_torchvision()
    try:
        import timm
    except ModuleNotFoundError as error:
        pytest.skip(f"comparison with timm: {error}", allow_module_level=True)
    return timm  # type: ignore[no-any-return]


def _import() -> ModuleType:
    import torch

    try:
        import torchvision
    except RuntimeError:  # "operator torchvision::nms does not exist"
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in OPERATORS:
            library.define(f"{name}(Tensor a, Tensor b, float c) -> Tensor")
        _kept_alive.append(library)
        import torchvision
    return torchvision  # type: ignore[no-any-return]
