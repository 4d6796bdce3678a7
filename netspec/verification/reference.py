"""A model from elsewhere as one more witness: torchvision's, timm's, keras.applications', a user's own.

Only the command line names one, never a spec: it is code, and it is run.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from netspec.backends.base import backend_of, build
from netspec.compilation import Compilation
from netspec.errors import UsageError, did_you_mean
from netspec.ir import Program
from netspec.verification.witnesses import Party, Witness
from netspec.weights.published import published_names, renamed

if TYPE_CHECKING:
    from netspec.backends.probe import Held, Probe

Signature = list[tuple[str, tuple[int, ...], bool]]


def reference_witness(
    target: str, compilation: Compilation, at_size: Program, parties: Sequence[Party]
) -> tuple[Witness, list[str]]:
    """The model that ``module:callable`` makes, as a witness, and how its layers were found.

    Raises :class:`UsageError` where there is no such callable, it fails, or its framework takes no part.
    """
    model = _made(_callable(target), target, at_size)
    backend = backend_of(model)
    party = next((one for one in parties if one.backend.name == backend.name), None)
    if party is None:
        raise UsageError(f"{target} is a {backend.name} model, and {backend.name} takes no part")
    model = party.probe.adopt(model)
    names, notes = _names(model, compilation, at_size, party, target)
    witness = Witness(
        name=f"reference {target}",
        party=party,
        build=lambda: model,
        network=renamed(compilation.network, names, False) if names else compilation.network,
        at_size=renamed(at_size, names, False) if names else at_size,
        ours=False,
        names=names,
    )
    return witness, notes


# The callable


def _callable(target: str) -> Any:
    module_name, colon, attribute = target.partition(":")
    if not colon or not module_name or not attribute:
        raise UsageError(
            f"--reference {target}: expected module:callable, such as torchvision.models:resnet50"
        )
    module: Any = _module(module_name, target)
    found = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            hint = did_you_mean(name, [one for one in dir(found) if not one.startswith("_")])
            raise UsageError(
                f"--reference {target}: `{module_name}` has no `{attribute}`"
                + (f"; {hint}" if hint else "")
            )
        found = getattr(found, name)
    if not callable(found):
        raise UsageError(f"--reference {target}: is a {type(found).__name__}, nothing to call")
    return found


def _module(name: str, target: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:  # a module of the user's beside the spec; installed ones win
        sys.path.append(here)
    try:
        return importlib.import_module(name)
    except Exception as error:  # the import runs the module's own code
        raise UsageError(
            f"--reference {target}: cannot import `{name}`: {type(error).__name__}: {error}"
            + _about_binaries(error)
        ) from error


_OPERATOR = re.compile(r"(\w+)::\w+")


def _about_binaries(error: Exception) -> str:
    """Help where an operator of an extension of PyTorch, such as torchvision, has not been loaded.

    Its binary was made for another build of PyTorch then, one for CUDA beside one for the CPU, say.
    """
    found = _OPERATOR.search(str(error)) if isinstance(error, RuntimeError) else None
    if found is None:
        return ""
    try:
        have = f"{found[1]} {version(found[1])} does not fit torch {version('torch')}"
    except PackageNotFoundError:
        return ""
    index = "https://download.pytorch.org/whl/cpu"
    return (
        f"; the binary of {have}: install both from one index, such as "
        f"`pip install --force-reinstall torch {found[1]} --index-url {index}`"
    )


def _made(function: Any, target: str, network: Program) -> Any:
    """What the callable returns; nothing is downloaded, and it is told the input where it asks."""
    offered = {
        "weights": None,
        "pretrained": False,
        "input_shape": (*network.source.size, network.source.channels),
    }
    try:
        taken = inspect.signature(function).parameters
    except (TypeError, ValueError):
        taken = {}  # type: ignore[assignment]
    try:
        return function(**{name: value for name, value in offered.items() if name in taken})
    except Exception as error:  # it is the user's code
        raise UsageError(
            f"--reference {target}: it failed: {type(error).__name__}: {error}"
        ) from error


# What it calls the network's layers


def _names(
    model: Any, compilation: Compilation, at_size: Program, party: Party, target: str
) -> tuple[dict[str, str], list[str]]:
    """The reference's name of each layer with weights, by our path, and how they were found.

    In this order: our own names; those that the spec lists under ``checkpoints:``; the order of layers.
    """
    probe = party.probe
    held = _by_layer(probe.held(model))
    for label, names in _candidates(compilation, party):
        expected = _by_layer(probe.expected(renamed(compilation.network, names, False)))
        if held.keys() == expected.keys():
            if not names:
                return {}, [f"{target}: its layers are called as ours"]
            return names, [
                f"{target}: its layers are called as the spec's checkpoint `{label}` says"
            ]
    live = build(party.backend, compilation.network, at_size.source.size)
    found = _by_order(held, _by_layer(probe.held(live)), compilation.network, probe)
    if found is None:
        return {}, []
    return found, [
        f"{target}: its layers have other names; they were matched by order and shape, which two "
        "layers of one shape may defeat: `checkpoints:` in the spec says them for certain"
    ]


def _candidates(compilation: Compilation, party: Party) -> Iterator[tuple[str, dict[str, str]]]:
    yield "", {}
    for label, checkpoint in compilation.spec.checkpoints.items():
        if checkpoint.framework == party.backend.name:
            names = published_names(compilation.network, checkpoint)
            yield label, {path: name for path, name in names.items() if path != name}


def _by_layer(held: Sequence[Held]) -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for tensor in held:
        found.setdefault(tensor.layer, []).append((tensor.name, tensor.shape, tensor.trainable))
    return found


def _by_order(
    theirs: Mapping[str, Signature],
    ours: Mapping[str, Signature],
    network: Program,
    probe: Probe,
) -> dict[str, str] | None:
    """Layers paired in the order in which both models list them; None where shapes tell otherwise."""
    if [*theirs.values()] != [*ours.values()]:
        return None
    paths = {probe.spelled(layer.path): layer.path for layer in network.layers}
    return {paths[own]: other for own, other in zip(ours, theirs, strict=True)}
