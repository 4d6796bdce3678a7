"""Reading PyTorch checkpoints: dictionaries of tensors, however wrapped, without running anything.

``torch.load`` unpickles with ``weights_only=True``, always. In the zip format, which PyTorch has
written since 1.6, it is asked for tensors without values, and each is read from its place in the file
when it is needed. The older format can only be read whole.
"""

from __future__ import annotations

import argparse
import pickletools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from netspec.backends.torch.wrapped import Unwrapped, unwrap
from netspec.errors import NetspecError
from netspec.weights.storage.archive import Member, is_archive, members_of, open_file
from netspec.weights.storage.formats import Contents
from netspec.weights.storage.refusal import damaged, unsafe
from netspec.weights.storage.tensors import StoredTensor, carrier, read_at

if TYPE_CHECKING:
    from netspec.weights.storage.tensors import Array

_MAX_PICKLE = 256 << 20
"""The part that is unpickled holds names and shapes; a million tensors need less."""
_SHOWN = 5


@contextmanager
def open_pickled(path: Path, take: str | None) -> Iterator[Contents]:
    """The tensors of a checkpoint; see :meth:`netspec.weights.storage.formats.Format.open`."""
    if not is_archive(path):
        with _in_memory(path, unwrap(path, _load(path), take)) as contents:
            yield contents
        return
    members = members_of(path)
    size = sum(m.size for name, m in members.items() if name.rpartition("/")[2] == "data.pkl")
    if size > _MAX_PICKLE:
        raise unsafe(path, f"its pickle has {size:,} bytes; names and shapes take far fewer")
    turned = _is_turned(path, members)
    found = None if turned else _without_values(path, take)
    if found is None:
        with _in_memory(path, unwrap(path, _load(path, mmap=not turned), take)) as contents:
            yield contents
        return
    _require_values(path, [name for name, t in found.tensors.items() if not _has_place(t)])
    records = [member for name, member in members.items() if "/data/" in name]
    with open_file(path) as file:
        tensors = {name: _placed(path, file, records, t) for name, t in found.tensors.items()}
        yield Contents(tensors, found.notes, found.others, found.odd)


@contextmanager
def _in_memory(path: Path, found: Unwrapped) -> Iterator[Contents]:
    """The contents of a checkpoint that was read whole."""
    _require_values(path, [name for name, tensor in found.tensors.items() if tensor.is_meta])
    tensors = {name: _held(tensor) for name, tensor in found.tensors.items()}
    yield Contents(tensors, found.notes, found.others, found.odd)


def _without_values(path: Path, take: str | None) -> Unwrapped | None:
    """The tensors, on PyTorch's meta device; None where they cannot be there, or their places be told.

    Quantised and nested tensors have no such form.
    """
    try:
        loaded = _load(path, map_location="meta")
    except NetspecError:
        return None
    found = unwrap(path, loaded, take)
    return found if all(_tells_places(tensor) for tensor in found.tensors.values()) else None


def _is_turned(path: Path, members: Mapping[str, Member]) -> bool:
    """Whether the file comes from a machine that has its bytes in the other order.

    PyTorch swaps them, and crashes where there are none to swap, as on the meta device.
    """
    for name, member in members.items():
        if name.rpartition("/")[2] == "byteorder":
            with open_file(path) as file:
                file.seek(member.offset)
                return file.read(min(member.size, 8)) != sys.byteorder.encode()
    return False


def _tells_places(tensor: Any) -> bool:
    """Whether the file has the values as they are, and this PyTorch says where; or it reads them itself."""
    return hasattr(tensor.untyped_storage(), "_checkpoint_offset") and not tensor.is_neg()


def _has_place(tensor: Any) -> bool:
    return tensor.untyped_storage()._checkpoint_offset is not None or not tensor.numel()


def _require_values(path: Path, lost: list[str]) -> None:
    """Raise :class:`NetspecError` for tensors that were saved without values, as on the meta device."""
    if lost:
        more = f" and {len(lost) - 1:,} more tensors" if len(lost) > 1 else ""
        verb = "hold" if len(lost) > 1 else "holds"
        raise damaged(
            path, f"`{lost[0]}`{more} in it {verb} no values, as on PyTorch's meta device"
        )


def _load(path: Path, **options: Any) -> Any:
    """What the checkpoint holds; raises :class:`NetspecError` where it cannot or must not be read."""
    import warnings

    import torch

    try:
        # Training scripts keep their arguments beside the weights. Nothing runs when they are read.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, weights_only=True, **{"map_location": "cpu", **options})
    except Exception as error:  # whatever a damaged file leads the unpickler to
        asked = _foreign(path)
        if asked:
            raise unsafe(path, _refusal(asked)) from None
        reason = str(error).strip().splitlines()
        raise damaged(
            path,
            f"no readable PyTorch checkpoint ({reason[0] if reason else type(error).__name__})",
        ) from None


def _refusal(asked: list[str]) -> str:
    named = ", ".join(f"`{name}`" for name in asked[:_SHOWN])
    more = f" and {len(asked) - _SHOWN} more" if len(asked) > _SHOWN else ""
    return (
        f"reading it would call {named}{more}, which could run anything; a checkpoint holds "
        "tensors: save `model.state_dict()`"
    )


def _foreign(path: Path) -> list[str]:
    """What the pickle asks for and ``weights_only`` refuses."""
    import torch

    if is_archive(path):
        try:
            return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
        except Exception:  # the pickle is damaged
            return []
    return sorted(set(_foreign_globals(path)))


def _foreign_globals(path: Path) -> Iterator[str]:
    """The same for the older format, of which the first pickles are looked through."""
    words: list[str] = []
    with open_file(path) as file:
        try:
            while True:
                for opcode, argument, _ in pickletools.genops(file):
                    if opcode.name == "GLOBAL":
                        name = str(argument).replace(" ", ".")
                        if not name.startswith(("torch.", "collections.")):
                            yield name
                    elif opcode.name == "STACK_GLOBAL":
                        yield ".".join(words[-2:])
                    elif isinstance(argument, str):
                        words = [*words[-1:], argument]
        except Exception:  # values begin behind the pickles
            return


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _held(tensor: Any) -> StoredTensor:
    """A tensor whose values are in memory, or mapped there."""
    dtype = _dtype(tensor)

    def read() -> Array:
        import torch

        values = tensor.detach().resolve_neg().contiguous()
        array: Array = values.view(torch.int16).numpy() if dtype == "bfloat16" else values.numpy()
        return array.view(carrier(dtype))

    return StoredTensor(dtype, tuple(tensor.shape), read)


def _placed(path: Path, file: BinaryIO, records: list[Member], tensor: Any) -> StoredTensor:
    """A tensor whose values lie in the file, in one of the archive's ``records``."""
    dtype, shape = _dtype(tensor), tuple(tensor.shape)
    strides = tuple(tensor.stride())
    place = tensor.untyped_storage()._checkpoint_offset or 0
    first = place + tensor.storage_offset() * tensor.element_size()

    def read() -> Array:
        import numpy
        from numpy.lib.stride_tricks import as_strided

        record = next((member for member in records if member.offset == place), Member(0, 0))
        count = 0
        if 0 not in shape:
            count = 1 + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        written = carrier(dtype).newbyteorder("<")
        flat = read_at(path, file, first, record.offset + record.size, written, (count,))
        if not count:
            return flat.reshape(shape)
        steps = [step * flat.itemsize for step in strides]
        return numpy.ascontiguousarray(as_strided(flat, shape, steps)).reshape(shape)

    return StoredTensor(dtype, shape, read)
