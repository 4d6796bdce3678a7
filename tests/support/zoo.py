"""The zoo, compiled for tests: every network of every file, by name, whole or shrunk."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from netspec.api import CompiledNetwork
from netspec.backends.keras.naming import flat_name
from netspec.compilation import Compilation
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values
from netspec.ir import Program
from netspec.lang import library
from netspec.lang.expression import expr
from netspec.lang.schema.bind import bind_spec
from netspec.lang.schema.syntax import Output, Spec
from netspec.lang.source import parse


@cache
def zoo_spec(file: str) -> Spec:
    """A zoo file, bound."""
    return bind_spec(parse(library.zoo_text(file), f"{file}.yaml"))


def zoo_names() -> list[str]:
    """Every network of the zoo: the variants, and the files that have none."""
    names: list[str] = []
    for file in library.zoo_files():
        names += list(zoo_spec(file).variants) or [file]
    return names


def zoo_cases(slow: Container[str] = ()) -> list[Any]:
    """Every network of the zoo as a parameter of a test.

    Those that have the layers of another of their file in other numbers (all that ``SHRUNK`` does not name)
    are left to the slow tests, and so is what ``slow`` names: the suite does not grow with each variant.
    """
    return [
        pytest.param(name, marks=pytest.mark.slow)
        if name not in REPRESENTATIVES or name in slow
        else name
        for name in zoo_names()
    ]


def zoo_network(name: str, overrides: Mapping[str, Any] | None = None) -> Program:
    """A network of the zoo by its own name."""
    return zoo_compiled(name, overrides).network


def zoo_compiled(
    name: str,
    overrides: Mapping[str, Any] | None = None,
    size: Sequence[int] | None = None,
    taps: bool = False,
) -> CompiledNetwork:
    """A network of the zoo by its own name.

    Args:
        name: the variant's, or the file's where it has none.
        overrides: values of parameters.
        size: the input's spatial size in place of the spec's, which no parameter sets.
        taps: make the end of every stage an output, called by its path with ``_`` for ``.``.
    """
    file, variant = library.zoo_variants()[name]
    spec = zoo_spec(file)
    arguments = apply_overrides(spec, variant, from_values(overrides or {}))
    if size is not None:
        lengths = tuple(expr.constant(n, spec.size[0].span) for n in size)
        spec = dataclasses.replace(spec, size=lengths)
    if taps:
        paths = [stage.path for stage in elaborate(spec, variant, arguments).stages]
        outputs = {flat_name(path): Output(path, False, spec.span, spec.span) for path in paths}
        spec = dataclasses.replace(spec, outputs=outputs)
    network = elaborate(spec, variant, arguments)
    return CompiledNetwork(Compilation(spec, network, arguments, None))


@dataclass(frozen=True)
class Shrunk:
    """A network of a zoo file with every kind of block that it has, small enough to run in no time.

    Attributes:
        name: the variant.
        overrides: depth and width of the small one.
        sizes: inputs of unequal lengths, of even and of odd ones.
        heavy: left to the slow tests.
    """

    name: str
    overrides: dict[str, Any]
    sizes: tuple[tuple[int, ...], ...]
    heavy: bool = field(default=False)

    @property
    def file(self) -> str:
        """The zoo file that it comes from."""
        return library.zoo_variants()[self.name][0]

    def compiled(self, size: tuple[int, ...] | None = None, taps: bool = False) -> CompiledNetwork:
        """The small network for inputs of ``size``, the first of its sizes unless given."""
        return zoo_compiled(self.name, self.overrides, size or self.sizes[0], taps)

    def __str__(self) -> str:
        return self.name


_LARGE = ((48, 70), (37, 51))
_CIFAR = ((16, 26), (13, 19))
_SHALLOW = {"depths": [2, 1, 2, 1], "width": 8, "classes": 7}
# what is dropped is drawn anew in each model: `test_libraries` holds it against torchvision
_UNDROPPED = {"drop_path": 0.0, "dropout": 0.0, "classes": 7}
_NARROW = {"width_factor": 0.25, "depths": [2, 1, 2, 1], **_UNDROPPED}
_BLOCKS = {
    "widths": [16, 24, 24, 32],
    "strides": [1, 2, 1, 2],
    "width_factor": 0.25,
    **{"dropout": 0.0, "classes": 7},
}

SHRUNK = (
    Shrunk("resnet18", _SHALLOW, _LARGE),
    Shrunk("resnet50", _SHALLOW, _LARGE),
    Shrunk("resnext50_32x4d", {**_SHALLOW, "width": 16, "groups": 4, "base_width": 16}, _LARGE),
    Shrunk("wide_resnet50_2", _SHALLOW, _LARGE, heavy=True),
    Shrunk("resnet50_keras", _SHALLOW, _LARGE),
    Shrunk("resnet50v2", _SHALLOW, _LARGE),
    Shrunk("resnet20", {"blocks": 2, "width": 8}, _CIFAR),
    Shrunk("preact110", {"blocks": 2, "width": 8}, _CIFAR),
    Shrunk("preact164", {"blocks": 2, "width": 8}, _CIFAR),
    Shrunk("wrn_16_8", {"blocks": 2, "widen": 1, "drop_rate": 0.0}, _CIFAR),
    Shrunk("plain18", _SHALLOW, _LARGE),
    Shrunk("seresnet50", _SHALLOW, _LARGE),
    Shrunk("seresnext50_32x4d", {**_SHALLOW, "groups": 4, "base_width": 16}, _LARGE, heavy=True),
    Shrunk("article_resnet", {**_SHALLOW, "width": 4}, _LARGE),
    Shrunk("densenet121", {**_SHALLOW, "growth": 4}, _LARGE),
    Shrunk("efficientnet_b0", _NARROW, _LARGE),
    Shrunk(
        "mobilenet_v3_large",
        {
            **{"kernels": [3, 5, 3], "expanded": [16, 24, 32], "widths": [16, 16, 24]},
            **{"attention": [False, True, True], "strides": [1, 1, 2], "swish_from": 2},
            **{"last": 16, "classes": 7, "dropout": 0.0},
        },
        _LARGE,
    ),
    Shrunk(
        "regnet_y_400mf",
        {"depths": [1, 1, 2, 1], "widths": [16, 16, 32, 32], "group_width": 8, "classes": 7},
        _LARGE,
    ),
    Shrunk("pyramidnet110_a84", {"blocks": 2, "alpha": 12, "width": 8}, _CIFAR),
    Shrunk("tsc_resnet", {"width": 8}, ((64,), (53,))),
    Shrunk("r2plus1d_18", {"width": 8, "classes": 7}, ((6, 24, 20), (5, 19, 21)), heavy=True),
    Shrunk("r3d_18", {"width": 8, "classes": 7}, ((6, 24, 20), (5, 19, 21)), heavy=True),
    Shrunk("resnet20_b", {"blocks": 2, "width": 8}, _CIFAR, heavy=True),
    Shrunk("resnet50d", _SHALLOW, _LARGE, heavy=True),
    Shrunk("resnet50_v1", _SHALLOW, _LARGE, heavy=True),
    Shrunk("preact50", _SHALLOW, _LARGE, heavy=True),
    Shrunk("resnet50_gn", {**_SHALLOW, "width": 32}, _LARGE, heavy=True),
    Shrunk("resnetv2_50", _SHALLOW, _LARGE, heavy=True),
    Shrunk(
        "resnext29_16x64d",
        {"blocks": 2, "width": 8, "groups": 2, "base_width": 16},
        _CIFAR,
        heavy=True,
    ),
    Shrunk("densenet_bc_100_12", {"depth": 2, "growth": 4}, _CIFAR, heavy=True),
    Shrunk("pyramidnet101_a360", {**_SHALLOW, "alpha": 12}, _LARGE, heavy=True),
    Shrunk("mobilenet_1_0", _BLOCKS, _LARGE, heavy=True),
    Shrunk("mobilenet_v2", _BLOCKS, _LARGE, heavy=True),
    Shrunk(
        "mobilenetv2_100",
        {"depths": [1, 2], "widths": [8, 12], "strides": [1, 2], "classes": 7},
        _LARGE,
        heavy=True,
    ),
    Shrunk("mobilenetv3_large_100", {"classes": 7}, _LARGE, heavy=True),
    Shrunk(
        "timm_efficientnet_b0",
        {
            **{"depths": [1, 2], "widths": [16, 24], "kernels": [3, 5], "strides": [1, 2]},
            **_UNDROPPED,
        },
        _LARGE,
        heavy=True,
    ),
    Shrunk(
        "efficientnet_v2_s",
        {"depths": [1, 2, 1, 1], "widths": [24, 24, 32, 40], **_UNDROPPED},
        _LARGE,
        heavy=True,
    ),
    Shrunk(
        "efficientnet_b0_keras",
        {"depths": [1, 2, 1, 1, 1, 1, 1], "width_factor": 0.25, **_UNDROPPED},
        _LARGE,
        heavy=True,
    ),
    Shrunk("iresnet50", {"depths": [2, 1, 2, 1], "width": 8, "features": 7}, _LARGE),
    Shrunk("reid", {"depths": [2, 1, 2, 1], "width": 8, "classes": 7}, _LARGE, heavy=True),
    Shrunk(
        "convnext_tiny",
        {**_SHALLOW, "drop_path": 0.0, "preprocessing": True},
        ((64, 70), (53, 51)),
    ),
    Shrunk("ecaresnet50d", _SHALLOW, _LARGE, heavy=True),
    Shrunk(
        "resnet101_caffe", {"depths": [2, 3, 2, 1], "width": 8, "classes": 7}, _LARGE, heavy=True
    ),
    Shrunk(
        "mobilenet_v3_large_keras",
        {
            **{"kernels": [3, 5, 3], "expansions": [1, 1.5, 2], "widths": [16, 16, 24]},
            **{"attention": [False, True, True], "strides": [1, 1, 2], "swish_from": 2},
            **{"last": 16, "classes": 7, "dropout": 0.0},
        },
        _LARGE,
        heavy=True,
    ),
    Shrunk(
        "vgg16",
        {"depths": [1, 2, 1, 1, 1], "widths": [8] * 5, "dropout": 0.0, "classes": 7},
        _LARGE,
        heavy=True,
    ),
    Shrunk(
        "vgg16_keras",
        {"depths": [1, 2, 1, 1, 1], "widths": [8] * 5, "hidden": 16, "classes": 7},
        _LARGE,
        heavy=True,
    ),
    Shrunk(
        "tf_efficientnetv2_b0",
        {"depths": [1, 1, 1, 1], "widths": [16, 16, 24, 24], **_UNDROPPED},
        _LARGE,
        heavy=True,
    ),
)
"""At least one network of every zoo file; those of files whose blocks have like ones elsewhere are heavy."""

REPRESENTATIVES = frozenset(shrunk.name for shrunk in SHRUNK if not shrunk.heavy)
"""Networks that stand for those of their kind."""


KINDS = (
    *("resnet50", "preact110", "wrn_16_8", "article_resnet", "densenet121", "efficientnet_b0"),
    *("mobilenet_v3_large", "regnet_y_400mf", "tsc_resnet"),
)
"""One network of each kind of block, for tests that take seconds a network."""


def shrunk_cases(quick: Container[str] | None = None) -> list[Any]:
    """The shrunk networks as parameters of a test; all but ``quick``, where given, are left to the slow tests."""
    return [
        pytest.param(
            shrunk,
            id=str(shrunk),
            marks=pytest.mark.slow
            if shrunk.heavy or (quick is not None and shrunk.name not in quick)
            else (),
        )
        for shrunk in SHRUNK
    ]
