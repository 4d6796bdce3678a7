"""Steps whose results nothing uses: they would be parameters without a gradient, and Keras has no place
for them.
"""

from __future__ import annotations

from netspec import ir
from netspec.errors import Diagnostic, NetspecError

Producers = tuple[int, ...]


def check_liveness(network: ir.Network) -> None:
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


Step = ir.Layer | ir.Residual | ir.Gate | ir.Branches
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
        case ir.Layer():
            return step.op.kind
        case ir.Branches(merge="concat"):
            return "concatenation"
    return type(step).__name__.lower()


class _Trace:
    """The steps of a network, and for each the steps whose results it takes."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.sources: list[Producers] = []

    def network(self, network: ir.Network) -> Producers:
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

    def node(self, node: ir.Node, value: Producers, named: dict[str, Producers]) -> Producers:
        """The producers of a node's result, from those of what enters it."""
        match node:
            case ir.Layer():
                return self._step(node, value)
            case ir.Sequence():
                for item in node.items:
                    value = self.node(item, value, named)
                return value
            case ir.Block():
                return self.node(node.body, value, {})
            case ir.Reference():
                return _union([named[name] for name in node.names])
            case ir.Tap():
                named[node.name] = self.node(node.body, value, named)
                return named[node.name]
            case ir.Residual():
                body = self.node(node.body, value, named)
                shortcut = self.node(node.shortcut, value, named)
                return self._step(node, _union([body, shortcut]))
            case ir.Gate():
                return self._step(node, _union([value, self.node(node.body, value, named)]))
            case ir.Branches():
                paths = [self.node(path, value, named) for path in node.paths]
                return self._step(node, _union(paths))
        raise AssertionError(node)  # pragma: no cover

    def _step(self, step: Step, sources: Producers) -> Producers:
        self.steps.append(step)
        self.sources.append(sources)
        return (len(self.steps) - 1,)


def _union(parts: list[Producers]) -> Producers:
    return tuple(dict.fromkeys(index for part in parts for index in part))
