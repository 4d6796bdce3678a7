"""The ops and the built-in blocks."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from netspec.backends.base import Backend, get_backend
from netspec.codegen.calls import Call
from netspec.lang import library
from netspec.ops import OPS, Axes, Op, attributes_of
from netspec.ops.base import Function, Reals
from reference.words import (
    attribute_type,
    code,
    default_text,
    flow,
    listed,
    sentence,
    table,
)


def sample(op: type[Op]) -> Any:
    """A layer of ``op`` at its defaults, on a map of two axes where it takes one."""
    import netspec
    from netspec.errors import NetspecError

    needed = {int: 8, int | None: 8, Axes: 3, Axes | None: 3, Reals: [0.5, 0.5, 0.5]}
    channels = 3 if any(info.type == Reals for info in attributes_of(op).values()) else 32
    given = {
        name: 3 if name == "kernel" else needed[info.type]
        for name, info in attributes_of(op).items()
        if info.required or name == "out" or name in op.one_of[:1]
    }
    rest = ""
    if issubclass(op, Function):
        given, rest = {"parts": 2}, ", as: [a, b]}, {from: [a, b]"
    found = None
    for ahead in ("", "global_avg_pool, "):
        text = (
            f"netspec: 1\nname: sample\ninput: {{channels: {channels}, size: [12, 12]}}\n"
            f"stem: [{ahead}{{{op.kind}: {flow(given)}{rest}}}]\n"
        )
        try:
            network = netspec.loads(text).network
            found = [node for node in network.nodes if node.op.kind == op.kind][-1]
            break
        except NetspecError:
            continue
    assert found is not None, op.kind
    return found


def label_text(op: type[Op]) -> str:
    """What a layer is called where nothing names it."""
    return code(f"{op.label}1") if op.numbered else code(op.label)


def in_framework(backend: Backend, layer: Any) -> str:
    """The names in ``backend`` that an op at its defaults comes to."""
    found = backend.rows[layer.op.kind](layer)
    calls = [found] if isinstance(found, Call) else [call for _, call in found]
    return listed(dict.fromkeys(name for call in calls for name in targets(call)))


def targets(call: Call) -> Iterable[str]:
    """The names that a call and the calls among its arguments call, operators left out."""
    if call.target.isprintable() and call.target[0].isalpha():
        yield call.target
    for argument in (*call.args, *call.kwargs.values()):
        if isinstance(argument, Call):
            yield from targets(argument)


def ops() -> str:
    """Every op: its meaning, attributes, names, and what it is in each framework."""
    parts, module = [], None
    for kind, op in OPS.items():
        if op.__module__ != module:
            module = op.__module__
            title = sys.modules[module].__doc__ or ""
            parts.append(f"### {title.splitlines()[0].rstrip('.')}\n")
        parts.append(f"#### {code(kind)}\n")
        parts.append(f"{sentence(op.__doc__ or '')}\n")
        rows = [
            (
                code(name),
                attribute_type(info),
                "**required**" if info.required else default_text(info.default),
                info.doc,
            )
            for name, info in attributes_of(op).items()
        ]
        if rows:
            parts.append(table(("attribute", "takes", "default", "meaning"), rows))
        layer = sample(op)
        where = " · ".join(
            f"{title}: {in_framework(get_backend(name), layer)}"
            for name, title in (("torch", "PyTorch"), ("keras", "Keras"))
        )
        parts.append(f"Called {label_text(op)} · {where}\n")
    return "\n".join(parts)


def op_index() -> str:
    """The ops by the module that declares them, on one line each."""
    groups: dict[str, list[str]] = {}
    for kind, op in OPS.items():
        title = (sys.modules[op.__module__].__doc__ or "").splitlines()[0]
        groups.setdefault(title.split(":")[0].rstrip("."), []).append(f"[`{kind}`](#{kind})")
    return "".join(f"- {title}: {', '.join(links)}\n" for title, links in groups.items())


def blocks() -> str:
    """Every built-in block with its parameters."""
    parts = []
    for name in sorted(library.built_in_blocks()):
        block = library.built_in_block(name)
        parts.append(f"#### {code(name)}\n")
        parts.append(f"{sentence(block.doc)}\n")
        rows = [
            (
                code(param.name),
                code(param.type),
                "**required**" if param.default is None else code(flow(param.default.value)),
                param.doc,
            )
            for param in block.params.values()
        ]
        parts.append(table(("parameter", "type", "default", "meaning"), rows))
        called = (
            "adds no level of names" if block.inline else f"a child is called {code(block.label)}"
        )
        parts.append(f"In names: {called}.\n")
    return "\n".join(parts)
