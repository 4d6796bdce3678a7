"""The handles that training scripts written for timm take hold of, in source that is asked for them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.naming import HANDLES
from netspec.backends.torch.rows import SIGNATURE_DEFAULTS
from netspec.codegen.calls import varying_in
from netspec.codegen.identifiers import safe_identifier
from netspec.codegen.members import Family
from netspec.codegen.nodes import (
    Replaced,
    annotation,
    assign,
    call,
    dotted,
    function,
    if_,
    parameter,
)
from netspec.codegen.printing import Printer
from netspec.codegen.tensors import Item, Tensors
from netspec.errors import UsageError
from netspec.ir import Node, Program, Region, Value
from netspec.ir.classifier import Classifier, classifier_of
from netspec.ir.template import Split, Template
from netspec.ir.template.data import nodes_of
from netspec.lang.expression.symbolic import Diverges, Varying, names_of

SELF = (parameter("self"), None)
CLASSES = ast.Name("num_classes")
Send = Callable[[Sequence[Item]], None]
"""Sends tensors through items."""


def handled(program: Program) -> Classifier:
    """The end of a network for which handles are asked.

    Raises :class:`UsageError` where it has none that they could take hold of, or a layer has the name of one.
    """
    found = classifier_of(program)
    if found is None:
        raise UsageError(
            f"{program.model_name} has no handles: it does not end in a linear layer behind a pooling"
        )
    taken = sorted(HANDLES & {path.split(".")[0] for path in program.by_path})
    if taken:
        raise UsageError(f"{program.model_name} has no handles: a layer is called `{taken[0]}`")
    return found


class Handles:
    """Writes the handles of the class of a network, or of several.

    Args:
        family: the networks.
        writer: what their modules were written by.

    Raises:
        UsageError: one has no end to take hold of, or the classifier stands in a container that does not run
            as one.
        Split: no one class has the handles of all.
    """

    def __init__(self, family: Family, writer: ModuleWriter) -> None:
        template, self.members = family.template, family.members
        ends = [handled(member) for member in self.members]
        self.classifier = ends[0]
        _alike([(e.line[0].path, *_paths(e.linear, *e.behind)) for e in ends], "other ends")
        self.maps = [name for name, v in family.first.evaluation_outputs.items() if v.type.rank]
        self.reductions = [_reductions(member, self.maps) for member in self.members]
        _alike([tuple(map(str, each)) for each in self.reductions], "maps of other lengths")
        self.template = template
        self.printer = writer.printer
        nodes = {node.path: node for node in nodes_of(template.body)}
        self.linear = nodes[self.classifier.linear.path]
        self.entry = nodes[self.classifier.line[0].path]
        cuts = (self.entry, self.linear)
        self.items = [*writer.plan.gathered.line(in_order(template), cuts)]
        apart = all(cut in self.items for cut in cuts)
        if not apart or ("." in self.linear.path and not writer.plan.gathered.place(self.linear)):
            name = family.first.model_name
            raise UsageError(f"{name} has no handles: its head stands in a container")
        self.access = writer.access(self.linear)

    def attributes(self) -> list[ast.stmt]:
        """What the constructor takes down."""
        channels = self.printer.value(self.template.source.type.channels)
        return [
            assign("self.num_classes", self.printer.value(self.linear.target.channels)),
            assign("self.num_features", self.printer.value(self.linear.source.channels)),
            assign("self.in_channels", channels),
            assign("self.in_chans", channels),
            *self._feature_info(),
        ]

    def _feature_info(self) -> list[ast.stmt]:
        infos: list[ast.expr] = []
        for name, reduction in zip(self.maps, self.reductions[0], strict=True):
            channels = self.printer.value(self.template.outputs[name].type.channels)
            keys = map(ast.Constant, ("num_chs", "reduction", "module"))
            values = [channels, ast.Constant(reduction), ast.Constant(name)]
            infos.append(ast.Dict([*keys], values))
        return [assign("self.feature_info", ast.List(infos))] if infos else []

    def declare(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The constructor's statements, with the classifier as any module: another may come in its place."""
        found: list[ast.stmt] = []
        for each in statements:
            match each:
                case ast.Assign(targets=[ast.Attribute() as target], value=value) if ast.dump(
                    target
                ) == ast.dump(self.access):
                    found.append(ast.AnnAssign(target, annotation("nn.Module"), value, simple=0))
                case _:
                    found.append(each)
        return found

    def methods(self, tensors: Tensors, inputs: Sequence[str], run: Send) -> list[ast.stmt]:
        """The methods; ``tensors`` have entered as ``inputs``, and ``run`` writes what items do to them."""
        bodies: list[list[ast.stmt]] = []
        entering = [[*inputs]]
        needed = self._leading_to(lambda member: [member.main.result])
        items = [i for i in self.items if needed & {node.path for node in nodes_of(i)}]
        at = [0, items.index(self.entry), items.index(self.linear)]
        for first, behind, cut in zip(at, at[1:], (self.entry, self.linear), strict=False):
            run(items[first:behind])
            variable = tensors.settle_value(cut.inputs[0], "x").id
            bodies.append([*tensors.statements, ast.Return(ast.Name(variable))])
            tensors.statements.clear()
            entering.append([variable])
        run(items[at[-1] :])
        result = tensors.settle(tensors.take(tensors.template.body.result, "x"), "x")
        features, pooled = bodies
        ((variable,),) = entering[2:]
        early = if_(ast.Name("pre_logits"), [ast.Return(ast.Name(variable))])
        head = [*pooled[:-1], early, *tensors.statements, ast.Return(result)]
        flag = (parameter("pre_logits", "bool"), ast.Constant(False))
        returns = ast.Name("Tensor")
        return [
            function(
                "forward_features",
                [SELF, *_tensors(entering[0])],
                features,
                doc="The last map, ahead of the pooling.",
                returns=returns,
            ),
            function(
                "forward_head",
                [SELF, *_tensors(entering[1]), flag],
                head,
                doc="What the network makes of its last map, or what enters the classifier.",
                returns=returns,
            ),
        ]

    def intermediates(self, tensors: Tensors, inputs: Sequence[str], run: Send) -> list[ast.stmt]:
        """The method that gives the maps among the outputs, where there are any.

        ``tensors`` have entered as ``inputs``, and are asked for :meth:`taken`.
        """
        if not self.maps:
            return []
        paths = self._leading_to(self._taken_of)
        run([item for item in self.items if paths & {node.path for node in nodes_of(item)}])
        last, *maps = (tensors.take(value, "x") for value in self.taken())
        found = ast.List([*maps])
        alone = if_(ast.Name("intermediates_only"), [ast.Return(found)])
        flag = (parameter("intermediates_only", "bool"), ast.Constant(False))
        return [
            function(
                "forward_intermediates",
                [SELF, *_tensors(inputs), flag],
                [*tensors.statements, alone, ast.Return(ast.Tuple([last, found]))],
                doc="The last map and those that `feature_info` tells of, or these alone.",
                returns=annotation("list[Tensor] | tuple[Tensor, list[Tensor]]"),
            )
        ]

    def _leading_to(self, wanted: Callable[[Program], Sequence[Value]]) -> set[str]:
        """The paths of all ops that lead to what is wanted of each network."""
        return {n.path for member in self.members for n in member.leading_to(wanted(member))}

    def _taken_of(self, member: Program) -> list[Value]:
        """The last map of one of the networks, and the maps among its outputs."""
        outputs = member.evaluation_outputs
        return [handled(member).features, *(outputs[name] for name in self.maps)]

    def taken(self) -> list[Value]:
        """The last map, and the maps among the outputs, in the template."""
        if not self.maps:
            return []
        return [self.entry.inputs[0], *(self.template.outputs[name] for name in self.maps)]

    def classifier_methods(self) -> list[ast.stmt]:
        """The methods that give the classifier, and put another in its place."""
        layer = self.linear
        made = ast.Name("classifier")
        more = {} if layer.op.bias else {"bias": ast.Constant(False)}  # type: ignore[attr-defined]
        new = call("nn.Linear", [dotted("self.num_features"), CLASSES], **more)
        starts = self._starts(made)
        replaced: list[ast.stmt] = [assign(self.access, new)]
        if starts:
            replaced = [assign(made, new), *starts, assign(self.access, made)]
        if not self.classifier.behind:
            away, zero = call("nn.Identity"), [ast.Constant(0)]
            if starts:
                is_none = ast.Compare(CLASSES, [ast.Eq()], [*zero])
                replaced = [if_(is_none, [assign(self.access, away)], replaced)]
            else:
                is_some = ast.Compare(CLASSES, [ast.Gt()], [*zero])
                replaced = [assign(self.access, ast.IfExp(is_some, new, away))]
        return [
            function(
                "get_classifier",
                [SELF],
                [ast.Return(self.access)],
                doc="The linear layer at the end, or what stands in its place.",
                returns=dotted("nn.Module"),
            ),
            function(
                "reset_classifier",
                [SELF, (parameter("num_classes", "int"), None)],
                [assign("self.num_classes", CLASSES), *replaced],
                doc="Put a new linear layer for so many classes at the end; none for 0."
                if not self.classifier.behind
                else "Put a new linear layer for so many classes in the old one's place.",
                returns=ast.Constant(None),
            ),
        ]

    def _starts(self, made: ast.expr) -> list[ast.stmt]:
        """How a new classifier starts: by the numbers of the new classes, and what the network keeps."""
        layer, printer = self.linear, Printer(SIGNATURE_DEFAULTS)
        classes, source = layer.target.channels, layer.source
        known: dict[str, ast.expr] = {}

        def named(channels: Any, path: str) -> Varying:
            name = f"{path}."  # as no spec calls a number
            known[name] = dotted(path)
            is_varying = isinstance(channels, Varying)
            values = channels.values if is_varying else (channels,)
            return Varying(ast.Name(name), values, kept=not is_varying or channels.kept)

        op = replace(layer.op, out=named(classes, CLASSES.id))  # type: ignore[call-arg]
        if isinstance(source.channels, Varying):
            kept = named(source.channels, "self.num_features")
            source = replace(source, channels=kept)
        if isinstance(classes, Varying) and isinstance(classes.node, ast.Name):
            known[classes.node.id] = CLASSES
        replaced = Replaced({safe_identifier(name): node for name, node in known.items()})
        found: list[ast.stmt] = []
        for each in op.parameters(source):
            if is_native(layer, each):
                continue
            start = init_call(each, source, ast.Attribute(made, each.name))
            for number in varying_in(start):
                if not names_of(number) <= known.keys():
                    self._refuse(number)
            found.append(ast.Expr(replaced.visit(printer.call(start))))
        self.printer.targets |= printer.targets
        return found

    def _refuse(self, number: Varying) -> NoReturn:
        """Part networks by a number that none of their methods knows."""
        if number.kept:
            name = self.members[0].model_name
            raise UsageError(
                f"{name} has no handles: how `{self.linear.path}` starts is an argument"
            )
        raise Diverges(number)


