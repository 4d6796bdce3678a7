"""Steps that keep channels and size."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.random_specs.naming import Naming
from tests.support.random_specs.numbers import Place, Step, Value, nameable, text_of

ACTIVATIONS = (
    *("relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish"),
    *("hard_sigmoid", "hard_swish", "sigmoid", "tanh", "softmax"),
)


class Keeping(Naming):
    """Writes steps that give the shape that they take."""

    def kept(self, place: Place, count: int | None = None) -> list[Step]:
        """Steps that give the shape that they take."""
        return [
            self.same(place) for _ in range(self.dice.integer(1, 2) if count is None else count)
        ]

    def same(self, place: Place) -> Step:
        """One step that gives the shape that it takes."""
        self.budget -= 1
        if self.budget <= 0 or place.depth > 3:
            return self.dice.choice(("relu", "norm", "act"))
        step = self.dice.choice(self.same_kinds(place))(place)
        if isinstance(step, str):
            step = {step: {}}
        taken = "from" in step or any(key in step for key in ("when", "repeat", "sequence"))
        if place.may_name and not taken and self.dice.chance(12) and nameable(step):
            step["name"] = self.step_name(place)
        if place.may_name and "as" not in step and self.dice.chance(12) and place.index is None:
            step["as"] = self.fresh("r")
            place.results.append((step["as"], place.channels, place.size))
        return step

    def step_name(self, place: Place) -> str:
        name = self.dice.choice(("n{}", "part{}.inner", "with-hyphen{}", "deep{}.er.name"))
        name = self.layer_name(name)
        if self.dice.chance(20):
            name += "_{channels}"
        return name

    def same_kinds(self, place: Place) -> list[Callable[[Place], Step]]:
        simple = [
            self.role,
            self.activation,
            self.same_conv,
            self.normalization,
            self.depthwise,
            self.same_pool,
            self.drop,
        ]
        compound = [
            self.residual,
            self.gate,
            self.grown_and_back,
            self.merged,
            self.repeat,
            self.when,
            self.sequence,
        ]
        kinds = simple + compound + self.namings(place)
        if place.blocks:
            kinds += [self.call, self.call]
        if place.names.get("steps"):
            kinds += [lambda place: self.dice.choice(place.names["steps"])] * 2
        if any(self.fitting(place)) and not place.portable:
            kinds += [self.taking] * 3
        if place.may_name and place.index is None:
            kinds += [self.parted, self.pooled_and_back]
        return kinds

    def role(self, place: Place) -> Step:
        if self.dice.chance(20):
            start = {"constant": self.real(place, "slope", (0.0, 0.5))}
            return {"norm": {"init": start}}
        return self.dice.choice(("act", "norm"))

    def activation(self, place: Place) -> Step:
        kind = self.dice.choice(ACTIVATIONS)
        if kind == "leaky_relu" and self.dice.chance(60):
            return {kind: {"slope": self.real(place, "slope", (0.2, 1.5))}}
        if kind == "elu" and self.dice.chance(60):
            return {kind: {"alpha": self.real(place, "slope", (0.7,))}}
        if kind == "gelu" and self.dice.chance(60):
            return {kind: {"approximate": self.dice.choice(("tanh", "none"))}}
        if kind == "prelu" and self.dice.chance(60):
            return {kind: {"init": self.dice.choice(("zeros", {"constant": 0.1}))}}
        return kind

    def normalization(self, place: Place) -> Step:
        kind = self.dice.choice(("batch_norm", "group_norm", "layer_norm", "instance_norm"))
        attributes: dict[str, Value] = {}
        if kind == "group_norm":
            attributes["groups"] = self.groups(place)
        if kind == "batch_norm" and self.dice.chance(40):
            attributes["momentum"] = self.real(place, "rate", (0.01, 0.3))
        if self.dice.chance(30):
            attributes["eps"] = self.dice.choice((1e-3, "1 / 100"))
        if self.dice.chance(30):
            attributes["affine"] = self.flag(place)
        if self.dice.chance(20):
            attributes["init"] = self.dice.choice(("zeros", {"constant": 0.5}))
        return {kind: attributes}

    def drop(self, place: Place) -> Step:
        kind = self.dice.choice(("dropout", "drop_path", "scale"))
        if kind == "scale":
            return {kind: {"init": {"constant": 0.3}}} if self.dice.chance(50) else kind
        return {kind: {"rate": self.real(place, "rate", (0.1, 0.0))}}

    def conv_details(self, place: Place) -> dict[str, Value]:
        dice, found = self.dice, dict[str, Value]()
        if dice.chance(30):
            found["bias"] = self.flag(place)
        if dice.chance(25):
            found["init"] = self.init(place)
        if dice.chance(10):
            found["bias_init"] = dice.choice(({"uniform": "fan_in"}, "ones"))
        return found

    def same_conv(self, place: Place) -> Step:
        """A convolution to as many channels."""
        dice = self.dice
        found: dict[str, Value] = {"out": dice.choice(("channels", place.channels))}
        found["kernel"] = self.axes(place, self.odd)
        padding = dice.integer(0, 4)
        if padding == 1:
            found["padding"] = "same"
            if dice.chance(50):
                found["kernel"] = dice.choice((2, 4))
        elif padding == 2 and place.names.get("padding") and not place.portable:
            found["padding"] = {"param": dice.choice(place.names["padding"])}
        elif padding == 3:
            found["kernel"], found["padding"] = 3, 1
        elif padding == 4:
            found["kernel"] = 2
            found["padding"] = [dice.choice(([1, 0], [0, 1])) for _ in range(self.rank)]
        if padding < 3 and dice.chance(20):
            found["dilation"] = self.axes(place, lambda _: dice.choice((2, 1)))
        if dice.chance(30):
            found["groups"] = self.groups(place)
        return {"conv": {**found, **self.conv_details(place)}}

    def depthwise(self, place: Place) -> Step:
        found = {"kernel": self.axes(place, self.odd), "depthwise": True}
        return {"conv": {**found, **self.conv_details(place)}}

    def same_pool(self, place: Place) -> Step:
        dice = self.dice
        kind = dice.choice(("max_pool", "avg_pool"))
        kernel = dice.choice((3, 2, 5))
        padding = "same" if kernel == 2 else dice.choice((kernel // 2, "symmetric", "same"))
        found: dict[str, Value] = {"kernel": kernel, "stride": 1, "padding": padding}
        if kind == "avg_pool" and padding != "same" and dice.chance(50):
            found["count_include_pad"] = self.flag(place)
        if kind == "max_pool" and padding != "same" and dice.chance(30):
            found["pad_value"] = dice.choice(("zero", "lowest"))
        return {kind: found}

    def residual(self, place: Place) -> Step:
        inner = place.inner()
        found = {"body": [*self.kept(inner), *self.detour(inner)]}
        if self.dice.chance(40):
            found["shortcut"] = self.kept(inner, self.dice.integer(0, 1))
        return {"residual": found}

    def detour(self, place: Place) -> list[Step]:
        """Through another number of channels and back."""
        if place.portable or not self.dice.chance(50):
            return []
        width = self.width(place)
        there: Step = {"conv": {"out": width, "kernel": 1, **self.conv_details(place)}}
        middle = self.kept(place.inner(channels=text_of(width)), self.dice.integer(0, 2))
        back: Step = {"conv": {"out": place.channels, "kernel": self.axes(place, self.odd)}}
        return [there, *middle, back]

    def gate(self, place: Place) -> Step:
        dice = self.dice
        if dice.chance(30):
            return "squeeze_excite"
        end = dice.choice(("sigmoid", "hard_sigmoid", "softmax", "tanh"))
        if not place.portable and dice.chance(50):
            pool = dice.choice(("global_avg_pool", "global_max_pool"))
            squeezed = {"conv": {"out": self.width(place), "kernel": 1}}
            back = {"conv": {"out": place.channels, "kernel": 1}}
            return {"gate": {"body": [{pool: {"keep_dims": True}}, squeezed, "relu", back, end]}}
        return {"gate": {"body": [*self.kept(place.inner(), 1), end]}}

    def grown_and_back(self, place: Place) -> Step:
        """A concatenation, and a convolution to the channels of before."""
        if place.portable:
            return self.merged(place)
        growth = self.dice.choice((4, 8))
        body = [*self.kept(place.inner(), 1), {"conv": {"out": growth, "kernel": 3}}]
        back = {"conv": {"out": place.channels, "kernel": 1}}
        return {"sequence": [{"concat": {"body": body}}, back]}

    def merged(self, place: Place) -> Step:
        """Paths side by side; factors but the first lie within one, or powers would grow too large."""
        dice = self.dice
        merge = dice.choice(("add", "mul"))
        paths: dict[str, Value] = {}
        for index in range(dice.integer(2, 3)):
            paths[self.fresh("p")] = self.kept(place.inner(), dice.integer(0, 1))
            if merge == "mul" and index:
                paths[next(reversed(paths))].append(dice.choice(("sigmoid", "tanh", "softmax")))
        if merge == "mul" or dice.chance(50):
            paths["merge"] = merge
        return {"branches": paths}

    def parted(self, place: Place) -> Step:
        """The channels in parts that change places."""
        dice = self.dice
        names = [self.fresh("part") for _ in range(2)]
        sizes = ["channels // 4", "channels - channels // 4"]
        how: dict[str, Value] = {"parts": 2} if dice.chance(50) else {"sizes": sizes}
        back = {"from": [*reversed(names)], "merge": "concat"}
        between = [dice.choice(("relu", "tanh"))] if dice.chance(30) else []
        if between:
            names.append(self.fresh("part"))
            between = [{between[0]: {}, "from": names[1], "as": names[2]}]
            back["from"] = [names[2], names[0]]
        return {"sequence": [{"split": how, "as": names[:2]}, *between, back]}

    def pooled_and_back(self, place: Place) -> Step:
        """Something smaller beside what gives the size to bring it back to."""
        dice = self.dice
        whole, back = self.fresh("whole"), self.fresh("back")
        smaller: Step = {"global_avg_pool": {"keep_dims": True}}
        mode = "nearest"
        if self.rank == 2 and dice.chance(20):  # at whatever ratio
            smaller, mode = {"max_pool": {"kernel": 3, "stride": 2, "padding": 1}}, "bilinear"
        resized = {"resize": {"like": whole, "mode": mode}, "as": back}
        return {"sequence": [{"tanh": {}, "as": whole}, smaller, resized, {"from": [whole, back]}]}

    def repeat(self, place: Place) -> Step:
        dice = self.dice
        counts = [] if place.portable else place.names.get("count", [])
        index = "index" if dice.chance(50) else self.fresh("i")
        inner = place.inner(once=False, index=index)
        found: dict[str, Value] = {"times": dice.choice((2, 1, 3, 0, *counts))}
        if index != "index":
            found["index"] = index
        found["body"] = self.kept(inner)
        if dice.chance(25) and place.may_name:
            name = f"rep{next(self.counter)}_{{{index} + 1}}"
            found["body"].append({"conv": {"out": "channels", "kernel": 1}, "name": name})
        return {"repeat": found}

    def when(self, place: Place) -> Step:
        inner = place.inner(results=list(place.results))
        found: dict[str, Value] = {"test": self.local_flag(place), "then": self.kept(inner)}
        if place.blocks and self.dice.chance(25):  # a block on either side, which may be one block
            return {"when": {**found, "then": [self.call(place)], "else": [self.call(place)]}}
        if self.dice.chance(50):
            inner = place.inner(results=list(place.results))
            found["else"] = self.kept(inner)
        return {"when": found}

    def sequence(self, place: Place) -> Step:
        if place.may_name and self.dice.chance(60):
            return {
                "sequence": self.kept(place.inner(once=False)),
                "name": self.layer_name("seq{}"),
            }
        return {"sequence": self.kept(place.inner())}

    def call(self, place: Place) -> Step:
        """A block of the spec's own, with some of its arguments."""
        name = self.dice.choice(place.blocks)
        arguments: dict[str, Value] = {}
        for kind, names in self.parameters[name].items():
            for parameter in names:
                if kind == "steps" and self.dice.chance(30):
                    arguments[parameter] = self.passed()
                elif kind != "steps" and self.dice.chance(30):
                    arguments[parameter] = self.argument(kind, None)
        return {name: arguments}

    def fitting(self, place: Place) -> list[str]:
        """Named results of the shape that is here."""
        here = (place.channels, place.size)
        return [name for name, channels, size in place.results if (channels, size) == here]

    def taking(self, place: Place) -> Step:
        """A step that takes named results."""
        dice, fitting = self.dice, self.fitting(place)
        action = dice.choice(({"relu": {}}, {}, {"conv": {"out": "channels", "kernel": 3}}))
        if len(fitting) > 1 and dice.chance(70):
            taken = [dice.choice(fitting), dice.choice(fitting)]
            if dice.chance(50):
                return {"tanh": {}, "from": taken, "merge": "mul"}
            return {**action, "from": taken, **({"merge": "add"} if dice.chance(50) else {})}
        return {**action, "from": dice.choice(fitting)}
