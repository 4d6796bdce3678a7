"""Random specs with variants: what stands in a spec as a number becomes a parameter, and variants change it."""

from __future__ import annotations

import random
from typing import Any

import yaml


def with_variants(text: str, seed: int) -> dict[str, Any]:
    """The spec with a few variants, which mostly are networks, and now and then are refused."""
    dice = random.Random(seed)
    spec: dict[str, Any] = yaml.safe_load(text)
    params = spec.setdefault("params", {})
    blocks = [name for name, block in spec["blocks"].items() if not block.get("inline")]
    known = ("basic", "bottleneck", "preact_basic", "preact_bottleneck")
    while len(spec["stages"]) < 2:
        stride = dice.choice((1, 2, "1 if stage == 0 else 2"))
        spec["stages"].append({"block": "basic", "repeat": 2, "width": 8, "stride": stride})
    for number, stage in enumerate(spec["stages"]):
        if "from" not in stage and dice.random() < 0.7:  # what widens as blocks of ResNets do
            kept = {key: value for key, value in stage.items() if key in _OF_STAGES}
            stage.clear()
            stage.update(kept, block=dice.choice(known), width=dice.choice((4, 8)))
            if dice.random() < 0.3:
                stage[dice.choice(("first", "last"))] = {"width": dice.choice((4, 8))}
        if isinstance(stage.get("repeat"), int):
            params[f"depth_of_{number}"], stage["repeat"] = stage["repeat"], f"depth_of_{number}"
        if isinstance(stage.get("width"), int) and dice.random() < 0.5:
            params[f"width_of_{number}"], stage["width"] = stage["width"], f"width_of_{number}"
        if stage.get("block") in (*blocks, *known) and dice.random() < 0.4:
            params[f"block_of_{number}"] = {"type": "block", "default": stage["block"]}
            stage["block"] = f"block_of_{number}"
    changed = [name for name in params if name not in spec.get("arguments", ())]
    spec["variants"] = {
        f"member_{number}": {
            name: found
            for name in changed
            if dice.random() < 0.5 and (found := _other(name, params[name], dice)) is not None
        }
        for number in range(dice.randint(2, 3))
    }
    spec["default"] = "member_0"
    return spec


_OF_STAGES = ("name", "block_name", "repeat", "times", "stride", "stride_at", "between")
"""What stages have, whatever their block."""


def _other(name: str, value: Any, dice: random.Random) -> Any:
    """Another value of a parameter; None for one that is left alone."""
    match value:
        case {"type": "block"} if "block_of" in name:
            return dice.choice(("basic", "bottleneck"))
        case bool():
            return not value
        case int() if "depth" in name:
            return dice.randint(1, 4)
        case int():
            return value * dice.choice((1, 2, 3))
        case float():
            return value / 2
        case [int(), *_]:
            return [dice.randint(1, 3) for _ in value]
    return None
