"""The format safetensors, which belongs to no framework: whose names it holds has to be said.

The library checks the header; the values are read and written here, tensor by tensor, since the
library maps or holds the whole file, and has no bfloat16 without another package.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from netspec.weights.storage.archive import open_file
from netspec.weights.storage.formats import Contents, Format, refuse_choice
from netspec.weights.storage.refusal import damaged
from netspec.weights.storage.tensors import StoredTensor, carrier, read_at

if TYPE_CHECKING:
    from netspec.ir import Program
    from netspec.weights.storage.tensors import Array

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
}
_CODES = {name: code for code, name in _NAMES.items()}
_ALIGNMENT = 8


@contextmanager
def _open(path: Path, take: str | None) -> Iterator[Contents]:
    """The tensors of a file whose header the library accepts."""
    refuse_choice(path, take)
    with open_file(path) as file:
        _check_header(path)
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length), object_pairs_hook=_once(path))
        header.pop("__metadata__", None)
        start = 8 + length
        yield Contents({name: _tensor(path, file, start, entry) for name, entry in header.items()})


def _write(path: Path, network: Program, tensors: Mapping[str, StoredTensor]) -> None:
    """Write the header, then every tensor behind the one before."""
    # The largest dtypes first keep all of them aligned, as the library has it.
    order = sorted(tensors, key=lambda n: (-carrier(tensors[n].dtype).itemsize, n))
    with path.open("wb") as file:
        file.write(_header(network, tensors, order))
        for name in order:
            file.write(_little_endian(tensors[name].read()).data)


SAFETENSORS = Format("safetensors", _open, _write, ("safetensors",), ())


def _check_header(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy"):
            pass
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, f"no readable safetensors file ({error})") from None


def _once(path: Path) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """What makes a mapping of JSON's pairs, whose names may not repeat; the library takes the last."""

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise damaged(path, f"`{name}` is in it twice")
            found[name] = value
        return found

    return mapping


def _tensor(path: Path, file: BinaryIO, start: int, entry: dict[str, Any]) -> StoredTensor:
    first, last = entry["data_offsets"]
    shape = tuple(entry["shape"])
    dtype = _NAMES.get(entry["dtype"], entry["dtype"].lower())

    def read() -> Array:
        written = carrier(dtype).newbyteorder("<")
        return read_at(path, file, start + first, start + last, written, shape)

    return StoredTensor(dtype, shape, read)


def _header(network: Program, tensors: Mapping[str, StoredTensor], order: list[str]) -> bytes:
    # The order of several metadata keys would differ from run to run, hence a single one.
    origin = json.dumps({"name": network.name, "variant": network.variant}, sort_keys=True)
    header: dict[str, object] = {"__metadata__": {"netspec": origin}}
    offset = 0
    for name in order:
        tensor = tensors[name]
        header[name] = {
            "dtype": _CODES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.bytes],
        }
        offset += tensor.bytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


def _little_endian(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)
