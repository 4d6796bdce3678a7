"""How live modules run what they hold: methods that `torch.fx` writes from a plan of plain objects.

A plan says which calls are made, on which values. Modules of one plan are of one class, whose methods are
ordinary Python: they compile, script, trace and export as any others do, and have names and source in a
traceback. A module pickles as its plan and what it holds.
"""

from __future__ import annotations

import keyword
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import fx, nn

FORWARD = "forward"
EVALUATION = "_evaluation"
"""The method that `forward` leaves evaluation to, where there is one; no layer's name starts with ``_``."""


@dataclass(frozen=True)
class Operand:
    """A value of the plan, by its number."""

    number: int


@dataclass(frozen=True)
class Step:
    """A call.

    Attributes:
        target: the path of a module inside, the name of a method of tensors, or a function.
        args: what it takes: operands, other constants, and tuples and lists of them.
        results: the numbers of the values that it gives.
        kwargs: more of what it takes, by name.
        is_method: whether the target is a method of the first operand.
    """

    target: str | Callable[..., Any]
    args: tuple[Any, ...]
    results: tuple[int, ...]
    kwargs: tuple[tuple[str, Any], ...] = ()
    is_method: bool = False


@dataclass(frozen=True)
class Plan:
    """What a method does.

    Attributes:
        inputs: the names of its arguments, which are the values that count from zero on.
        steps: the calls, in order.
        outputs: the operands that it returns: one, a tuple, or a dict as pairs.
        names: the keys of the dict; empty where it returns none.
    """

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Operand, ...]
    names: tuple[str, ...] = ()

    def __hash__(self) -> int:
        # Arguments may hold lists and slices, which are equal but have no hash.
        return hash((self.inputs, tuple(step.results for step in self.steps), self.names))


Plans = tuple[tuple[str, Plan], ...]
"""The plans of a module, by the names of the methods that they become."""


class WiredModule(nn.Module):
    """A module whose methods come of plans; its class is made for them, and pickles as they do."""

    _made_of: tuple[type[WiredModule], str, Plans]

    def __reduce__(self) -> tuple[Any, ...]:
        return _empty, type(self)._made_of, self.__dict__


def _empty(base: type[WiredModule], name: str, plans: Plans) -> WiredModule:
    """A module of a class, with nothing in it yet."""
    made = wired(base, name, plans)  # type: ignore[arg-type]  # mypy knows classes of modules as unhashable
    return made.__new__(made)


@lru_cache(maxsize=4096)
def wired(base: type[WiredModule], name: str, plans: Plans) -> type[WiredModule]:
    """The subclass of ``base`` called ``name`` with the methods of ``plans``.

    Where there is :data:`EVALUATION`, the other is for training.
    """
    evaluated = any(method == EVALUATION for method, _ in plans)
    methods = {name: _method(plan, evaluated and name == FORWARD) for name, plan in plans}
    for method, function in methods.items():
        function.__name__ = method  # by which TorchScript knows it
        function.__doc__ = base.forward.__doc__
    space = {"__module__": base.__module__, "__doc__": base.__doc__, **methods}
    return type(name, (base,), {**space, "_made_of": (base, name, plans)})


def _method(plan: Plan, evaluated: bool) -> Callable[..., Any]:
    graph = fx.Graph()
    values: dict[int, fx.Node] = {}

    def taken(value: Any) -> Any:
        if isinstance(value, Operand):
            return values[value.number]
        if isinstance(value, tuple | list):
            return type(value)(map(taken, value))
        return value

    for number, name in enumerate(plan.inputs):
        values[number] = graph.placeholder(name)
    for step in plan.steps:
        args, kwargs = taken(step.args), {name: taken(value) for name, value in step.kwargs}
        if not isinstance(step.target, str):
            made = graph.call_function(step.target, args, kwargs)
        elif step.is_method:
            made = graph.call_method(step.target, args, kwargs)
        else:
            made = graph.call_module(_Path(step.target), args, kwargs)
        if len(step.results) == 1:
            values[step.results[0]] = made
        else:
            values |= {number: _part(graph, made, at) for at, number in enumerate(step.results)}
    results = taken(plan.outputs)
    if plan.names:
        graph.output(dict(zip(plan.names, results, strict=True)))
    else:
        graph.output(results if len(results) > 1 else results[0])
    if evaluated:
        graph.set_codegen(_EvaluationAhead())
    paths = {step.target for step in plan.steps if isinstance(step.target, str)}
    held = {path: nn.Identity() for path in paths}  # of which the method knows the names alone
    method: Callable[..., Any] = type(fx.GraphModule(held, graph)).forward
    return method


def _part(graph: fx.Graph, several: fx.Node, index: int) -> fx.Node:
    return graph.call_function(operator.getitem, (several, index))


class _EvaluationAhead(fx.CodeGen):
    """Writes a method that is for training; in evaluation it calls the other."""

    def gen_fn_def(self, free_vars: list[str], *rest: Any, **more: Any) -> str:
        head: str = super().gen_fn_def(free_vars, *rest, **more)
        given = ", ".join(name for name in free_vars if name != "self")
        return f"{head}\n    if not self.training:\n        return self.{EVALUATION}({given})"


class _Path(str):
    """A path, of which fx makes attributes: of words of Python, which have none, it makes `getattr`."""

    def split(self, *rest: Any) -> list[str]:
        return [_Name(part) for part in super().split(*rest)]


class _Name(str):
    def isidentifier(self) -> bool:
        return super().isidentifier() and not keyword.iskeyword(self)