def _paths(*nodes: Node) -> list[str]:
    return [node.path for node in nodes]


def _reductions(network: Program, maps: Sequence[str]) -> tuple[int, ...]:
    """How many times shorter than the input each of the maps is, along the first axis."""
    length = network.source.size[0] if network.source.size else 1
    return tuple(round(length / network.outputs[name].type.size[0]) for name in maps)


def _alike(values: Sequence[Any], reason: str) -> None:
    """Part networks unless they have one value."""
    if len({*values}) > 1:
        raise Split(reason, "", dict(enumerate(values)))


def _tensors(names: Sequence[str]) -> list[tuple[ast.arg, None]]:
    return [(parameter(name, "Tensor"), None) for name in names]


def through_parts(inputs: Sequence[str]) -> list[ast.stmt]:
    """The body of ``forward`` of a network that gives the result alone."""
    features = call("self.forward_features", map(ast.Name, inputs))
    return [
        assign("x", features),
        assign("x", call("self.forward_head", [ast.Name("x")])),
        ast.Return(ast.Name("x")),
    ]


def in_order(template: Template) -> Iterator[Item]:
    """The parts of a network, those of the stem and the head one by one."""
    for part in template.body.items:
        if isinstance(part, Region) and part.kind == "sequence" and not part.path:
            yield from part.items
        else:
            yield part
