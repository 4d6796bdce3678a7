"""What people write in ``forward`` for a layer: its module, a function of tensors in its place, or both.

A row gives one module for each op, which stands in a `nn.Sequential`, and under a name that somebody chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netspec.backends.torch.rows import X, module_of
from netspec.codegen.calls import Call
from netspec.ir import Layer
from netspec.ir.template.chosen import is_labelled
from netspec.ops.pooling import GlobalPool
from netspec.ops.structure import Subsample

_FLATTENED = Call("torch.flatten", (X, 1))


@dataclass(frozen=True)
class Form:
    """What a layer is in a forward pass: a module's call, a function of tensors, or a module's and then that.

    Attributes:
        module: the call that makes the module; None where it has none.
        function: the call on a tensor, for which :data:`X` stands.
    """

    module: Call | None
    function: Call | None = None


def _pooled(layer: Layer, module: Call) -> Form:
    op: GlobalPool = layer.op  # type: ignore[assignment]
    return Form(module) if op.keep_dims else Form(module.args[0], _FLATTENED)


def _flattened(layer: Layer, module: Call) -> Form:
    return Form(None, _FLATTENED) if module.target == "nn.Flatten" else Form(module)


def _padded_channels(layer: Layer, module: Call) -> Form:
    return Form(None, Call("F.pad", (X, [0, 0] * layer.source.rank + [*module.args])))


def _subsampled(layer: Layer, module: Call) -> Form:
    op: Subsample = layer.op  # type: ignore[assignment]
    every = [slice(None), slice(None), *(slice(None, None, step) for step in op.stride)]
    return Form(None, Call("operator.getitem", (X, tuple(every))))


_FORMS: Mapping[str, Callable[[Layer, Call], Form]] = {
    "flatten": _flattened,
    "pad_channels": _padded_channels,
    "subsample": _subsampled,
}
"""What people write in ``forward`` where the row's module would hold nothing."""


def form_of(layer: Layer, name: str) -> Form:
    """What a layer is in the forward pass of the block in which it has ``name``, its path from there on.

    In a container, and under a name that somebody chose, it is its row's module alone: there it is looked for.
    Raises :class:`NetspecError` where the row does.
    """
    module = module_of(layer)
    if "." not in name and isinstance(layer.op, GlobalPool):
        return _pooled(layer, module)
    form = _FORMS.get(layer.op.kind)
    return form(layer, module) if form and has_own_name(layer, name) else Form(module)


def has_module(layer: Layer) -> bool:
    """Whether a layer whose path is from its block on is a module, and no function in its place."""
    form = _FORMS.get(layer.op.kind)
    return (
        not form
        or not has_own_name(layer, layer.path)
        or form(layer, module_of(layer)).module is not None
    )


def has_own_name(layer: Layer, name: str) -> bool:
    """Whether nobody chose the ``name`` that a layer has in its block, its path from there on."""
    return is_labelled(layer.op, name)
