"""Blocks of several inputs and results, their calls, and stages of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.support.random_specs.blocks import Blocks
from tests.support.random_specs.numbers import Place, Step, Value


@dataclass(frozen=True)
class Cell:
    """A block of several inputs: what it takes besides, and which inputs it hands on.

    Attributes:
        name: its name.
        inputs: how many values it takes.
        handed: the number of the input that each result behind the first is; None for one of its own width.
        kinds: its parameters, by what they are for.
    """

    name: str
    inputs: int
    handed: tuple[int | None, ...]
    kinds: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_chained(self) -> bool:
        """Whether one can stand behind another in a stage."""
        return len(self.handed) + 1 == self.inputs


class Cells(Blocks):
    """Writes cells."""

    cells: list[Cell]

    def cell(self, keeping: list[str]) -> tuple[str, dict[str, Value]]:
        """A block of two or three inputs to ``width`` channels."""
        dice = self.dice
        params, names = self.params()
        params = {"width": "int", "stride": 1, **params}
        names["width"] = ["width", *names.get("width", [])]
        inputs = [self.fresh(word) for word in ("current", "previous", "older")]
        inputs = inputs[: dice.choice((2, 2, 3))]
        body: list[Step] = []
        fitted: list[str] = []
        for number, name in enumerate(inputs):
            taken: Step = {"from": name}
            if number:  # what is handed on may be larger
                test = {"test": "size[0] > in_size[0]", "then": [self.down(Place("channels"), 2)]}
                body.append({"from": name, "when": test})
                taken = {}
            fitted.append(self.fresh("fit"))
            conv = {"out": "width", "kernel": dice.choice((1, 3)), "stride": "stride"}
            body.append({**taken, "conv": conv, "as": fitted[-1]})
        place = Place("width", size=next(self.sizes), names=names, blocks=keeping)
        if self.cells and dice.chance(30):
            body += self.inner_cell(dice.choice(self.cells), fitted)
        merge = dice.choice(("add", "mul", "concat"))
        order = fitted if dice.chance(50) else fitted[::-1]
        body.append({"from": order, "merge": merge})
        if merge == "mul":
            body.append("tanh")
        body += [
            {"conv": {"out": "width", "kernel": 1}},
            *self.kept(place.inner(results=[]), dice.integer(0, 1)),
        ]
        out = self.fresh("out")
        body.append({dice.choice(("relu", "tanh")): {}, "as": out})
        handed: list[int | None] = []
        results = [out]
        for number in range(dice.choice((len(inputs) - 1, len(inputs) - 1, 0, 1))):
            if dice.chance(70):
                handed.append(number)
                results.append(inputs[number])
            else:
                handed.append(None)
                results.append(fitted[number])
        found: dict[str, Value] = {"inputs": inputs, "params": params, "body": body}
        if len(results) > 1 or dice.chance(30):
            found["results"] = results
        name = self.fresh("cell")
        self.cells.append(Cell(name, len(inputs), tuple(handed), names))
        return name, found

    def inner_cell(self, cell: Cell, known: list[str]) -> list[Step]:
        """A call of another cell on named results, whose result is added to one of these."""
        given, names = self.called(cell, "width", [self.dice.choice(known) for _ in range(9)])
        together = self.fresh("both")
        known[0], first = together, known[0]
        return [given, {"from": [names[0], first], "as": together}]

    def called(self, cell: Cell, width: Value, known: list[str]) -> tuple[Step, list[str]]:
        """A call of a cell on the first of ``known`` results, and what its own are called."""
        names = [self.fresh("res") for _ in range(len(cell.handed) + 1)]
        taken = known[: cell.inputs]
        step: Step = {"from": taken, cell.name: {"width": width}}
        if cell.handed or self.dice.chance(70):
            step["as"] = names if cell.handed else names[0]
        else:
            step = {"sequence": [step, {"tanh": {}, "as": names[0]}]}
        return step, names

    def celled(self, place: Place) -> list[Step]:
        """Calls of cells in the stem: on what flows and what has a name."""
        dice = self.dice
        cell = dice.choice(self.cells)
        flow = self.fresh("flow")
        steps: list[Step] = [{dice.choice(("tanh", "relu")): {}, "as": flow}]
        here = [(flow, place.channels)]
        here += [(name, channels) for name, channels, size in place.results if size == place.size]
        others = [dice.choice(here) for _ in range(cell.inputs - 1)]
        taken = [here[0], *others] if dice.chance(60) else [*others, here[0]]
        width = dice.choice((4, 8))
        step, names = self.called(cell, width, [name for name, _ in taken])
        kind = dice.integer(0, 4)
        if kind == 0:
            twin = dice.choice([c for c in self.cells if c.inputs == cell.inputs])
            if len(twin.handed) == len(cell.handed) and "as" in step:
                other = {"from": step["from"][::-1], twin.name: {"width": width}, "as": step["as"]}
                step = {"when": {"test": self.flag(place), "then": [step], "else": [other]}}
        elif kind == 1 and "as" in step:
            step["name"] = self.layer_name("celled{}")
        elif kind == 2 and flow in step.get("from", ()):
            again = {"times": 2, "body": [{"tanh": {}, "as": flow}, step]}
            place.channels = str(width)
            return [{"conv": {"out": width, "kernel": 1}}, {"repeat": again}]
        place.channels = str(width)
        place.results.append((flow, here[0][1], place.size))
        place.results.append((names[0], str(width), place.size))
        for name, number in zip(names[1:], cell.handed, strict=True):
            channels = str(width) if number is None else taken[number][1]
            if "when" not in step:
                place.results.append((name, channels, place.size))
        return [*steps, step]

    def cell_stages(self, place: Place, stem: list[Step], params: dict[str, Value]) -> list[Value]:
        """Stages of cells, the first of which takes named results of the stem."""
        dice = self.dice
        flow = self.fresh("last")
        known = [flow, *(name for name, _, size in place.results if size == place.size)]
        stem.append({"tanh": {}, "as": flow})
        found: list[Value] = []
        cell = dice.choice(self.cells)
        for number in range(dice.choice((1, 2))):
            stage: dict[str, Value] = {"block": cell.name, "width": dice.choice((4, 8, 12))}
            if dice.chance(20):
                chosen = self.fresh("Block")
                params[chosen] = {"type": "block", "default": cell.name}
                stage["block"] = chosen
            if cell.is_chained:
                stage["repeat"] = dice.choice((2, 1, 3, 4))
                alike = [c.name for c in self.cells if (c.inputs, c.is_chained) == (cell.inputs, 1)]
                if dice.chance(40):
                    stage["first"] = {"block": dice.choice(alike)}
                if dice.chance(30):
                    stage["last"] = {"width": dice.choice((4, 8))}
                if cell.inputs == 2 and dice.chance(40):
                    stage["stride"] = 2
            if number == 0:
                others = [dice.choice(known) for _ in range(cell.inputs - 1)]
                stage["from"] = [flow, *others] if dice.chance(70) else [*others, flow]
            elif not cell.is_chained:
                stage["from"] = [self.stage_paths[-1]] * cell.inputs
            elif dice.chance(25):
                middle = self.fresh("middle")
                stage["between"] = [{"tanh": {}, "as": middle}]
                stage["from"] = [middle, self.stage_paths[-1], middle][: cell.inputs]
            self.stage_paths.append(f"layer{len(self.stage_paths) + 1}")
            place.channels, place.size = "channels", next(self.sizes)
            found.append(stage)
        place.results.clear()
        return found
