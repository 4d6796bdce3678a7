"""How models start: initial values against the distributions that the spec states, and what drops at random.

Every bound comes from the number of values, so that all tests of one model together raise a false alarm
with a probability of at most :data:`FALSE_ALARM`, whatever the network:

- a tensor's values, over their stated scale, against the stated distribution function: Dvoretzky, Kiefer and
  Wolfowitz's inequality with Massart's constant (1990), sup|F_n - F| ≤ sqrt(log(2 / p) / 2n);
- their mean square: Laurent and Massart's bounds for chi-square (2000), Bernstein's for bounded values;
- their extremes: none beyond what the distribution allows, and the largest no smaller than chance has it;
- the share of zeros behind a dropout: Chernoff's inequality for the binomial distribution (Hoeffding 1963,
  theorem 1), n · KL(share, rate) ≤ log(2 / p), which also sees that a small rate drops nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from netspec.ir import Node, Program
from netspec.ops.initializers import (
    TRUNCATED_STD,
    Constant,
    Normal,
    TruncatedNormal,
    Uniform,
    plain,
)
from netspec.ops.structure import DropPath, RandomDrop
from netspec.ops.types import Parameter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netspec.backends.probe import Probe

    Array = NDArray[Any]

FALSE_ALARM = 1e-6
"""The probability with which a right model of one network is called wrong: half by values, half by drops."""

SAMPLE = 20_000
"""So many values of a tensor go through the distribution function, which takes long."""

EXAMPLES = 2_000
"""So many examples go through each layer that drops at random."""

ROUNDING = 1e-5
"""What single precision may make of a constant or a limit."""

ALIKE = 8
"""Tensors of fewer values are not called alike."""


@dataclass(frozen=True)
class Deviation:
    """A parameter that does not start as stated, or a layer that does not drop so."""

    layer: Node
    message: str


@dataclass(frozen=True)
class _Stated:
    """A distribution with its scale taken out: a kind, and what values are divided by."""

    kind: str
    scale: float
    words: str

    @property
    def limit(self) -> float | None:
        """The largest magnitude of a scaled value; None without one."""
        return {"uniform": 1.0, "truncated": 2.0}.get(self.kind)

    @property
    def square(self) -> float:
        """The mean square of a scaled value."""
        return {"uniform": 1 / 3, "truncated": TRUNCATED_STD**2, "normal": 1.0}[self.kind]

    @property
    def spread(self) -> float:
        """The variance of the square of a scaled value: 4/45, 2, and between them as integrated."""
        return {"uniform": 4 / 45, "truncated": _FOURTH - TRUNCATED_STD**4, "normal": 2.0}[
            self.kind
        ]

    def below(self, value: float) -> float:
        """The probability of a scaled value below ``value``."""
        if self.kind == "uniform":
            return min(max((value + 1) / 2, 0.0), 1.0)
        share = 0.5 * (1 + math.erf(value / 2**0.5))
        if self.kind == "normal":
            return share
        inside = math.erf(2 / 2**0.5)
        return min(max((share - (1 - inside) / 2) / inside, 0.0), 1.0)


# The fourth moment of a unit normal cut at 2: 3 - 2·φ(2)·(2³ + 3·2) / P(|x| < 2).
_FOURTH = 3 - 2 * math.exp(-2) / math.sqrt(2 * math.pi) * 14 / math.erf(2 / 2**0.5)


def _stated(parameter: Parameter) -> _Stated:
    match plain(parameter.init, parameter.fans):
        case Normal(std=std):
            return _Stated("normal", std, f"normal values of deviation {std:.3g}")
        case TruncatedNormal(std=std):
            words = f"normal values of deviation {std:.3g}, cut at twice that"
            return _Stated("truncated", std, words)
        case Uniform(limit=limit):
            return _Stated("uniform", limit, f"uniform values within {limit:.3g}")
        case Constant():  # pragma: no cover
            raise AssertionError(parameter)


def check_values(network: Program, weights: Mapping[str, Array]) -> Deviation | None:
    """The first parameter whose values do not start as the spec states; None where all do.

    Args:
        network: the network.
        weights: every parameter and statistic as a model starts, by canonical name, in canonical layout.
    """
    drawn: list[tuple[Node, str, _Stated, Array]] = []
    for layer in network.layers:
        for parameter in layer.op.parameters(layer.source):
            name = f"{layer.path}.{parameter.name}"
            values = weights[name].astype("float64")
            if not isinstance(parameter.init, Constant):
                drawn.append((layer, name, _stated(parameter), values))
                continue
            wanted = parameter.init.value
            off = numpy.abs(values - wanted).max(initial=0.0)
            if off > ROUNDING * max(1.0, abs(wanted)):
                return Deviation(layer, f"`{name}` starts {off:.3g} away from {wanted:g}")
    pools = _pooled(drawn)
    chance = FALSE_ALARM / 2 / (3 * (len(drawn) + len(pools)) or 1)
    for layer, name, stated, values in drawn:
        found = _deviation(stated, values.ravel() / stated.scale, chance)
        if found:
            return Deviation(layer, f"`{name}` {found}; stated are {stated.words}")
    for kind, (layer, stated, values) in pools.items():
        found = _deviation(stated, values, chance)
        if found:
            return Deviation(
                layer, f"all parameters that are {kind} together: their scaled values {found}"
            )
    return _alike(drawn)


def _pooled(
    drawn: list[tuple[Node, str, _Stated, Array]],
) -> dict[str, tuple[Node, _Stated, Array]]:
    """The scaled values of all parameters of a kind together: small ones say little by themselves."""
    kinds: dict[str, list[tuple[Node, _Stated, Array]]] = {}
    for layer, _, stated, values in drawn:
        part = (layer, stated, values.ravel()[:SAMPLE] / stated.scale)
        kinds.setdefault(stated.kind, []).append(part)
    return {
        kind: (found[0][0], found[0][1], numpy.concatenate([values for _, _, values in found]))
        for kind, found in kinds.items()
        if len(found) > 1
    }


def _deviation(stated: _Stated, values: Array, chance: float) -> str:
    """How scaled values differ from what is stated; empty where chance could have it so."""
    count, limit = values.size, stated.limit
    if not count:
        return ""
    largest = float(numpy.abs(values).max())
    if limit is not None and largest > limit * (1 + ROUNDING):
        return f"reaches {largest / limit:.3g} times as far as it may"
    inside = 2 * stated.below(largest) - 1
    if inside <= 0 or count * math.log(inside) < math.log(chance):
        return f"reaches only {largest:.3g} scales"
    exponent = math.log(2 / chance)
    mean = float(numpy.square(values).mean())
    if stated.kind == "normal":
        above = 2 * math.sqrt(exponent / count) + 2 * exponent / count
        below = 2 * math.sqrt(exponent / count)
    else:
        assert limit is not None
        above = math.sqrt(2 * stated.spread * exponent / count) + limit**2 * exponent / (3 * count)
        below = above
    if not stated.square - below <= mean <= stated.square + above:
        return f"has {math.sqrt(mean / stated.square):.3g} times the stated deviation"
    sample = numpy.sort(values if count <= SAMPLE else values[:: -(-count // SAMPLE)])
    steps = numpy.arange(1, sample.size + 1) / sample.size
    below_each = numpy.array([stated.below(float(value)) for value in sample])
    distance = float(numpy.maximum(steps - below_each, below_each - steps + 1 / sample.size).max())
    if distance > math.sqrt(exponent / (2 * sample.size)):
        return f"is {distance:.2g} away from the stated distribution"
    return ""


def _alike(drawn: list[tuple[Node, str, _Stated, Array]]) -> Deviation | None:
    """Two parameters with the same random numbers, as one seed gives them, whatever their shapes.

    Numbers are drawn in the order in which a framework lays a tensor out: ours, or with the axes of
    outputs and inputs last.
    """
    seen: dict[tuple[bool, str, bytes], str] = {}
    for layer, name, stated, values in drawn:
        if values.size < ALIKE:
            continue
        axes = [*range(2, values.ndim), *reversed(range(min(values.ndim, 2)))]
        for is_ours, ordered in ((True, values), (False, values.transpose(axes))):
            # Rounded: another scale leaves another last place.
            first = numpy.round(ordered.flat[:ALIKE] / stated.scale, 4)
            key = (is_ours, stated.kind, first.tobytes())
            if key in seen:
                return Deviation(layer, f"`{name}` starts with the values of `{seen[key]}`")
            seen[key] = name
    return None


def check_random_drops(network: Program, model: object, probe: Probe) -> Deviation | None:
    """The first layer that does not drop at random as the spec states; None where all do.

    Rates are compared before; a layer that a model calls otherwise is left out.
    """
    rates = probe.drop_rates(model)
    layers = [layer for layer in network.layers if isinstance(layer.op, RandomDrop)]
    chance = FALSE_ALARM / 2 / (len(layers) or 1)
    for layer in layers:
        name = probe.spelled(layer.path)
        if name not in rates:
            continue
        ones = numpy.ones((EXAMPLES, 3, *(2 for _ in layer.source.size)))
        if not numpy.array_equal(probe.dropped(model, name, ones, False), ones):
            return Deviation(layer, f"`{layer.path}` drops in evaluation mode")
        found = _drop_deviation(layer, probe.dropped(model, name, ones, True), chance)
        if found:
            return Deviation(layer, f"`{layer.path}` {found}")
    return None


def _drop_deviation(layer: Node, values: Array, chance: float) -> str:
    assert isinstance(layer.op, RandomDrop)
    rate, rows = layer.op.rate, values.reshape(len(values), -1)
    kept = rows[rows != 0]
    scale = 1 / (1 - rate)
    if kept.size and numpy.abs(kept - scale).max() > ROUNDING * scale:
        return f"scales what stays by {float(kept.mean()):.4g}, not by {scale:.4g}"
    whole = bool((rows == rows[:, :1]).all())
    is_path = isinstance(layer.op, DropPath)
    if is_path and not whole:
        return "drops single values"
    # Single values fall together too where the rate is close to 0 or 1: so often in one example.
    together = rate ** rows.shape[1] + (1 - rate) ** rows.shape[1]
    if not is_path and whole and len(rows) * math.log(together) < math.log(chance / 2):
        return "drops whole examples"
    independent = len(rows) if is_path else rows.size
    share = float((rows == 0).mean())
    if independent * _divergence(share, rate) > math.log(4 / chance):
        return f"drops {share:.3g} of the values, not {rate:g}"
    return ""


def _divergence(share: float, rate: float) -> float:
    """Kullback and Leibler's, of a coin that falls with ``share`` from one that does with ``rate``."""
    pairs = ((share, rate), (1 - share, 1 - rate))
    if any(found and not stated for found, stated in pairs):
        return math.inf
    return sum(found * math.log(found / stated) for found, stated in pairs if found)
