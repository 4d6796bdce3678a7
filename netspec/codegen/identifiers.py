"""Names in generated source: none is a keyword, hides a builtin, or stands for two things."""

from __future__ import annotations

import builtins
import keyword
import re

from netspec.lang.expression.arithmetic import COPIED

# Names that generated source of any backend may use for its own ends.
_OWN = frozenset(
    [
        *COPIED,
        "_",
        "expression",
        "submodels",
        "same_padding",
        *(f"{kind}{rank}d" for kind in ("SameConv", "PadConv") for rank in (1, 2, 3)),
        *(f"CutConvTranspose{rank}d" for rank in (1, 2, 3)),
        *(f"Same{kind}Pool{rank}d" for kind in ("Max", "Avg") for rank in (1, 2, 3)),
        "ChannelNorm",
        "ChannelsLastFlatten",
        "PadChannels",
        "FrozenBatchNorm",
        "ChannelLinear",
        "ChannelConv",
        "Scale",
        "Affine",
        "Rescale",
        "Normalize",
        "frozen",
        "DropPath",
        *(f"DropPath{rank}d" for rank in (1, 2, 3)),
        "self",
        "super",
        "nn",
        "torch",
        "F",
        "Tensor",
        "keras",
        "layers",
        "initializers",
        "ops",
        "functools",
        "math",
        "typing",
        "partial",
        "Callable",
        "Iterator",
        "KerasTensor",
        "by_groups",
        "by_groups_1d",
        "convolve_groups",
        "x",
        "y",
        "z",
        "u",
        "v",
        "w",
        "input_shape",
        "inputs",
        "outputs",
        "name",
        "module",
        "modules",
        "shortcut",
    ]
)
_DECLARABLE = (_OWN | frozenset(dir(builtins)) | frozenset(keyword.softkwlist)) - set(
    keyword.kwlist
)
TAKEN = _DECLARABLE | frozenset(keyword.kwlist)


def safe_identifier(name: str) -> str:
    """``name``, with ``_`` behind it where Python or the generated source needs it itself.

    No two names become one: what is taken with ``_`` behind it gets one more. Python renames ``__name``
    in a class, but not where the name ends in ``__`` too.
    """
    if name.startswith("__"):
        return f"{name}__"
    return f"{name}_" if name in TAKEN or name.rstrip("_") in _DECLARABLE else name


def is_attribute(name: str) -> bool:
    """Whether ``name`` can follow a dot."""
    return name.isidentifier() and not keyword.iskeyword(name)


def one_word(path: str) -> str:
    """A path as the name of a variable."""
    return path.replace(".", "_")


def camel_case(name: str) -> str:
    """``squeeze_excite`` as ``SqueezeExcite``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part) or "Block"


def snake_case(name: str) -> str:
    """``SqueezeExcite`` as ``squeeze_excite``, ``BottleneckSE`` as ``bottleneck_se``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Namespace:
    """Gives out names that nothing else has."""

    def __init__(self, taken: set[str] | None = None) -> None:
        self.taken = set(taken or ())

    def add(self, name: str) -> str:
        """``name`` where it is free, else with a number behind it; `_` for what no identifier holds."""
        name = re.sub(r"\W|^(?=\d)", "_", name)
        return self._free(name, safe_identifier(name))

    def own(self, name: str) -> str:
        """A name of the generated source itself, else with a number behind it."""
        return self._free(name, name)

    def _free(self, name: str, candidate: str) -> str:
        count = 1
        while candidate in self.taken:
            count += 1
            candidate = f"{name}{count}"
        self.taken.add(candidate)
        return candidate
