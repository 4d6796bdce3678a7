"""Steps that change channels or size."""

from __future__ import annotations

from tests.support.random_specs.keeping import Keeping
from tests.support.random_specs.numbers import MAX_LENGTH, Place, Step, Value, plus, text_of


class Changing(Keeping):
    """Writes steps that change the shape, and notes what it becomes."""

    def changing(self, place: Place) -> list[Step]:
        """Steps that change the shape; ``place`` is what stands behind them."""
        kind = self.dice.choice(
            (
                self.to_width,
                self.strided,
                self.window,
                self.padded_channels,
                self.concatenated,
                self.branched,
                self.joined,
            )
        )
        return kind(place)

    def to_width(self, place: Place) -> list[Step]:
        width = self.width(place)
        found = {"out": width, "kernel": self.axes(place, self.odd), **self.conv_details(place)}
        place.channels = text_of(width)
        return [{"conv": found}]

    def down(self, place: Place, stride: Value) -> Step:
        """A step to ceil(size / stride), with as many channels."""
        dice = self.dice
        return dice.choice(
            (
                {"conv": {"out": place.channels, "kernel": 3, "stride": stride}},
                {"conv": {"out": place.channels, "kernel": 2, "stride": stride, "padding": "same"}},
                {"max_pool": {"kernel": 3, "stride": stride, "padding": 1}},
                {"max_pool": {"kernel": 3, "stride": stride, "padding": "same"}},
                {"avg_pool": {"kernel": 3, "stride": stride, "padding": "symmetric"}},
                {"avg_pool": {"kernel": 2, "stride": stride, "padding": "same"}},
                {
                    "sequence": [
                        {"resize": {"factor": 2}},
                        {"subsample": {"stride": 2}},
                        {"subsample": {"stride": stride}},
                    ]
                },
                {
                    "sequence": [
                        {
                            "conv_transpose": {
                                "out": place.channels,
                                "kernel": dice.choice((1, 3)),
                                "stride": 2,
                                "padding": dice.choice(("same", "symmetric")),
                            }
                        },
                        {"subsample": {"stride": 2}},
                        {"subsample": {"stride": stride}},
                    ]
                },
                {"conv": {"kernel": 3, "stride": stride, "depthwise": True}},
                {
                    "conv": {
                        "out": place.channels,
                        "kernel": 3,
                        "stride": stride,
                        "dilation": 2,
                        "groups": self.groups(place),
                    }
                },
                {
                    "avg_pool": {
                        "kernel": 3,
                        "stride": stride,
                        "padding": 1,
                        "count_include_pad": False,
                    }
                },
            )
        )

    def strided(self, place: Place) -> list[Step]:
        stride = self.axes(place, lambda _: self.dice.choice((2, 1, 3)))
        step = self.down(place, stride)
        place.size = next(self.sizes)
        return [step]

    def window(self, place: Place) -> list[Step]:
        """A window op whose padding follows no rule in common."""
        dice = self.dice
        place.size = next(self.sizes)
        options: list[Step] = [
            {"conv": {"out": place.channels, "kernel": 2, "padding": "valid"}},
            {"conv": {"out": place.channels, "kernel": 4, "stride": 2}},
            {"conv": {"out": place.channels, "kernel": 3, "padding": [[2, 0]] * self.rank}},
            {"conv": {"out": place.channels, "kernel": 3, "stride": 2, "padding": 2}},
            {"max_pool": {"kernel": 2}},
            {"max_pool": {"kernel": 2, "ceil": True}},
            {"max_pool": {"kernel": 3, "stride": 2, "padding": 1, "ceil": True}},
            {"max_pool": {"kernel": 3, "stride": 2, "padding": [[1, 0]] * self.rank}},
            {"max_pool": {"kernel": 2, "stride": 2, "padding": 1, "pad_value": "zero"}},
            {"avg_pool": {"kernel": 2, "ceil": True}},
            {"avg_pool": {"kernel": 2, "stride": 2, "padding": 1, "count_include_pad": False}},
            {"avg_pool": {"kernel": 4, "stride": 2, "padding": [[1, 2]] * self.rank}},
        ]
        return [dice.choice(options)]

    def padded_channels(self, place: Place) -> list[Step]:
        before = self.dice.choice((0, 1, 4))
        after = self.dice.choice({0: (4, 8), 1: (3,), 4: (0, 4)}[before])
        place.channels = plus(place.channels, before + after)
        return [{"pad_channels": {"before": before, "after": after}}]

    def concatenated(self, place: Place) -> list[Step]:
        growth = self.dice.choice((4, 8))
        body = [*self.kept(place.inner(), 1), {"conv": {"out": growth, "kernel": 3}}]
        place.channels = plus(place.channels, growth)
        return [{"concat": {"body": body}}]

    def branched(self, place: Place) -> list[Step]:
        """Paths of different channels at a common stride, side by side."""
        stride = self.dice.choice((1, 2))
        paths: dict[str, list[Step]] = {}
        total = 0
        for _ in range(self.dice.integer(2, 3)):
            inner = place.inner()
            width = self.dice.choice((4, 8))
            total += width
            steps = [self.down(inner, stride)] if stride > 1 else []
            paths[self.fresh("p")] = [*steps, {"conv": {"out": width, "kernel": 1}}]
        place.channels = str(total)
        place.size = next(self.sizes) if stride > 1 else place.size
        return [{"branches": {**paths, "merge": "concat"}}]

    def joined(self, place: Place) -> list[Step]:
        """Named results of one size, side by side."""
        here = [(name, channels) for name, channels, size in place.results if size == place.size]
        if not here or place.portable:
            return self.to_width(place)
        taken = [self.dice.choice(here), self.dice.choice(here)]
        place.channels = text_of(self.width(place))
        action = {"conv": {"out": place.channels, "kernel": 1}}
        return [{**action, "from": [name for name, _ in taken], "merge": "concat"}]

    def row(self, place: Place, low: int, high: int) -> list[Step]:
        """Steps in a row, of either kind."""
        found: list[Step] = []
        for _ in range(self.dice.integer(low, high)):
            if self.dice.chance(35) and len(place.channels) < MAX_LENGTH:
                found += self.changing(place)
            else:
                found.append(self.same(place))
        return found
