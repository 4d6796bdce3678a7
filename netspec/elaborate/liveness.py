"""Steps whose results nothing uses: they would be parameters without a gradient, and Keras has no place
for them.
"""

from __future__ import annotations

from netspec import tree
from netspec.errors import Diagnostic, NetspecError

Producers = tuple[int, ...]


def check_liveness(network: tree.Network) -> None:
    """Raise :class:`NetspecError`, with every such step, unless all that is computed reaches an output."""
    trace = _Trace()
    found = trace.network(network)
    waiting = [*found]
    live: set[int] = set()
    while waiting:
        index = waiting.pop()
        if index not in live:
            live.add(index)
            waiting += trace.sources[index]
    dead = [index for index in range(len(trace.steps)) if index not in live]
    used = {source for index in dead for source in trace.sources[index]}
    ends = [trace.steps[index] for index in dead if index not in used]
    if ends:
        raise NetspecError([_unused(step) for step in ends])


Step = tree.Layer | tree.Residual | tree.Gate | tree.Branches
"""What computes something: an op, or what joins several results."""


def _unused(step: Step) -> Diagnostic:
    return Diagnostic(
        "NS409",
        f"nothing uses the result of this `{_word(step)}`",
        step.span,
        "a step with `from` takes named results instead of what flows in; name this result with `as` "
        "and take it too, or leave the step out",
        step.path,
    )


def _word(step: Step) -> str:
    match step:
        case tree.Layer():
            return step.op.kind
        case tree.Branches(merge="concat"):
            return "concatenation"
    return type(step).__name__.lower()


class _Trace:
    """The steps of a network, and for each the steps whose results it takes."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.sources: list[Producers] = []

    def network(self, network: tree.Network) -> Producers:
        """The producers of all outputs."""
        named: dict[str, Producers] = {}
        value = self.node(network.stem, (), named)
        for stage in network.stages:
            value = self.node(stage.between, value, {})
            for block in stage.blocks:
                value = self.node(block, value, {})
            named[stage.path] = value
        value = self.node(network.head, value, named)
        outputs = [named[key] for key in network.outputs.values()]
        return tuple(dict.fromkeys(i for found in (value, *outputs) for i in found))

    def node(self, node: tree.Node, value: Producers, named: dict[str, Producers]) -> Producers:
        """The producers of a node's result, from those of what enters it."""
        match node:
            case tree.Layer():
                return self._step(node, value)
            case tree.Sequence():
                for item in node.items:
                    value = self.node(item, value, named)
                return value
            case tree.Block():
                return self.node(node.body, value, {})
            case tree.Reference():
                return _union([named[name] for name in node.names])
            case tree.Tap():
                named[node.name] = self.node(node.body, value, named)
                return named[node.name]
            case tree.Residual():
                body = self.node(node.body, value, named)
                shortcut = self.node(node.shortcut, value, named)
                return self._step(node, _union([body, shortcut]))
            case tree.Gate():
                return self._step(node, _union([value, self.node(node.body, value, named)]))
            case tree.Branches():
                paths = [self.node(path, value, named) for path in node.paths]
                return self._step(node, _union(paths))
        raise AssertionError(node)  # pragma: no cover

    def _step(self, step: Step, sources: Producers) -> Producers:
        self.steps.append(step)
        self.sources.append(sources)
        return (len(self.steps) - 1,)


def _union(parts: list[Producers]) -> Producers:
    return tuple(dict.fromkeys(index for part in parts for index in part))
