"""Writing a dictionary of tensors as ``torch.save`` does, one tensor at a time.

``torch.save`` wants all of them in memory. The file is the same: a zip archive, not compressed, with a
pickle of names and shapes and a member for each tensor's values.
"""

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.ir import Program
from netspec.weights.storage.tensors import StoredTensor

_ALIGNMENT = 64
"""Where values may begin, so that the file can be mapped."""
_LOCAL_HEADER = 30
_ZIP64_EXTRA = 20
_STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
}


def write_pickled(path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
    """Write ``tensors``, whatever their network, each read once, in their order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        _add(archive, "data.pkl", _pickle(tensors))
        _add(archive, "byteorder", sys.byteorder.encode())
        for index, tensor in enumerate(tensors.values()):
            _add_values(archive, f"data/{index}", tensor)
        _add(archive, "version", b"3\n")


@dataclass(frozen=True)
class _Storage:
    """Stands for the values of one tensor in the pickle."""

    key: str
    tensor: StoredTensor


class _Tensor:
    """Pickles as a PyTorch tensor."""

    def __init__(self, storage: _Storage) -> None:
        self._storage = storage

    def __reduce__(self) -> tuple[Any, ...]:
        from torch._utils import _rebuild_tensor_v2

        shape = self._storage.tensor.shape
        strides: list[int] = []
        step = 1
        for length in reversed(shape):
            strides.insert(0, step)
            step *= max(length, 1)
        hooks: OrderedDict[str, Any] = OrderedDict()
        arguments = (self._storage, 0, shape, tuple(strides), False, hooks)
        return _rebuild_tensor_v2, arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        """PyTorch's way to say in the pickle where values lie."""
        import torch

        if not isinstance(value, _Storage):
            return None
        kind = getattr(torch, _STORAGES[value.tensor.dtype])
        return ("storage", kind, value.key, "cpu", value.tensor.count)


def _pickle(tensors: Mapping[str, StoredTensor]) -> bytes:
    buffer = io.BytesIO()
    stand_ins = OrderedDict(
        (name, _Tensor(_Storage(str(index), tensor)))
        for index, (name, tensor) in enumerate(tensors.items())
    )
    _Pickler(buffer, protocol=2).dump(stand_ins)
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    with archive.open(zipfile.ZipInfo(f"archive/{name}"), "w") as member:
        member.write(content)


def _add_values(archive: zipfile.ZipFile, name: str, tensor: StoredTensor) -> None:
    entry = zipfile.ZipInfo(f"archive/{name}")
    entry.file_size = tensor.bytes
    large = tensor.bytes > zipfile.ZIP64_LIMIT // 2
    assert archive.fp is not None
    start = archive.fp.tell() + _LOCAL_HEADER + len(entry.filename) + _ZIP64_EXTRA * large
    # An extra field that readers pass over: two letters, its length, and what fills the gap.
    gap = -(start + 4) % _ALIGNMENT
    entry.extra = b"FB" + gap.to_bytes(2, "little") + bytes(gap)
    with archive.open(entry, "w", force_zip64=large) as member:
        member.write(tensor.read().reshape(-1).view("uint8").data)
