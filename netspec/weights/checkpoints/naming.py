"""The names and layouts that a file may use for a network: a framework's own, or published ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

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
from netspec.ir.parameters import parameters_of
from netspec.lang.schema.syntax import Checkpoint, PublishedTensor
from netspec.ops.types import Parameter
from netspec.weights.published import published_names, published_tensors, renamed
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
        tensors: what single parameters are called, by canonical name, which are no layer's in the file.
    """

    label: str
    backend: Backend
    network: Program
    paths: Mapping[str, str]
    counted: frozenset[str] = frozenset()
    tensors: Mapping[str, PublishedTensor] = field(default_factory=dict)

    @cached_property
    def files(self) -> WeightFiles:
        """How the framework's files call and lay out weights."""
        return capability(self.backend, HoldsWeights).weight_files

    @cached_property
    def slots(self) -> Mapping[str, Slot]:
        """Every parameter and statistic by the file's name for it, in the network's order."""
        found = {}
        for _, layer, parameter in parameters_of(self.network.layers):
            shape = self.files.shape(layer, parameter)
            canonical = f"{self._path(layer)}.{parameter.name}"
            tensor = self.tensors.get(canonical)
            if tensor is not None and tensor.shape:
                shape = _reshaped(shape, tensor.shape, canonical)
            slot = Slot(canonical, layer, parameter, shape)
            found[self.name(layer, parameter)] = slot
        return found

    def name(self, layer: Layer, parameter: Parameter) -> str:
        """The file's name for a parameter of one of the layers of ``network``."""
        tensor = self.tensors.get(f"{self._path(layer)}.{parameter.name}")
        return tensor.name if tensor else self.files.name(layer, parameter)

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
        own = files.shape(slot.layer, slot.parameter)
        return tensor.laid_out(
            slot.parameter.shape,
            lambda array: files.decode(slot.layer, slot.parameter, array.reshape(own)),
        )

    def encoded(self, name: str, tensor: StoredTensor) -> StoredTensor:
        """A canonical tensor as the file has it."""
        slot, files = self.slots[name], self.files
        return tensor.laid_out(
            slot.shape,
            lambda array: files.encode(slot.layer, slot.parameter, array).reshape(slot.shape),
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


def _reshaped(own: tuple[int, ...], shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """``shape`` with the length that follows; raises :class:`UsageError` where more than axes of length 1 differ."""
    longer = [length for length in own if length != 1]
    given = [length for length in shape if length != 1]
    known = [length for length in given if length != -1]
    free = prod(own) // prod(known) if all(known) else 0
    found = tuple(free if length == -1 else length for length in shape)
    if [length for length in found if length != 1] != longer:
        raise UsageError(
            f"`{name}` has the shape {own}, and cannot have {shape} in a file: only axes of length 1 may differ"
        )
    return found


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
        published_tensors(network, checkpoint),
    )


def naming_called(compilation: Compilation, label: str) -> Naming:
    """What ``--to`` means by ``label``: a backend's own names, or those of a published checkpoint."""
    checkpoint = compilation.spec.checkpoints.get(label)
    if checkpoint is not None:
        if compilation.optimization is not None:
            raise UsageError(
                f"`{label}` names the layers of `{compilation.spec.name}` as its spec says; those of an "
                f"optimized network have names of a framework, such as `{checkpoint.framework}`"
            )
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
