"""The names and layouts that a file may use for a network: a framework's own, or published ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from netspec.backends.base import (
    Backend,
    HoldsWeights,
    WeightFiles,
    able_to,
    backend_names,
    capability,
    check_network,
    get_backend,
)
from netspec.compilation import Compilation
from netspec.errors import NetspecError, UsageError, did_you_mean
from netspec.ir import Layer, Program
from netspec.lang.schema.syntax import Checkpoint
from netspec.ops.types import Parameter
from netspec.weights.published import published_names, renamed
from netspec.weights.storage.tensors import StoredTensor


@dataclass(frozen=True)
class Slot:
    """A parameter or statistic as a file has it.

    Attributes:
        name: the canonical one.
        layer: the layer, called as in the file.
        parameter: which of its parameters.
        shape: in the file.
    """

    name: str
    layer: Layer
    parameter: Parameter
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Naming:
    """Names and layouts of one kind for one network.

    Attributes:
        label: what a user calls them: a backend's name, or that of an entry of ``checkpoints:``.
        backend: the framework that they belong to.
        network: the network, its layers called as in the file.
        paths: the network's own path of each layer that has another here.
        counted: the labels of layers that are numbered in order, where that is how they are named.
    """

    label: str
    backend: Backend
    network: Program
    paths: Mapping[str, str]
    counted: frozenset[str] = frozenset()

    @cached_property
    def files(self) -> WeightFiles:
        """How the framework's files call and lay out weights."""
        return capability(self.backend, HoldsWeights).weight_files

    @cached_property
    def slots(self) -> Mapping[str, Slot]:
        """Every parameter and statistic by the file's name for it, in the network's order."""
        files = self.files
        return {
            files.name(layer, parameter): Slot(
                f"{self._path(layer)}.{parameter.name}",
                layer,
                parameter,
                files.shape(layer, parameter),
            )
            for layer in self.network.layers
            for parameter in layer.op.parameters(layer.source)
        }

    @cached_property
    def extras(self) -> Mapping[str, tuple[str, StoredTensor]]:
        """What files hold besides, by their name: canonical name, and how it starts."""
        files = self.files
        return {
            files.extra_name(layer, extra): (f"{self._path(layer)}.{extra}", start)
            for layer in self.network.layers
            for extra, start in files.extras(layer).items()
        }

    def _path(self, layer: Layer) -> str:
        return self.paths.get(layer.path, layer.path)

    def decoded(self, name: str, tensor: StoredTensor) -> StoredTensor:
        """A tensor of the file in canonical layout."""
        slot, files = self.slots[name], self.files
        return tensor.laid_out(
            slot.parameter.shape, lambda array: files.decode(slot.layer, slot.parameter, array)
        )

    def encoded(self, name: str, tensor: StoredTensor) -> StoredTensor:
        """A canonical tensor as the file has it."""
        slot, files = self.slots[name], self.files
        return tensor.laid_out(
            slot.shape, lambda array: files.encode(slot.layer, slot.parameter, array)
        )

    def normalised(self, names: Iterable[str]) -> Mapping[str, str]:
        """The names of a file with counts that start anew: a process may have counted on from before."""
        if not self.counted:
            return {name: name for name in names}
        pattern = re.compile(
            rf"({'|'.join(map(re.escape, self.counted))})(?:_(\d{{1,9}}))?(?=[/.])"
        )
        numbers: defaultdict[str, set[int]] = defaultdict(set)
        found = {name: pattern.match(name) for name in names}
        for match in found.values():
            if match is not None:
                numbers[match[1]].add(int(match[2] or 0))
        ranks = {label: {n: i for i, n in enumerate(sorted(of))} for label, of in numbers.items()}

        def normal(name: str, match: re.Match[str] | None) -> str:
            if match is None:
                return name
            rank = ranks[match[1]][int(match[2] or 0)]
            return (
                f"{match[1]}_{rank}{name[match.end() :]}"
                if rank
                else match[1] + name[match.end() :]
            )

        return {name: normal(name, match) for name, match in found.items()}


def own_naming(network: Program, backend: Backend) -> Naming:
    """The names that the backend's own models of the network have.

    Raises :class:`UsageError` where it has no files of weights, and :class:`NetspecError` where it cannot do
    the network.
    """
    capability(backend, HoldsWeights)
    check_network(backend, network)
    return Naming(backend.name, backend, network, {})


def published_naming(network: Program, checkpoint: Checkpoint) -> Naming:
    """The names of a published checkpoint; raises what :func:`published_names` and :func:`own_naming` do."""
    own = own_naming(network, get_backend(checkpoint.framework))
    names = published_names(network, checkpoint)
    return Naming(
        checkpoint.name,
        own.backend,
        renamed(network, names, checkpoint.shortcut_first),
        {name: path for path, name in names.items()},
        frozenset(checkpoint.counted.values()),
    )


def naming_called(compilation: Compilation, label: str) -> Naming:
    """What ``--to`` means by ``label``: a backend's own names, or those of a published checkpoint."""
    checkpoint = compilation.spec.checkpoints.get(label)
    if checkpoint is not None:
        return published_naming(compilation.network, checkpoint)
    return own_naming(compilation.network, _backend_called(compilation, label))


def namings_called(compilation: Compilation, label: str | None) -> list[Naming]:
    """What ``--from`` may mean: a backend's own names and all published ones of that framework.

    All there are where there is no label; one alone where it is that of a published checkpoint.
    """
    if label is not None and label in compilation.spec.checkpoints:
        return [naming_called(compilation, label)]
    names = [_backend_called(compilation, label).name] if label else able_to(HoldsWeights)
    found: list[Naming] = []
    refusal = None
    for name in names:
        backend = get_backend(name)
        try:
            found.append(own_naming(compilation.network, backend))
        except NetspecError as error:  # the file can be another's
            refusal = error
            continue
        found += [
            published_naming(compilation.network, checkpoint)
            for checkpoint in compilation.spec.checkpoints.values()
            if checkpoint.framework == backend.name
        ]
    if refusal is not None and not found:
        raise refusal
    return found


def _backend_called(compilation: Compilation, label: str) -> Backend:
    if label in backend_names():
        return get_backend(label)
    known = [*backend_names(), *compilation.spec.checkpoints]
    hint = did_you_mean(label, known)
    raise UsageError(
        f"`{label}` is no framework, and no checkpoint of `{compilation.spec.name}`"
        + (f"; {hint}" if hint else "")
    )
