"""Blocks of a spec's own."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.random_specs.changing import Changing
from tests.support.random_specs.numbers import Place, Step, Value


class Blocks(Changing):
    """Writes blocks: those that keep the shape, and those that a stage is made of."""

    def params(self) -> tuple[dict[str, Value], dict[str, list[str]]]:
        """Parameters with defaults, and what each is for."""
        dice = self.dice
        found: dict[str, Value] = {}
        names: dict[str, list[str]] = {}
        options: dict[str, Callable[[], Value]] = {
            "odd": lambda: dice.choice((3, 1, 5)),
            "flag": lambda: dice.choice((False, True)),
            "rate": lambda: dice.choice((0.1, 0.25)),
            "slope": lambda: dice.choice((0.2, 1.25)),
            "count": lambda: dice.choice((1, 2, 3)),
            "width": lambda: dice.choice((4, 8, 12)),
            "padding": lambda: {"type": "str", "default": dice.choice(("symmetric", "same"))},
        }
        for kind, value in options.items():
            if dice.chance(35):
                name = self.fresh(kind[0].upper() if dice.chance(20) else kind)
                found[name] = value()
                names.setdefault(kind, []).append(name)
        return found, names

    def argument(self, kind: str, each: int | None) -> Value:
        """A value for a parameter of a kind, at a call or in a stage.

        In a stage it may depend on the block; ``each`` is the number of blocks, 0 where that varies.
        """
        dice = self.dice
        options: dict[str, tuple[Value, ...]] = {
            "odd": (3, 1, "2 * 2 - 1"),
            "flag": (True, False, "1 > 2"),
            "rate": (0.1, 0.3, "1 / 8"),
            "slope": (0.3, 1.5, "3 / 4"),
            "count": (1, 2, 3),
            "width": (4, 8, "4 * 3"),
            "padding": ("same", "symmetric"),
        }
        if each is not None:
            options["odd"] += ("1 if index == 0 else 3", "2 * index + 1")
            options["flag"] += ("index == count - 1", "running_index > 0", "index % 2 == 0")
            options["rate"] += ("0.1 * running_index / total", "0.2 * (index + 1) / count")
            options["count"] += ("index + 1",)
            options["width"] += ("4 * (index + 1)",)
        if each and dice.chance(30):
            return {"each": [dice.choice(options[kind]) for _ in range(each)]}
        return dice.choice(options[kind])

    def keeping_block(self, earlier: list[str]) -> tuple[str, dict[str, Value]]:
        """A block that gives the shape that it takes, and needs no argument."""
        params, names = self.params()
        place = Place("in_channels", names=names, blocks=list(earlier))
        if self.dice.chance(40):
            slot = self.fresh("slot")
            params[slot] = {"type": "steps", "default": self.passed()}
            names.setdefault("steps", []).append(slot)
        found: dict[str, Value] = {"params": params} if params else {}
        if self.dice.chance(25):
            found["let"] = {"half": "in_channels // 8 * 4 + 4"}
            names.setdefault("width", []).append("half")
        found["body"] = self.kept(place)
        if self.dice.chance(20):
            found["label"] = self.fresh("lab")
        name = self.fresh("keep")
        self.parameters[name] = {
            kind: [parameter for parameter in known if parameter in params]
            for kind, known in names.items()
        }
        return name, found

    def passed(self) -> list[Step]:
        """Steps for a slot: they hold in any scope."""
        place = Place("channels", once=False, portable=True, depth=2)
        return self.kept(place, self.dice.integer(0, 2))

    def projection(self) -> tuple[str, dict[str, Value]]:
        """An inline block that brings a shortcut to another shape."""
        body: list[Step] = self.dice.choice(
            (
                [{"conv": {"out": "out", "kernel": 1, "stride": "stride"}}, "norm"],
                [
                    {"avg_pool": {"kernel": 2, "stride": "stride", "padding": "same"}},
                    {"conv": {"out": "out", "kernel": 1}},
                ],
                [
                    {
                        "conv": {"out": "out", "kernel": 3, "stride": "stride"},
                        "name": "shortcut_conv",
                    }
                ],
            )
        )
        params: dict[str, Value] = {"out": "int", "stride": 1}
        return self.fresh("proj"), {"inline": True, "params": params, "body": body}

    def shaping_block(
        self, keeping: list[str], projections: list[str]
    ) -> tuple[str, dict[str, Value], dict[str, list[str]]]:
        """A block to ``width`` channels at ``stride``, for stages."""
        dice = self.dice
        params, names = self.params()
        params = {"width": "int", "stride": 1, **params}
        names["width"] = ["width", *names.get("width", [])]
        let: dict[str, Value] = {}
        if dice.chance(50):
            let["mid"] = dice.choice(("width // 8 * 4 + 4", "width * 2", "width"))
            names["width"] = [*names["width"], "mid"]
        if dice.chance(50):
            params["slot"] = {"type": "steps", "default": self.passed() if dice.chance(50) else []}
            names["steps"] = ["slot"]
        shortcut: Step = {"projection": {"out": "width", "stride": "stride"}}
        if dice.chance(50):
            default = dice.choice(("projection", *projections))
            params["shortcut"] = {"type": "block", "default": default}
            shortcut = {"shortcut": {"out": "width", "stride": "stride"}}
        place = Place("width", size=next(self.sizes), names=names, blocks=keeping)
        body = self.shaping_body(place, shortcut)
        body += self.kept(place, dice.integer(0, 2))
        found: dict[str, Value] = {"params": params, **({"let": let} if let else {}), "body": body}
        if dice.chance(30):
            found["doc"] = "A block of a test."
        if dice.chance(5):
            found["title"] = dice.choice(("Scale", "Tensor", "RandomNet", "torch", "DropPath"))
        return self.fresh("block"), found, names

    def shaping_body(self, place: Place, shortcut: Step) -> list[Step]:
        """Steps from anything to ``width`` channels at ``stride``."""
        dice = self.dice
        inner = place.inner()
        first: Step = {
            "conv": {"out": "width", "kernel": self.axes(inner, self.odd), "stride": "stride"}
        }
        kind = dice.integer(0, 5)
        if kind <= 1:  # a residual with a projection where the shape changes
            shortcut_steps: Step = {
                "when": {"test": "stride != 1 or in_channels != width", "then": [shortcut]}
            }
            if dice.chance(30):
                shortcut_steps["when"]["else"] = self.kept(inner.inner(results=[]), 1)
            return [{"residual": {"body": [first, *self.kept(inner)], "shortcut": shortcut_steps}}]
        if kind == 2:  # pre-activation, shared by both sides
            shared = self.fresh("shared")
            taken: Step = {"from": shared, **shortcut}
            when: Step = {"when": {"test": "stride != 1 or in_channels != width", "then": [taken]}}
            body = ["norm", {"act": {}, "as": shared}, first, *self.kept(inner)]
            return [{"residual": {"body": body, "shortcut": when}}]
        if kind == 3:  # side by side
            half = "width // 8 * 4"
            left = (
                [{"conv": {"out": half, "kernel": 3, "stride": "stride"}}]
                if dice.chance(50)
                else [
                    self.down(place.inner(channels="channels"), "stride"),
                    {"conv": {"out": half, "kernel": 1}},
                ]
            )
            right = [{"conv": {"out": f"width - {half}", "kernel": 1, "stride": "stride"}}]
            paths = {"left": left, "right": right, "merge": "concat"}
            return [{"when": {"test": "width >= 8", "then": {"branches": paths}, "else": [first]}}]
        if kind == 4:
            call = dice.choice(("basic", "bottleneck", "preact_basic", "bottleneck_v1"))
            arguments: dict[str, Value] = {"width": "width", "stride": "stride"}
            if call.startswith("bottleneck"):
                arguments["expansion"] = 1
            if call in ("basic", "bottleneck") and dice.chance(40):
                arguments["attention"] = ["squeeze_excite"]
            return [{call: arguments}]
        return [first]
