"""What training scripts put around a dictionary of tensors, and which of several is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.errors import UsageError, did_you_mean
from netspec.storage.refusal import damaged

_WEIGHTS = ("state_dict", "model_state_dict", "model", "net", "module", "network", "params")
"""Keys under which scripts keep the weights, the likeliest first."""
_AVERAGES = ("ema", "swa", "averaged", "average")
"""Words of keys under which scripts keep an average of the weights."""
_WORDS = re.compile(r"[a-z0-9]+")
_MAX_DEPTH = 4

Tensors = dict[str, Any]


def unwrap(
    path: Path, loaded: Any, take: str | None
) -> tuple[Tensors, tuple[str, ...], tuple[str, ...]]:
    """The tensors of a checkpoint by name, what was chosen, and the names of the other sets.

    Without ``take``, weights are preferred to their moving average (``ema``), and both are spoken of.
    """
    sets = dict(_sets(loaded, "", set()))
    if not sets:
        raise damaged(path, f"holds {_kind(loaded)}, and no dictionary of tensors")
    likely = [name for name in sets if _is_likely(loaded, name, sets[name])] or list(sets)
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
            named = ", ".join(f"`{name}`" for name in ranked)
            raise UsageError(f"{path}: holds several sets of tensors, {named}; choose with --take")
    others = tuple(n for n in sets if n != chosen and not (chosen and n.startswith(f"{chosen}.")))
    return sets[chosen], tuple(_notes(loaded, sets[chosen], chosen, others)), others


def _sets(value: Any, place: str, seen: set[int], depth: int = 0) -> list[tuple[str, Tensors]]:
    """Every dictionary inside that holds tensors, once each, by the keys that lead there."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH or id(value) in seen:
        return []
    seen.add(id(value))  # a dictionary may hold itself
    tensors = {key: v for key, v in value.items() if isinstance(key, str) and _is_tensor(v)}
    found = [(place, tensors)] if tensors else []
    for key, inside in value.items():
        if isinstance(key, str) and isinstance(inside, Mapping) and key != "optimizer":
            found += _sets(inside, f"{place}.{key}" if place else key, seen, depth + 1)
    return found


def _is_likely(loaded: Any, place: str, tensors: Tensors) -> bool:
    """Whether a set may be weights: scripts call it so, or it holds little else."""
    return _last(place) in _WEIGHTS or len(tensors) * 2 > len(_at(loaded, place))


def _at(loaded: Any, place: str) -> Mapping[Any, Any]:
    """The dictionary at a place; keys may hold dots themselves."""
    for key, inside in loaded.items() if place else ():
        if key == place:
            return inside  # type: ignore[no-any-return]
        if isinstance(key, str) and place.startswith(f"{key}.") and isinstance(inside, Mapping):
            return _at(inside, place[len(key) + 1 :])
    return loaded  # type: ignore[no-any-return]


def _last(place: str) -> str:
    return place.rpartition(".")[2]


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.layout == torch.strided


def _rank(name: str) -> tuple[bool, int, str]:
    """Weights ahead of averages of them; known keys, then the whole file, then other keys."""
    words = set(_WORDS.findall(name.lower()))
    known = (*_WEIGHTS, "")
    order = known.index(_last(name)) if _last(name) in known else len(known)
    return (not words.isdisjoint(_AVERAGES), order, name)


def _notes(loaded: Any, tensors: Tensors, chosen: str, sets: Sequence[str]) -> list[str]:
    notes = []
    if chosen:
        notes.append(f"took `{chosen}`")
    others = [f"`{name}`" for name in sets if name]
    if others:
        notes.append(f"left {', '.join(others)}; --take chooses")
    top = chosen.partition(".")[0]
    if chosen:
        rest = [f"`{key}`" for key in loaded if key != top and f"`{key}`" not in others]
        if rest:
            notes.append(f"left {', '.join(rest)}")
    inside = _at(loaded, chosen)
    odd = [f"`{key}`" for key in inside if key not in tensors and f"`{key}`" not in others]
    if odd:
        notes.append(f"left {', '.join(odd)}, which are no plain tensors")
    return notes


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = [str(key)[:40] for key in value]
        return (
            f"a dictionary with {', '.join(f'`{key}`' for key in keys[:5])}" if keys else "nothing"
        )
    return f"a {type(value).__name__}"
