"""What training scripts put around a dictionary of tensors, and which of several is meant."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.errors import UsageError, did_you_mean
from netspec.weights.storage.refusal import damaged

_WEIGHTS = ("state_dict", "model_state_dict", "model", "net", "module", "network", "params")
"""Keys under which scripts keep the weights, the likeliest first."""
_AVERAGES = ("ema", "swa", "averaged", "average")
"""Words of keys under which scripts keep an average of the weights."""
_WORDS = re.compile(r"[a-z0-9]+")
_MAX_DEPTH = 4
_SHOWN = 10
"""So many names are told; the rest is counted."""

Tensors = dict[str, Any]


@dataclass(frozen=True)
class _Set:
    """A dictionary inside a checkpoint that holds tensors.

    Attributes:
        keys: those that lead to it.
        inside: all that it holds.
        tensors: the plain ones of it.
    """

    keys: tuple[str, ...]
    inside: Mapping[Any, Any]
    tensors: Tensors


@dataclass(frozen=True)
class Unwrapped:
    """The set of tensors that is meant.

    Attributes:
        tensors: by name.
        notes: what was chosen, and what was left.
        others: the names of the other sets.
        odd: what the set holds under other names and is no plain tensor.
    """

    tensors: Tensors
    notes: tuple[str, ...]
    others: tuple[str, ...]
    odd: tuple[str, ...]


def unwrap(path: Path, loaded: Any, take: str | None) -> Unwrapped:
    """The tensors of a checkpoint, and what there is to say about them.

    Without ``take``, weights are preferred to their moving average (``ema``), and both are spoken of.
    """
    found = _sets(loaded, (), set())
    sets = {".".join(one.keys): one for one in found}
    if len(sets) < len(found):
        counts = Counter(".".join(one.keys) for one in found)
        twice = next(name for name, count in counts.items() if count > 1)
        raise damaged(path, f"two sets of tensors in it are called `{twice}`")
    if not sets:
        raise damaged(path, f"holds {_kind(loaded)}, and no dictionary of tensors")
    likely = [name for name, one in sets.items() if _is_likely(one)] or list(sets)
    if take is not None:
        if take not in sets:
            hint = did_you_mean(take, [name for name in sets if name])
            listed = hint or "it is a plain dictionary of tensors: leave out --take"
            raise UsageError(f"{path}: holds no weights called `{take}`; {listed}")
        chosen = take
    else:
        ranked = sorted(likely, key=_rank)
        chosen = ranked[0]
        if len(ranked) > 1 and _rank(ranked[1])[:2] == _rank(chosen)[:2]:
            named = ", ".join(f"`{name}`" for name in ranked[:_SHOWN])
            more = f" and {len(ranked) - _SHOWN:,} more" if len(ranked) > _SHOWN else ""
            raise UsageError(
                f"{path}: holds several sets of tensors, {named}{more}; choose with --take"
            )
    others = tuple(n for n in sets if n != chosen and not (chosen and n.startswith(f"{chosen}.")))
    odd = tuple(str(key) for key in sets[chosen].inside if key not in sets[chosen].tensors)
    odd = tuple(key for key in odd if key not in others)
    notes = tuple(_notes(loaded, sets[chosen].keys, others, odd))
    return Unwrapped(sets[chosen].tensors, notes, others, odd)


def _sets(value: Any, keys: tuple[str, ...], seen: set[int]) -> list[_Set]:
    """Every dictionary inside that holds tensors, once each."""
    if not isinstance(value, Mapping) or len(keys) > _MAX_DEPTH or id(value) in seen:
        return []
    seen.add(id(value))  # a dictionary may hold itself
    tensors = {key: v for key, v in value.items() if isinstance(key, str) and _is_tensor(v)}
    found = [_Set(keys, value, tensors)] if tensors else []
    for key, inside in value.items():
        if isinstance(key, str) and isinstance(inside, Mapping) and key != "optimizer":
            found += _sets(inside, (*keys, key), seen)
    return found


def _is_likely(one: _Set) -> bool:
    """Whether a set may be weights: scripts call it so, or it holds little else."""
    return _last(".".join(one.keys)) in _WEIGHTS or len(one.tensors) * 2 > len(one.inside)


def _last(place: str) -> str:
    return place.rpartition(".")[2]


def _is_tensor(value: Any) -> bool:
    import torch

    if not isinstance(value, torch.Tensor) or value.is_nested:
        return False
    return bool(value.layout == torch.strided)


def _rank(name: str) -> tuple[bool, int, str]:
    """Weights ahead of averages of them; known keys, then the whole file, then other keys."""
    words = set(_WORDS.findall(name.lower()))
    known = (*_WEIGHTS, "")
    order = known.index(_last(name)) if _last(name) in known else len(known)
    return (not words.isdisjoint(_AVERAGES), order, name)


def _notes(
    loaded: Any, keys: tuple[str, ...], others: Sequence[str], odd: Sequence[str]
) -> list[str]:
    notes = []
    if keys:
        notes.append(f"took `{'.'.join(keys)}`")
    named = [f"`{name}`" for name in others if name]
    if named:
        notes.append(f"left {', '.join(named)}; --take chooses")
    rest = []
    for depth, taken in enumerate(keys):  # what lies beside the set, at every step to it
        beside = [".".join((*keys[:depth], str(key))) for key in loaded if key != taken]
        rest += [f"`{place}`" for place in beside if place not in others]
        loaded = loaded[taken]
    if rest:
        notes.append(f"left {', '.join(rest)}")
    if odd:
        listed = ", ".join(f"`{key}`" for key in odd)
        notes.append(f"left {listed}, which are no plain tensors")
    return notes


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = [str(key)[:40] for key in value]
        return (
            f"a dictionary with {', '.join(f'`{key}`' for key in keys[:5])}" if keys else "nothing"
        )
    return f"a {type(value).__name__}"
