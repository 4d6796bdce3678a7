"""What training scripts put around a dictionary of tensors, and which of several is meant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.errors import UsageError, did_you_mean
from netspec.storage.refusal import damaged

_WEIGHTS = ("state_dict", "model_state_dict", "model", "net", "module", "network", "params")
"""Keys under which scripts keep the weights, the likeliest first."""
_MAX_DEPTH = 4

Tensors = dict[str, Any]


def unwrap(path: Path, loaded: Any, take: str | None) -> tuple[Tensors, tuple[str, ...]]:
    """The tensors of a checkpoint by name, and what was chosen.

    Without ``take``, weights are preferred to their moving average (``ema``), and both are spoken of.
    """
    sets = dict(_sets(loaded, ""))
    if not sets:
        raise damaged(path, f"holds {_kind(loaded)}, and no dictionary of tensors")
    if take is not None:
        if take not in sets:
            hint = did_you_mean(take, [name for name in sets if name])
            listed = hint or "it is a plain dictionary of tensors: leave out --take"
            raise UsageError(f"{path}: holds no weights called `{take}`; {listed}")
        chosen = take
    elif "" in sets:
        chosen = ""
    else:
        ranked = sorted(sets, key=_rank)
        chosen = ranked[0]
        if len(ranked) > 1 and _rank(ranked[1])[:2] == _rank(chosen)[:2]:
            named = ", ".join(f"`{name}`" for name in ranked)
            raise UsageError(f"{path}: holds several sets of tensors, {named}; choose with --take")
    return sets[chosen], tuple(_notes(loaded, sets, chosen))


def _sets(value: Any, place: str, depth: int = 0) -> list[tuple[str, Tensors]]:
    """Every dictionary of tensors inside, by the keys that lead there."""
    if not isinstance(value, Mapping) or depth > _MAX_DEPTH:
        return []
    tensors = {key: v for key, v in value.items() if isinstance(key, str) and _is_tensor(v)}
    found = [(place, tensors)] if tensors and len(tensors) * 2 > len(value) else []
    for key, inside in value.items():
        if isinstance(key, str) and isinstance(inside, Mapping) and key != "optimizer":
            found += _sets(inside, f"{place}.{key}" if place else key, depth + 1)
    return found


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.layout == torch.strided


def _rank(name: str) -> tuple[bool, int, str]:
    """Weights ahead of averages of them, known keys ahead of others."""
    last = name.rpartition(".")[2]
    known = _WEIGHTS.index(last) if last in _WEIGHTS else len(_WEIGHTS)
    return ("ema" in name.lower(), known, name)


def _notes(loaded: Any, sets: dict[str, Tensors], chosen: str) -> list[str]:
    notes = []
    if chosen:
        notes.append(f"took `{chosen}`")
    others = [f"`{name}`" for name in sets if name != chosen and not name.startswith(f"{chosen}.")]
    if others:
        notes.append(f"left {', '.join(others)}; --take chooses")
    top = chosen.partition(".")[0]
    if chosen:
        rest = [f"`{key}`" for key in loaded if key != top and f"`{key}`" not in others]
        if rest:
            notes.append(f"left {', '.join(rest)}")
    else:
        odd = [f"`{key}`" for key in loaded if key not in sets[chosen]]
        if odd:
            notes.append(f"left {', '.join(odd)}, which are no tensors")
    return notes


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = [str(key)[:40] for key in value]
        return (
            f"a dictionary with {', '.join(f'`{key}`' for key in keys[:5])}" if keys else "nothing"
        )
    return f"a {type(value).__name__}"
