"""Whole specs: parameters, defaults, blocks, stem, stages, head and outputs."""

from __future__ import annotations

from tests.support.random_specs.cells import Cells
from tests.support.random_specs.numbers import NAMES, Place, Step, Value

SIZES = {1: (9, 21), 2: (6, 12), 3: (5, 7)}
"""Lowest and highest length of an axis, by rank."""


class Specs(Cells):
    """Writes one spec."""

    def spec(self) -> dict[str, Value]:
        dice = self.dice
        low, high = SIZES[self.rank]
        size = [dice.integer(low, high) for _ in range(self.rank)]
        params, names = self.params()
        let: dict[str, Value] = {}
        if names.get("width") and dice.chance(40):
            let["derived"] = f"{names['width'][0]} // 8 * 4 + 4"
            names["width"].append("derived")
        if dice.chance(30):
            params["depths"] = [dice.choice((1, 2)) for _ in range(6)]
        found: dict[str, Value] = {"netspec": 1, "name": self._hostile(NAMES) or "random_net"}
        if dice.chance(10):
            found["title"] = dice.choice(("Scale", "Tensor", "Net", "nn", "ChannelNorm", "Basic"))
        blocks: dict[str, Value] = {}
        keeping: list[str] = []
        for _ in range(dice.integer(0, 2)):
            name, block = self.keeping_block(keeping)
            blocks[name] = block
            keeping.append(name)
        projections: list[str] = []
        if dice.chance(40):
            name, block = self.projection()
            blocks[name] = block
            projections.append(name)
        self.cells = []
        for _ in range(dice.integer(1, 2) if dice.chance(30) else 0):
            name, block = self.cell(keeping)
            blocks[name] = block
        shaping: dict[str, dict[str, list[str]]] = {}
        slots: set[str] = set()
        for _ in range(dice.integer(1, 2)):
            name, block, kinds = self.shaping_block(keeping, projections)
            blocks[name] = block
            shaping[name] = kinds
            if "slot" in block["params"]:
                slots.add(name)
        defaults = self.defaults()
        place = Place(str(dice.choice((4, 8))), names=names, blocks=list(keeping))
        channels: Value = int(place.channels)
        stem: list[Step] = []
        if dice.chance(40):
            channels = dice.choice((1, 2, 3, 5))
            stem.append({"conv": {"out": int(place.channels), "kernel": 3}})
        if dice.chance(10):
            numbers = [0.5, 2, 1.5, 0.25] * 2
            numbers = numbers[: int(channels)]
            stem.insert(0, {"normalize": {"mean": numbers, "std": numbers}})
        stem += self.row(place, 1, 4)
        if dice.chance(60):
            stem.append(dice.choice(self.namings(place))(place))
        if dice.chance(30):
            self.naming["stem under a prefix"] += 1
            stem.append(self.plain(self.dotted(self.prefix(place))))
        if self.cells and dice.chance(60):
            stem += self.celled(place)
        tapped = [name for name, _, _ in place.results]
        stages: list[Value] = []
        if self.cells and dice.chance(60):
            stages += self.cell_stages(place, stem, params)
        if not stages or dice.chance(40):
            stages += self.stages(place, shaping, slots, params)
        head = self.head(place, params, blocks)
        if params:
            found["params"] = params
        if let:
            found["let"] = let
        if params.get("classes") is not None:
            found["arguments"] = ["classes"]
        if dice.chance(20) and names.get("count"):
            found["variants"] = {"small": {names["count"][0]: 1}, "large": {names["count"][0]: 2}}
            found["default"] = "small"
        found["input"] = {"channels": channels, "size": size}
        if defaults:
            found["defaults"] = defaults
        found |= {"blocks": blocks, "stem": stem, "stages": stages, "head": head}
        outputs = self.outputs(tapped)
        if outputs:
            found["outputs"] = outputs
        return found

    def defaults(self) -> dict[str, Value]:
        dice, found = self.dice, dict[str, Value]()
        place = Place("4", portable=True)
        if dice.chance(40):
            found["conv"] = {"bias": dice.choice((False, True)), "init": self.init(place)}
        if dice.chance(30):
            found.setdefault("conv", {})["padding"] = dice.choice(("same", "symmetric"))
        if dice.chance(50):
            found["norm"] = self.normalization(place)
            self.norm_on_vectors = "instance_norm" not in found["norm"]
        if dice.chance(50):
            found["act"] = self.activation(place)
        if dice.chance(20):
            found["batch_norm"] = {"eps": 0.001, "momentum": 0.01}
        if dice.chance(20):
            found["linear"] = {"bias_init": {"uniform": "fan_in"}, "bias": True}
        return found

    def stages(
        self,
        place: Place,
        shaping: dict[str, dict[str, list[str]]],
        slots: set[str],
        params: dict[str, Value],
    ) -> list[dict[str, Value]]:
        return [self.stage(place, shaping, slots, params) for _ in range(self.dice.integer(0, 2))]

    def stage(
        self,
        place: Place,
        shaping: dict[str, dict[str, list[str]]],
        slots: set[str],
        params: dict[str, Value],
    ) -> dict[str, Value]:
        dice = self.dice
        name = dice.choice(list(shaping))
        found: dict[str, Value] = {"block": name}
        if dice.chance(20):
            chosen = self.fresh("Block")
            params[chosen] = {"type": "block", "default": name}
            found["block"] = chosen
        times = 1
        if dice.chance(30):
            times = dice.choice((2, 1))
            found["times"] = times
        template = dice.choice(("", "s{}", "features.part{}", "letter")) if dice.chance(40) else ""
        if template:
            found["name"] = (
                '{"abcdef"[stage]}-x' if template == "letter" else template.format("{stage}")
            )
        if not template and place.prefixes and dice.chance(30):
            self.naming["stage under a prefix"] += 1
            template = dice.choice(place.prefixes) + ".part{}"
            found["name"] = template.format("{stage}")
        for _ in range(times):
            number = len(self.stage_paths)
            path = {"": f"layer{number + 1}", "letter": f"{'abcdef'[number]}-x"}
            self.stage_paths.append(path.get(template, template.format(number)))
        if dice.chance(30):
            found["block_name"] = dice.choice(
                ("b{index + 1}", "unit{running_index}", '{"abcdef"[index]}')
            )
        known = ("depths[stage]",) if "depths" in params else ()
        repeat = dice.choice((2, 1, 3, "1 + 1", "stage % 2 + 1", *known))
        found["repeat"] = repeat
        each = repeat if isinstance(repeat, int) else 0
        width = dice.choice((8, 4, 12))
        found["width"] = width
        place.channels = str(width)
        varied = dice.integer(0, 4)
        if varied == 1:
            found["width"], place.channels = f"{width} * 2 ** stage", "channels"
        elif varied == 2 and each:
            widths = [dice.choice((4, 8, 12)) for _ in range(each)]
            found["width"], place.channels = {"each": widths}, "channels"
        elif varied == 3:
            found["width"], place.channels = f"{width} + 4 * index", "channels"
        if dice.chance(60):
            found["stride"] = dice.choice((2, "1 if stage == 0 else 2", 1))
            place.size = next(self.sizes)
            if dice.chance(30):
                found["stride_at"] = dice.choice(("last", "first"))
        for kind, names in shaping[name].items():
            for argument in names:
                if kind != "steps" and argument not in ("width", "mid") and dice.chance(60):
                    found[argument] = self.argument(kind, each)
        if name in slots and dice.chance(50):
            found["slot"] = self.passed()
        for key in ("first", "last"):
            if dice.chance(20):
                kinds = [k for k, names in shaping[name].items() if names and k != "steps"]
                kind = dice.choice(kinds)
                argument = shaping[name][kind][-1]
                if argument not in ("width", "mid"):
                    found[key] = {argument: self.argument(kind, None)}
        if dice.chance(25):
            between = Place("channels", once=False, portable=True, depth=2)
            found["between"] = [*self.kept(between, 1)]
            if dice.chance(40):
                found["between"].append(self.down(between, 2))
            if dice.chance(60):
                self.naming["between under a prefix"] += 1
                prefix = dice.choice((*place.prefixes, self.stage_paths[-1]))
                # Each of several stages has the steps.
                found["between"].append(self.plain(self.dotted(prefix) + "_{stage}"))
            place.size = next(self.sizes)
        place.prefixes += self.stage_paths[-times:]
        place.results.clear()  # of the stem: the head may take them, but its sizes differ
        return found

    def head(self, place: Place, params: dict[str, Value], blocks: dict[str, Value]) -> list[Step]:
        dice = self.dice
        # What leaves the last stage may have any number of channels: the first step settles it.
        head: list[Step] = (
            [{"conv": {"out": 8, "kernel": 1}}] if place.channels == "channels" else []
        )
        if head:
            place.channels = "8"
        head += self.row(place, 0, 2)
        if dice.chance(30):
            self.naming["head under a prefix"] += 1
            head.append(self.plain(self.dotted(self.prefix(place))))
        kind = dice.integer(0, 3)
        if kind == 0:
            return head
        vector = dice.choice(
            (
                "global_avg_pool",
                "global_max_pool",
                "flatten",
                {"flatten": {"order": "channels_last"}},
                {"flatten": {"order": "channels_first"}},
            )
        )
        if dice.chance(30):
            steps, block = self.vector(place)
            head += steps
            blocks |= block
        else:
            head.append(vector)
        options = ["relu", "gelu", "dropout", "batch_norm", "layer_norm", "prelu", "scale", "act"]
        options += [{"channel_conv": {"kernel": 3}}, {"rescale": {"factor": 0.5, "offset": 0.1}}]
        options += [
            "tanh",
            "softmax",
            "elu",
            "drop_path",
            *(["norm"] if self.norm_on_vectors else []),
        ]
        for _ in range(dice.integer(0, 2)):
            head.append(dice.choice(options))
        if kind > 1:
            out: Value = dice.choice((3, 5))
            if dice.chance(60):
                params["classes"] = out
                out = "classes"
            linear = {"out": out, "bias": dice.choice((True, False))}
            head.append({"linear": linear})
            for _ in range(dice.integer(0, 1)):
                head.append(dice.choice(("softmax", "sigmoid", "relu", "layer_norm", "batch_norm")))
            if dice.chance(25):
                head.append({"linear": {"out": 2}})
        return head

    def outputs(self, tapped: list[str]) -> dict[str, Value]:
        """Some named results of the stem, and some stages."""
        found: dict[str, Value] = {}
        if tapped and self.dice.chance(50):
            found |= {self.fresh("out_"): name for name in tapped[:2]}
        if self.stage_paths and self.dice.chance(30):
            found["a_stage"] = self.dice.choice(self.stage_paths)
        return found
