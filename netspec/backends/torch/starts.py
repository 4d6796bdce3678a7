"""How the parameters of generated source start: by one loop over all modules, or by their class."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from netspec.backends.torch.initial import init_call, is_native
from netspec.codegen.calls import Call, same_call, varies
from netspec.codegen.cases import Case
from netspec.codegen.nodes import call, dotted, if_, side_by_side
from netspec.ir import Layer
from netspec.ops.types import Parameter, TensorType

_BASES = {
    **{f"{kind}Conv{rank}d": f"nn.Conv{rank}d" for kind in ("Same", "Pad") for rank in (1, 2, 3)},
    **{f"CutConvTranspose{rank}d": f"nn.ConvTranspose{rank}d" for rank in (1, 2, 3)},
    "ChannelNorm": "nn.LayerNorm",
    "FrozenBatchNorm": "nn.BatchNorm2d",
    "ChannelLinear": "nn.Linear",
    "ChannelConv": "nn.Conv1d",
}


def base_class(target: str) -> str:
    """The class of PyTorch that a module of generated source is one of."""
    return _BASES.get(target, target)


def is_subclass(one: Call | Case[Call], other: Call | Case[Call]) -> bool:
    """Whether a module is of a class that another's class is the base of."""
    if isinstance(one, Case) or isinstance(other, Case):
        return False
    return one.target != other.target == base_class(one.target)


def in_loop(parameter: Parameter, source: TensorType) -> Call:
    """The call that starts a parameter of what the loop calls ``module``, and which takes a ``source``."""
    return init_call(parameter, source, dotted(f"module.{parameter.name}"))


@dataclass(frozen=True)
class _Needed:
    """A call that so many layers need, None for what PyTorch does itself."""

    made: Call | None
    count: int


@dataclass
class Starts:
    """How the parameters of each class of modules start, over the whole network.

    Attributes:
        found: by class and parameter, every call that blocks need; None for what PyTorch does itself.
        own: the calls that layers of the network itself need, which can come behind the loop, each once with
            how many need it.
        various: what depends on numbers of each block, so that no call serves all.
        owners: how many modules have each parameter.
        modules: how many modules there are of each class.
    """

    found: dict[tuple[str, str], list[Call | None]] = field(default_factory=dict)
    own: dict[tuple[str, str], list[_Needed]] = field(default_factory=dict)
    various: set[tuple[str, str]] = field(default_factory=set)
    owners: Counter[tuple[str, str]] = field(default_factory=Counter)
    modules: Counter[str] = field(default_factory=Counter)

    def note(self, layer: Layer, target: str, is_own: bool) -> None:
        """Take down the parameters of a layer, whose module is of the class ``target``.

        ``is_own`` says that the layer is the network's own, and stands in no block.
        """
        self.modules[target] += 1
        for parameter in layer.op.parameters(layer.source):
            key = (target, parameter.name)
            made = None if is_native(layer, parameter) else in_loop(parameter, layer.source)
            self.owners[key] += 1
            if is_own:
                self._add_own(key, _Needed(made, 1))
                continue
            self._add(key, made)
            if made is not None and varies(made):
                self.various.add(key)

    def _add(self, key: tuple[str, str], made: Call | None) -> None:
        known = self.found.setdefault(key, [])
        if not any(same_call(each, made) for each in known):
            known.append(made)

    def _add_own(self, key: tuple[str, str], needed: _Needed) -> None:
        known = self.own.setdefault(key, [])
        for index, each in enumerate(known):
            if same_call(each.made, needed.made):
                known[index] = _Needed(each.made, each.count + needed.count)
                return
        known.append(needed)

    def add(self, other: Starts) -> None:
        """Take down all that ``other`` has."""
        for key, calls in other.found.items():
            for made in calls:
                self._add(key, made)
        for key, own in other.own.items():
            for needed in own:
                self._add_own(key, needed)
        self.various |= other.various
        self.owners += other.owners
        self.modules += other.modules

    def looped(self, target: str, name: str) -> Call | None:
        """The call by which the loop starts this parameter of the modules of a class; None where it does not.

        It is the one that all blocks need, else the one that most layers of the network do. Others of these come
        behind the loop, so none may be what PyTorch did itself.
        """
        key = (target, name)
        own = self.own.get(key, [])
        usual = [max(own, key=lambda needed: needed.count).made] if own else []
        calls = self.found.get(key) or usual
        # Numbers may be those of the network around the loop.
        is_alone = key not in self.found and len(own) == 1
        if key in self.various or len(calls) != 1:
            return None
        if not is_alone and any(varies(call) for call in calls):
            return None
        return None if any(needed.made is None for needed in own) else calls[0]

    def loop(self, show: Callable[[Call], ast.expr]) -> list[ast.stmt]:
        """The body of a loop over ``module`` that starts what is uniform; ``show`` prints calls."""
        by_target: dict[str, list[_Start]] = {}
        for target, name in dict.fromkeys((*self.found, *self.own)):
            made = self.looped(target, name)
            if made is not None:
                lacking = self.owners[target, name] < self.modules[target]
                # PyTorch itself says that a convolution may have no bias, and type checkers hear it.
                optional = lacking or (name == "bias" and target.startswith("nn.Conv"))
                by_target.setdefault(target, []).append(_Start(name, made, optional))
        alike: list[tuple[list[str], list[_Start]]] = []
        for target, starts in by_target.items():
            targets = next((names for names, known in alike if _same(known, starts)), None)
            if targets is None:
                alike.append(([target], starts))
            else:
                targets.append(target)
        chain: list[ast.stmt] = []
        for targets, starts in reversed(alike):
            classes = side_by_side([*map(dotted, targets)])
            statements = [start.statement(show) for start in starts]
            test = call("isinstance", [dotted("module"), classes])
            chain = [_joined(test, statements, chain)]
        return chain


@dataclass(frozen=True)
class _Start:
    """How one parameter of a class starts; ``optional`` where some modules lack it."""

    name: str
    made: Call
    optional: bool

    def statement(self, show: Callable[[Call], ast.expr]) -> ast.stmt:
        """As it is written."""
        statement = ast.Expr(show(self.made))
        if not self.optional:
            return statement
        is_there = ast.Compare(dotted(f"module.{self.name}"), [ast.IsNot()], [ast.Constant(None)])
        return if_(is_there, [statement])


def _same(one: list[_Start], other: list[_Start]) -> bool:
    return len(one) == len(other) and all(
        a.name == b.name and a.optional == b.optional and same_call(a.made, b.made)
        for a, b in zip(one, other, strict=True)
    )


def _joined(test: ast.expr, statements: list[ast.stmt], chain: list[ast.stmt]) -> ast.stmt:
    """The statements under a test, which a single condition inside becomes a part of.

    A module for which only the inner one fails passes on along the chain, where nothing is for it:
    the classes are disjoint.
    """
    match statements:
        case [ast.If(test=inner, body=body, orelse=[])]:
            return if_(ast.BoolOp(ast.And(), [test, inner]), body, chain)
    return if_(test, statements, chain)
