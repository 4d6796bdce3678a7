"""PyTorch's files of weights: names and layouts, which are the canonical ones, and its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.ir import Layer, Program
from netspec.ops.normalization import BatchNorm
from netspec.ops.types import Parameter
from netspec.weights.storage.formats import Contents, Format
from netspec.weights.storage.tensors import StoredTensor, in_memory

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array

COUNTER = "num_batches_tracked"


class PickledFormat:
    """A dictionary of tensors as ``torch.save`` writes it; see :class:`Format`."""

    title = "PyTorch checkpoint"
    reads_with: tuple[str, ...] = ("torch",)
    writes_with: tuple[str, ...] | None = ("torch",)

    def open(self, path: Path, take: str | None) -> AbstractContextManager[Contents]:
        """The tensors of a checkpoint, however it is wrapped; nothing in it is run."""
        from netspec.backends.torch.pickled import open_pickled

        return open_pickled(path, take)

    def write(self, path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
        """Write a plain dictionary of tensors, which ``load_state_dict`` takes."""
        from netspec.backends.torch.pickling import write_pickled

        write_pickled(path, tensors)


class _ReadOnly(PickledFormat):
    """The same under a suffix that others give it."""

    writes_with: tuple[str, ...] | None = None


class TorchFiles:
    """See :class:`netspec.backends.base.WeightFiles`."""

    formats: Mapping[str, Format] = {
        ".pt": PickledFormat(),
        ".pth": PickledFormat(),
        ".pth.tar": _ReadOnly(),
        ".th": _ReadOnly(),
        ".ckpt": _ReadOnly(),
        ".bin": _ReadOnly(),
    }

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
