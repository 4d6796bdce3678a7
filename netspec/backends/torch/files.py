"""PyTorch's files of weights: names and layouts, which are the canonical ones, and its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from netspec.backends.torch.pickled import open_pickled
from netspec.backends.torch.pickling import write_pickled
from netspec.ir import Layer
from netspec.ops.normalization import BatchNorm
from netspec.ops.types import Parameter
from netspec.weights.storage.formats import Format
from netspec.weights.storage.tensors import StoredTensor, in_memory

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array

COUNTER = "num_batches_tracked"


_WRITTEN = Format("PyTorch checkpoint", open_pickled, write_pickled, ("torch",), ("torch",))
_READ = Format("PyTorch checkpoint", open_pickled, reads_with=("torch",))
"""The same under a suffix that others give it."""


class TorchFiles:
    """See :class:`netspec.backends.base.WeightFiles`."""

    formats: Mapping[str, Format] = {
        ".pt": _WRITTEN,
        ".pth": _WRITTEN,
        **dict.fromkeys((".pth.tar", ".th", ".ckpt", ".bin"), _READ),
    }

    names_tensors = True

    def name(self, layer: Layer, parameter: Parameter) -> str:
        """``conv1.weight``"""
        return f"{layer.path}.{parameter.name}"

    def shape(self, layer: Layer, parameter: Parameter) -> tuple[int, ...]:
        """The canonical one."""
        return parameter.shape

    def encode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """The canonical layout is PyTorch's."""
        return array

    def decode(self, layer: Layer, parameter: Parameter, array: Array) -> Array:
        """The canonical layout is PyTorch's."""
        return array

    def extras(self, layer: Layer) -> Mapping[str, StoredTensor]:
        """BatchNorm counts the batches that it has seen, which nothing but PyTorch does."""
        import numpy

        if not isinstance(layer.op, BatchNorm):
            return {}
        return {COUNTER: in_memory(numpy.array(0, numpy.int64))}

    def extra_name(self, layer: Layer, extra: str) -> str:
        """``bn1.num_batches_tracked``"""
        return f"{layer.path}.{extra}"

    def prefixes(self) -> Iterator[str]:
        """What wrappers of modules put ahead of every name."""
        yield from ("module.", "_orig_mod.", "model.")
