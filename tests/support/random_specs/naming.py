"""Names: containers that several things share, names under a `when`, dotted names across both."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.random_specs.numbers import Numbers, Place, Step, Value, nameable

NAMINGS = (
    *("when first", "when in the middle", "when last", "when alone", "empty when"),
    *("nested when in a container", "nested when", "dotted across when"),
    *("interleaved containers", "one name in two whens", "one name in then and else"),
    *("call with a dotted name", "container with a dotted name", "name in a numbered container"),
    *("prefix of a container", "stem under a prefix", "stage under a prefix"),
    *("between under a prefix", "head under a prefix", "flatten in a block"),
    *("flatten in a container", "flatten under a when"),
)
"""What :attr:`Numbers.naming` counts."""


class Naming(Numbers):
    """Writes steps that keep the shape, and whose names meet."""

    def kept(self, place: Place, count: int | None = None) -> list[Step]:
        """Steps that give the shape that they take."""
        raise NotImplementedError

    def namings(self, place: Place) -> list[Callable[[Place], Step]]:
        """The kinds of steps below that may stand here."""
        if not place.may_name or place.depth > 2:
            return []
        found = [
            self.numbered,
            self.numbered,
            self.nested_whens,
            self.across_when,
            self.interleaved,
            self.complementary,
        ]
        return [*found, self.named_call] if place.blocks else found

    def prefix(self, place: Place) -> str:
        """What a dotted name here begins with: often what other names do, too."""
        if place.prefixes and self.dice.chance(60):
            self.naming["prefix of a container"] += 1
            return self.dice.choice(place.prefixes)
        place.prefixes.append(self.layer_name("group{}"))
        return place.prefixes[-1]

    def dotted(self, prefix: str) -> str:
        """A name below a prefix that no other step has."""
        number = next(self.counter)
        return f"{prefix}.{self.dice.choice(('leaf', 'leaf.deep', '1', 'with-hyphen'))}{number}"

    def plain(self, name: str | None = None) -> Step:
        """A layer, now and then one that gives back what it takes; with a name, if there is one."""
        dice = self.dice
        step: Step = {
            dice.choice(("relu", "tanh", "scale", "norm", "dropout", "conv")): {},
        }
        if "conv" in step:
            step["conv"] = {"out": "channels", "kernel": dice.choice((1, 3))}
        if name is not None:
            step["name"] = name
        return step

    def branch(self, place: Place, name: Callable[[], str] | None = None) -> Step:
        """A `when` of a few layers; what is not taken may be none."""
        dice = self.dice

        def steps(low: int) -> list[Step]:
            return [
                self.plain(name() if name is not None and dice.chance(60) else None)
                for _ in range(dice.integer(low, 2))
            ]

        found: dict[str, Value] = {"test": self.local_flag(place), "then": steps(0)}
        if dice.chance(50):
            found["else"] = steps(0)
        if not found["then"] and not found.get("else"):
            self.naming["empty when"] += 1
        return {"when": found}

    def nested(self, place: Place, name: Callable[[], str] | None = None) -> Step:
        """A `when` in a `when`, at its beginning or its end or alone."""
        outer, inner = self.branch(place, name), self.branch(place, name)
        side = self.dice.choice([key for key in ("then", "else") if key in outer["when"]])
        steps = outer["when"][side]
        steps.insert(self.dice.choice((0, len(steps))), inner)
        return outer

    def numbered(self, place: Place) -> Step:
        """A named sequence, where a `when` stands first, in the middle, last or alone."""
        dice = self.dice
        name = self.layer_name("seq{}")
        if dice.chance(40):
            name = self.dotted(self.prefix(place))
            self.naming["container with a dotted name"] += 1
        where = dice.choice(("first", "in the middle", "last", "alone"))
        self.naming[f"when {where}"] += 1
        when = self.branch(place)
        if dice.chance(40):
            self.naming["nested when in a container"] += 1
            when = self.nested(place)
        ahead = [self.plain()] if where in ("in the middle", "last") else []
        behind = (
            self.kept(place.inner(once=False), 1) if where in ("first", "in the middle") else []
        )
        if (ahead or behind) and dice.chance(30):
            self.naming["name in a numbered container"] += 1
            steps = ahead or behind
            if not isinstance(steps[0], dict) or not nameable(steps[0]):
                steps[0] = self.plain()
            steps[0]["name"] = f"own{next(self.counter)}"
        place.prefixes.append(name)
        return {"sequence": [*ahead, when, *behind], "name": name}

    def nested_whens(self, place: Place) -> Step:
        """A `when` in a `when`, with dotted names or counted ones."""
        self.naming["nested when"] += 1
        prefix = self.prefix(place)
        return self.nested(place, (lambda: self.dotted(prefix)) if self.dice.chance(50) else None)

    def across_when(self, place: Place) -> Step:
        """Names with one prefix, inside a `when` and around it."""
        self.naming["dotted across when"] += 1
        prefix = self.prefix(place)
        when = self.branch(place, lambda: self.dotted(prefix))
        ahead = [self.plain(self.dotted(prefix))] if self.dice.chance(60) else []
        behind = [self.plain(self.dotted(prefix))] if not ahead or self.dice.chance(60) else []
        return {"sequence": [*ahead, when, *behind]}

    def interleaved(self, place: Place) -> Step:
        """Layers of two containers in turn."""
        self.naming["interleaved containers"] += 1
        prefixes = [self.prefix(place), self.prefix(place)]
        names = [self.dotted(prefixes[turn % 2]) for turn in range(self.dice.integer(3, 4))]
        steps: list[Step] = [self.plain(name) for name in names]
        if self.dice.chance(30):
            steps[1:3] = [{"residual": {"body": steps[1:3]}, "name": self.dotted(prefixes[0])}]
        return {"sequence": steps}

    def complementary(self, place: Place) -> Step:
        """One name for two steps, of which there is always one."""
        dice = self.dice
        name = self.layer_name("either{}")
        if dice.chance(50):
            name = self.dotted(self.prefix(place))
        test = self.local_flag(place)
        first, second = self.plain(name), self.plain(name)
        if dice.chance(30):
            first = {"sequence": [self.plain(), self.plain()], "name": name}
        if dice.chance(30):
            self.naming["one name in then and else"] += 1
            return {"when": {"test": test, "then": [first], "else": [second]}}
        self.naming["one name in two whens"] += 1
        between = [self.plain()] if dice.chance(40) else []
        one: Step = {"when": {"test": test, "then": [first]}}
        other: Step = {"when": {"test": f"not ({test})", "then": [second]}}
        return {"sequence": [one, *between, other]}

    def named_call(self, place: Place) -> Step:
        """A block's call with a dotted name."""
        self.naming["call with a dotted name"] += 1
        return {self.dice.choice(place.blocks): {}, "name": self.dotted(self.prefix(place))}

    def vector(self, place: Place) -> tuple[list[Step], dict[str, Value]]:
        """From a map to a vector, by a `flatten` of a block of its own; and that block, by its name."""
        dice = self.dice
        flatten: Step = {"flatten": {"order": dice.choice(("channels_first", "channels_last"))}}
        linear: Step = {"linear": {"out": dice.choice((4, 8))}}
        body: list[Step] = [flatten]
        body += [dice.choice(("relu", "dropout", "tanh", "softmax"))] if dice.chance(50) else []
        if dice.chance(70):
            body.append(linear)
        if dice.chance(45):
            self.naming["flatten under a when"] += 1
            other: list[Step] = ["global_avg_pool", {"linear": {"out": 4}}]
            body = [{"when": {"test": self.local_flag(place), "then": body, "else": other}}]
        if dice.chance(50):
            self.naming["flatten in a container"] += 1
            body = [{"sequence": body, "name": self.layer_name("flat{}")}]
        if dice.chance(40):
            body.insert(0, self.plain())
        self.naming["flatten in a block"] += 1
        name = self.fresh("vector")
        call: Step = {name: {}}
        kind = dice.integer(0, 3)
        if kind == 1:
            call["name"] = self.dotted(self.prefix(place))
        if kind == 2:  # two instances, whose orders may be taken or not
            left, right = self.fresh("p"), self.fresh("p")
            paths = {left: [name, {"linear": {"out": 4}}], right: [name, "relu", linear]}
            return [{"branches": {**paths, "merge": "concat"}}], {name: {"body": body}}
        return [call], {name: {"body": body}}
