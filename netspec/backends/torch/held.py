"""Which module each layer of a network is, in live models and in source. Needs no PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netspec.backends.torch.forms import Form, form_of
from netspec.backends.torch.naming import NAMING
from netspec.backends.torch.sharing import Sharing, is_shareable
from netspec.ir import Node, Program
from netspec.ir.containers import Container, containers
from netspec.ir.optional import optional, varying_tests
from netspec.ir.slots import slot_labels, varying_slots


@dataclass(frozen=True)
class Held:
    """How a layer is held.

    Attributes:
        form: what it is in a forward pass.
        path: the path of its module, which may be one that it shares; of no use where its form has none.
    """

    form: Form
    path: str


def held_layers(network: Program, root: Container) -> dict[Node, Held]:
    """How each layer is held; ``root`` is the network's container."""
    varying = varying_tests(network.main.regions("when"))
    slots = slot_labels(network.main.regions("when"), varying_slots([network]))
    found: dict[Node, Held] = {}
    waiting = [root]
    while waiting:
        container = waiting.pop()
        found |= _held(container, network, varying, slots)
        waiting += [each for each in container.children.values() if isinstance(each, Container)]
    return found


def _held(
    container: Container, network: Program, varying: frozenset[str], slots: Mapping[Node, str]
) -> Iterator[tuple[Node, Held]]:
    region = container.region if container.path else network.main
    is_class = region is not None and region.kind in ("network", "block")
    lacking = optional(region, varying) if is_class and region else set()
    above = f"{container.path}." if container.path else ""
    layers = {name: c for name, c in container.children.items() if isinstance(c, Node)}
    shareable = {n for n, layer in layers.items() if is_class and is_shareable(layer, n)}
    sharing = Sharing({*NAMING.reserved, *container.children.keys() - shareable})
    for name, layer in layers.items():
        form = form_of(layer, name if is_class else layer.path)
        shared = None
        if name in shareable and form.module is not None:
            shared = sharing.find(form.module, slots.get(layer))
            if shared is None and layer not in lacking:
                shared = sharing.add(layer.op.label, form.module, slots.get(layer))
        yield layer, Held(form, f"{above}{shared or name}")


def calls_of(network: Program) -> dict[str, list[str]]:
    """The layers that each module is, in the order in which it is called, by the paths of both."""
    held = held_layers(network, containers(network))
    found: dict[str, list[str]] = {}
    for layer in network.layers:
        if held[layer].form.module is not None:
            found.setdefault(held[layer].path, []).append(layer.path)
    return found
