"""Dice, places, and numbers as expressions over the names that hold there."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")
Value = Any
Step = Any

MAX_LENGTH = 40
"""Longer expressions of channels are not built upon."""


_PYTHON = (
    "list",
    "list_",
    "print",
    "self",
    "super",
    "match",
    "type",
    "_",
    "__width",
    "int_",
    "Exception",
)
_FRAMEWORKS = (
    "nn",
    "nn_",
    "F",
    "torch",
    "Tensor",
    "keras",
    "layers",
    "ops",
    "math",
    "partial",
    "initializers",
)
_HELPERS = (
    "Scale",
    "ChannelNorm",
    "same_padding",
    "SameConv2d",
    "DropPath",
    "PadChannels",
    "expression",
)
_SOURCE = (
    "inputs",
    "outputs",
    "input_shape",
    "module",
    "blocks",
    "submodels",
    "y",
    "y2",
    "branch1",
)
_MADE = (
    "he_uniform_fan_in",
    "random_normal",
    "RandomNet",
    "random_net",
    "zeros",
    "Basic",
    "basic_net",
)
_KERAS = ("add", "add_1", "multiply", "dense", "conv2d", "input", "input_layer", "weights", "dtype")
_MODULE = (
    "forward",
    "train",
    "eval",
    "training",
    "T_destination",
    "call",
    "build",
    "parameters",
    "state_dict",
)

NAMES = (*_PYTHON, *_FRAMEWORKS, *_HELPERS, *_SOURCE, *_MADE, *_KERAS, *_MODULE)
"""For parameters, blocks, results, labels and outputs."""

LAYER_NAMES = (
    *(
        name
        for name in (*_PYTHON, *_FRAMEWORKS, *_HELPERS, *_SOURCE)
        if name[0] != "_" and name != "type"
    ),
    *(
        *_MADE,
        *_KERAS,
        "class",
        "None",
        "lambda",
        "def",
        "config",
        "trainable",
        "input.x",
        "self.nn",
    ),
)
"""For layers, which are attributes of modules."""


class Dice:
    """Draws with short names; what shrinking prefers comes first."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw

    def integer(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def choice(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, percent: int) -> bool:
        return self.integer(0, 99) >= 100 - percent


@dataclass
class Place:
    """Where steps are being written.

    Attributes:
        channels: an expression for the channels here, over names that hold in the whole block.
        size: changes whenever the size does; equal marks mean equal sizes.
        names: parameters by what they are for: width, odd, flag, rate, slope, count, padding, steps.
        blocks: blocks that keep the shape and may be called here.
        results: named results of this block, as (name, channels, size).
        depth: how many combinators deep.
        once: whether each step stands exactly once under its names, so that it may be named.
        portable: whether steps may only use names that hold wherever they are passed.
        prefixes: what dotted names of this block begin with.
    """

    channels: str
    size: int = 0
    names: dict[str, list[str]] = field(default_factory=dict)
    blocks: list[str] = field(default_factory=list)
    results: list[tuple[str, str, int]] = field(default_factory=list)
    depth: int = 0
    once: bool = True
    portable: bool = False
    index: str | None = None
    prefixes: list[str] = field(default_factory=list)

    @property
    def may_name(self) -> bool:
        """Whether a step here may have a name of its own."""
        return self.once and not self.portable

    def inner(self, **changes: Any) -> Place:
        """The same place one combinator deeper; its results and prefixes are shared."""
        values = {**self.__dict__, "depth": self.depth + 1, **changes}
        return Place(**values)


class Numbers:
    """Writes numbers, flags and what else attributes take."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.counter = itertools.count(1)
        self.taken: set[str] = set()
        self.sizes = itertools.count(1)
        self.rank = dice.choice((2, 1, 3))
        self.budget = 45 if self.rank < 3 else 30
        self.norm_on_vectors = True
        self.parameters: dict[str, dict[str, list[str]]] = {}
        self.stage_paths: list[str] = []
        self.naming: Counter[str] = Counter()

    def fresh(self, prefix: str) -> str:
        """A name that is no other; now and then one that source or a framework has a use for."""
        return self._hostile(NAMES) or f"{prefix}{next(self.counter)}"

    def layer_name(self, template: str) -> str:
        """The same for a layer; ``{}`` stands for a number."""
        return self._hostile(LAYER_NAMES) or template.format(next(self.counter))

    def _hostile(self, names: Sequence[str]) -> str:
        free = [name for name in names if name.lower() not in self.taken]
        if not free or not self.dice.chance(8):
            return ""
        name = self.dice.choice(free)
        self.taken.add(name.lower())
        return name

    def width(self, place: Place) -> Value:
        """A number of channels, a multiple of four, over names that hold in the whole block."""
        dice = self.dice
        known = place.names.get("width", [])
        kind = dice.integer(0, 5) if known and not place.portable else 0
        if kind == 0:
            return dice.choice((4, 8, 12))
        name = dice.choice(known)
        flag = self.flag(place)
        return dice.choice(
            (
                name,
                f"{name} + 4",
                f"{name} // 8 * 4 + 4",
                f"max({name}, 8)",
                f"make_divisible({name} * 0.7, 4)",
                f"{name} if {flag} else 8",
            )
        )

    def flag(self, place: Place) -> str:
        """A truth value over the names that hold here."""
        dice = self.dice
        flags, counts = place.names.get("flag", []), place.names.get("count", [])
        options = ["true", "false", "1 < 2"]
        if not place.portable:
            options += [*flags, *(f"not {name}" for name in flags)]
            options += [f"{name} > 1" for name in counts]
            options += [f"{flag} and {count} != 2" for flag in flags for count in counts]
            options += [f"{flag} or {count} == 1" for flag in flags for count in counts]
        return dice.choice(options)

    def local_flag(self, place: Place) -> str:
        """A truth value that may also look at what enters this step."""
        return self.dice.choice(
            (self.flag(place), "channels >= 8", "channels % 8 == 0", "size[0] > 4")
        )

    def odd(self, place: Place) -> Value:
        """An odd kernel."""
        known = [] if place.portable else place.names.get("odd", [])
        counts = [] if place.portable else place.names.get("count", [])
        options: list[Value] = [3, 1, 5, *known, *(f"{name} * 2 - 1" for name in counts)]
        if place.index:
            options += [f"[1, 3, 5][{place.index} % 3]", f"2 * {place.index} + 1"]
        return self.dice.choice(options)

    def axes(self, place: Place, number: Callable[[Place], Value]) -> Value:
        """A number for all axes, or one for each."""
        if self.rank > 1 and self.dice.chance(25):
            return [number(place) for _ in range(self.rank)]
        return number(place)

    def real(self, place: Place, kind: str, options: Sequence[float]) -> Value:
        known = [] if place.portable else place.names.get(kind, [])
        found: list[Value] = [*options, *known, *(f"{name} / 2" for name in known)]
        return self.dice.choice(found)

    def groups(self, place: Place) -> Value:
        return self.dice.choice((1, 2, 4, "channels", "channels // 2", "channels // 4"))

    def init(self, place: Place) -> Value:
        dice = self.dice
        if dice.chance(40):
            scale = dice.choice((1.0, "1 / 3", 2.0))
            mode = dice.choice(("fan_in", "fan_out", "fan_avg"))
            kind = dice.choice(("truncated_normal", "normal", "uniform"))
            return {"variance_scaling": {"scale": scale, "mode": mode, "distribution": kind}}
        return dice.choice(
            (
                "glorot_uniform",
                {"kaiming_normal": "fan_out"},
                {"kaiming_uniform": "fan_in"},
                {"normal": self.real(place, "rate", (0.02,))},
                {"truncated_normal": 0.02},
                {"uniform": 0.1},
                {"constant": self.real(place, "slope", (0.5,))},
                "ones",
            )
        )


def nameable(step: Step) -> bool:
    """Whether a name on the step names one thing."""
    return next(iter(step)) not in ("when", "repeat", "slot") and not next(iter(step)).startswith(
        "slot"
    )


def text_of(value: Value) -> str:
    return f"({value})" if " " in str(value) else str(value)


def plus(channels: str, more: int) -> str:
    return str(int(channels) + more) if channels.isdigit() else f"({channels} + {more})"
