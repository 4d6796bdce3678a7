"""Bringing the tensors of a file and of a network together: by name and shape, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netspec.errors import Diagnostic, nearest
from netspec.weights.checkpoints.naming import Naming, Slot
from netspec.weights.checkpoints.options import Matching
from netspec.weights.checkpoints.prefixes import common_prefix, explained
from netspec.weights.storage.tensors import FLOATS, NUMBERS, StoredTensor

_MAX_HINTS = 40
"""So many problems get the nearest name; finding them takes time that grows with the square."""
_MAX_CANDIDATES = 200


@dataclass
class Match:
    """The tensors of one file under one naming of a network.

    Attributes:
        naming: whose names it is about.
        tensors: the network's tensors by canonical name, in canonical layout.
        extras: what the file holds besides, by canonical name, in the file's dtype.
        missing: canonical names that the file lacks, as allowed.
        unexpected: the file's names that the network has no use for, as allowed.
        unfit: what the file holds besides and cannot be carried over, in words.
        prefix: what was taken off every name.
        problems: what is wrong, everything.
    """

    naming: Naming
    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    extras: dict[str, StoredTensor] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)
    prefix: str = ""
    problems: list[Diagnostic] = field(default_factory=list)


def match(file: str, tensors: Mapping[str, StoredTensor], naming: Naming, how: Matching) -> Match:
    """Bring ``tensors`` of ``file``, by the file's names, and the network together.

    What does not fit is in :attr:`Match.problems`; the caller decides.
    """
    known = tuple(naming.files.prefixes())
    renaming = how.renaming
    is_of_whole_names = renaming is not None and renaming.fits(tensors)
    names = {name: name for name in tensors}
    if renaming is not None and is_of_whole_names:
        names = dict(renaming.apply(tensors))
    prefix = common_prefix(tuple(names.values()), naming.slots, known)
    names = {name: new.removeprefix(prefix) for name, new in names.items()}
    if renaming is not None and not is_of_whole_names:  # of what is left of them, then
        renamed = renaming.apply(names.values())
        names = {name: renamed[bare] for name, bare in names.items()}
    normal = naming.normalised(names.values())
    result = Match(naming, prefix=prefix)
    found: dict[str, StoredTensor] = {}
    originals: dict[str, str] = {}
    for name, new in names.items():
        key = normal[new]
        if key in found:  # `conv2d` and `conv2d_0` count alike
            result.problems.append(_same(file, originals[key], name.removeprefix(prefix)))
        found[key], originals[key] = tensors[name], name.removeprefix(prefix)
    absent: dict[str, Slot] = {}
    misshapen: list[str] = []
    for name, slot in naming.slots.items():
        tensor = found.get(name)
        if tensor is None:
            absent[name] = slot
        elif tensor.shape != slot.shape:
            misshapen.append(name)
        elif tensor.dtype not in FLOATS:
            result.problems.append(_wrong_dtype(file, name, tensor))
        else:
            result.tensors[slot.name] = naming.decoded(name, tensor)
    for name, (canonical, start) in naming.extras.items():
        tensor = found.get(name)
        if tensor is None:
            continue
        if tensor.shape == start.shape and tensor.dtype in NUMBERS:
            result.extras[canonical] = tensor
        else:
            result.unfit.append(f"`{originals[name]}` {_shape(tensor.shape)} {tensor.dtype}")
    left = [name for name in found if name not in naming.slots and name not in naming.extras]
    _settle(file, result, absent, misshapen, left, found, originals, how)
    if result.problems:
        one = explained(file, found, naming.slots)
        result.problems = [one] if one else result.problems
    return result


def _settle(
    file: str,
    result: Match,
    absent: Mapping[str, Slot],
    misshapen: Iterable[str],
    left: Sequence[str],
    found: Mapping[str, StoredTensor],
    originals: Mapping[str, str],
    how: Matching,
) -> None:
    """Sort what does not fit into what is allowed and what is a problem."""
    slots = result.naming.slots
    for name in misshapen:
        slot = slots[name]
        if how.may_be_missing(name, slot.name) and how.may_be_unexpected(name, originals[name]):
            result.missing.append(slot.name)
            result.unexpected.append(originals[name])
        else:
            result.problems.append(_wrong_shape(file, name, found[name].shape, slot.shape))
    missing = []
    for name, slot in absent.items():
        if how.may_be_missing(name, slot.name):
            result.missing.append(slot.name)
        else:
            missing.append(name)
    unexpected = []
    for name in left:
        if how.may_be_unexpected(name, originals[name]):
            result.unexpected.append(originals[name])
        else:
            unexpected.append(name)
    hints = _Hints(
        {name: slots[name].shape for name in missing},
        {name: found[name].shape for name in unexpected},
    )
    result.problems += [
        Diagnostic(
            "NS603",
            f"{file}: missing `{name}` {_shape(slots[name].shape)}",
            help=hints.of_missing(name),
        )
        for name in missing
    ]
    result.problems += [
        Diagnostic(
            "NS604",
            f"{file}: unexpected `{originals[name]}` {_shape(found[name].shape)}",
            help=hints.of_unexpected(name),
        )
        for name in unexpected
    ]


def _wrong_shape(
    file: str, name: str, found: tuple[int, ...], expected: tuple[int, ...]
) -> Diagnostic:
    return Diagnostic(
        "NS605", f"{file}: `{name}` is {_shape(found)}, and the network's {_shape(expected)}"
    )


def _same(file: str, first: str, second: str) -> Diagnostic:
    return Diagnostic("NS604", f"{file}: `{first}` and `{second}` are the same tensor's name")


def _wrong_dtype(file: str, name: str, tensor: StoredTensor) -> Diagnostic:
    known = ", ".join(FLOATS)
    return Diagnostic("NS606", f"{file}: `{name}` is {tensor.dtype}; weights are {known}")


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + "×".join(str(length) for length in shape) + ")"


class _Hints:
    """The nearest names, among those of equal shape first, for as many problems as time allows."""

    def __init__(
        self, missing: Mapping[str, tuple[int, ...]], unexpected: Mapping[str, tuple[int, ...]]
    ) -> None:
        self._missing = missing
        self._unexpected = unexpected
        self._left = _MAX_HINTS

    def of_missing(self, name: str) -> str | None:
        """What a missing tensor may be called in the file."""
        near = self._nearest(name, self._missing[name], self._unexpected)
        return f"the file has `{near}`; --map renames" if near else None

    def of_unexpected(self, name: str) -> str | None:
        """What a tensor of the file may be in the network."""
        near = self._nearest(name, self._unexpected[name], self._missing)
        return f"the network has `{near}`; --map renames" if near else None

    def _nearest(
        self, name: str, shape: tuple[int, ...], others: Mapping[str, tuple[int, ...]]
    ) -> str | None:
        if not others or self._left == 0:
            return None
        self._left -= 1
        alike = [other for other, its in others.items() if its == shape]
        return nearest(name, alike[:_MAX_CANDIDATES] or list(others)[:_MAX_CANDIDATES])
