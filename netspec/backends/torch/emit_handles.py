"""The handles that training scripts written for timm take hold of, in source that is asked for them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from netspec.backends.torch.initial import init_call, is_native
from netspec.backends.torch.modules import ModuleWriter
from netspec.backends.torch.naming import HANDLES
from netspec.codegen.calls import varies
from netspec.codegen.nodes import (
    annotation,
    assign,
    call,
    constant,
    dotted,
    function,
    if_,
    parameter,
)
from netspec.codegen.tensors import Item, Tensors
from netspec.errors import UsageError
from netspec.ir import Program, Region, Value
from netspec.ir.classifier import Classifier, classifier_of
from netspec.ir.template import Template
from netspec.ir.template.data import nodes_of

SELF = (parameter("self"), None)
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
    """Writes the handles of one network's class.

    Args:
        program: the network.
        writer: what its modules were written by.
        template: its template.

    Raises :class:`UsageError` where the classifier stands in a container that does not run as one.
    """

    def __init__(self, program: Program, writer: ModuleWriter, template: Template) -> None:
        self.classifier = handled(program)
        self.program = program
        self.printer = writer.printer
        self.outputs = template.outputs
        paths = {node.path: node for node in nodes_of(template.body)}
        self.linear = paths[self.classifier.linear.path]
        self.entry = paths[self.classifier.line[0].path]
        cuts = (self.entry, self.linear)
        self.items = [*writer.plan.gathered.line(in_order(template), cuts)]
        apart = all(cut in self.items for cut in cuts)
        if not apart or ("." in self.linear.path and not writer.plan.gathered.place(self.linear)):
            raise UsageError(f"{program.model_name} has no handles: its head stands in a container")
        self.access = writer.access(self.linear)

    def attributes(self) -> list[ast.stmt]:
        """What the constructor takes down."""
        channels = constant(self.program.source.channels)
        return [
            assign("self.num_classes", self.printer.value(self.linear.target.channels)),
            assign("self.num_features", self.printer.value(self.linear.source.channels)),
            assign("self.in_channels", channels),
            assign("self.in_chans", channels),
            *self._feature_info(),
        ]

    def _maps(self) -> dict[str, tuple[int, int]]:
        """Of each map among the outputs, the channels and the reduction."""
        length = self.program.source.size[0] if self.program.source.size else 1
        outputs = {name: value.type for name, value in self.program.evaluation_outputs.items()}
        return {
            name: (kind.channels, round(length / kind.size[0]))
            for name, kind in outputs.items()
            if kind.rank
        }

    def _feature_info(self) -> list[ast.stmt]:
        infos: list[ast.expr] = [
            ast.Dict(
                [*map(ast.Constant, ("num_chs", "reduction", "module"))],
                [constant(channels), constant(reduction), ast.Constant(name)],
            )
            for name, (channels, reduction) in self._maps().items()
        ]
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
        needed = {node.path for node in self.program.leading_to([self.program.main.result])}
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
        found = [
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
        return [*found, *self._classifier_methods()]

    def intermediates(self, tensors: Tensors, inputs: Sequence[str], run: Send) -> list[ast.stmt]:
        """The method that gives the maps among the outputs, where there are any.

        ``tensors`` have entered as ``inputs``, and are asked for :meth:`taken`.
        """
        if not self._maps():
            return []
        paths = {node.path for node in self.program.leading_to(self._wanted())}
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

    def _wanted(self) -> list[Value]:
        outputs = self.program.evaluation_outputs
        return [self.classifier.features, *(outputs[name] for name in self._maps())]

    def taken(self) -> list[Value]:
        """The last map, and the maps among the outputs, in the template."""
        if not self._maps():
            return []
        return [self.entry.inputs[0], *(self.outputs[name] for name in self._maps())]

    def _classifier_methods(self) -> list[ast.stmt]:
        layer = self.linear
        made = ast.Name("classifier")
        more = {} if layer.op.bias else {"bias": ast.Constant(False)}  # type: ignore[attr-defined]
        new = call("nn.Linear", [dotted("self.num_features"), ast.Name("num_classes")], **more)
        starts: list[ast.stmt] = []
        for each in layer.op.parameters(layer.source):
            start = init_call(each, layer.source, ast.Attribute(made, each.name))
            if not is_native(layer, each) and not varies(start):
                starts.append(ast.Expr(self.printer.call(start)))
        replaced: list[ast.stmt] = [assign(self.access, new)]
        if starts:
            replaced = [assign(made, new), *starts, assign(self.access, made)]
        if not self.classifier.behind:
            away, zero = call("nn.Identity"), [ast.Constant(0)]
            if starts:
                is_none = ast.Compare(ast.Name("num_classes"), [ast.Eq()], [*zero])
                replaced = [if_(is_none, [assign(self.access, away)], replaced)]
            else:
                is_some = ast.Compare(ast.Name("num_classes"), [ast.Gt()], [*zero])
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
                [assign("self.num_classes", ast.Name("num_classes")), *replaced],
                doc="Put a new linear layer for so many classes at the end; none for 0."
                if not self.classifier.behind
                else "Put a new linear layer for so many classes in the old one's place.",
                returns=ast.Constant(None),
            ),
        ]


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
