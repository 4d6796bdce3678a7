"""A compiled network: one member of a spec, checked, from which models, source and numbers are had."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from netspec.backends import base
from netspec.backends.base import backend_of, export_of, get_backend
from netspec.codegen.frame import BUILT_IN_PLACE
from netspec.compilation import Compilation
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values
from netspec.errors import NetspecError, UsageError, fail
from netspec.ir import Program
from netspec.ir.analysis import (
    LayerSummary,
    StageSummary,
    Summary,
    layers_of,
    output_shapes,
    summarise,
)
from netspec.ir.definition import as_written
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import Document
from netspec.loading import FoundSpec

if TYPE_CHECKING:
    import keras
    import torch

    from netspec.exports.write import Report
    from netspec.weights.checkpoints import Loaded


Values = Mapping[str, Document]
"""What replaces a spec's parameters, by parameter or element."""


class CompiledNetwork:
    """One network of a spec: a variant, with overrides, checked down to the shapes.

    Comes from :func:`netspec.load` and :func:`netspec.loads`. Needs no framework until :meth:`build`.
    It does not change; :meth:`replace` gives another one.

    Examples:
        >>> network = netspec.load("resnet50")
        >>> network.parameters["depths"], network.outputs
        ([3, 4, 6, 3], {'output': (1000,)})
        >>> network.variants[:3]
        ('resnet18', 'resnet34', 'resnet50')
        >>> network.layers[0].name, network.layers[0].macs
        ('conv1', 118013952)
    """

    def __init__(self, compilation: Compilation, found: FoundSpec, values: Values) -> None:
        self._compilation = compilation
        self._found = found
        self._values = values

    @property
    def compilation(self) -> Compilation:
        """What source is generated from."""
        return self._compilation

    @property
    def network(self) -> Program:
        """The intermediate representation: the network's ops, every number explicit."""
        return self._compilation.network

    @property
    def name(self) -> str:
        """What functions and models are called: the variant's name, the spec's where it has none."""
        return self.network.model_name

    @property
    def spec(self) -> str:
        """What the spec was found by: its path, its name in the zoo, or what its text was called."""
        found = self._found
        if found.is_built_in:
            return Path(found.document.file).stem
        return found.document.file if found.file is None else str(found.file)

    @property
    def variant(self) -> str | None:
        """Which of the spec's variants it is; None where the spec has none."""
        return self.network.variant

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of all variants of the spec."""
        return tuple(self._compilation.spec.variants)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The spec's parameters by name, with their values here.

        A block stands as its name, and steps as they are written.
        """
        values = self.network.main.arguments
        return {name: as_written(values[name]) for name in self._compilation.spec.params}

    @property
    def inputs(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every input by its name, (channels, *size); one without a name is ``input``."""
        named = self.network.named_inputs or {"input": self.network.inputs[0]}
        return {name: value.type.shape for name, value in named.items()}

    @property
    def outputs(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of every output by its name, (channels, *size) or (features,); ``output`` unless named."""
        return output_shapes(self.network)

    @property
    def stages(self) -> tuple[StageSummary, ...]:
        """The stem, the stages and the head in numbers."""
        return self._summary.stages

    @cached_property
    def layers(self) -> tuple[LayerSummary, ...]:
        """Every layer in numbers: its name, op, shapes, parameters and MACs."""
        return layers_of(self.network)

    def replace(self, variant: str | None = None, /, **values: Any) -> CompiledNetwork:
        """The network with other values of parameters, or another variant of its spec.

        Args:
            variant: which of the variants; that of this network unless given.
            **values: by parameter, or by element as in ``**{"depths[2]": 8}``, on top of the overrides that
                this network has.

        Raises:
            NetspecError: a value is wrong; the message shows where.
            UsageError: there is no such variant.

        Examples:
            >>> network = netspec.load("resnet18").replace(classes=3)
            >>> network.outputs, network.replace("resnet34").outputs
            ({'output': (3,)}, {'output': (3,)})
        """
        merged = dict(self._values)
        for name, document in from_values(values).items():
            merged.pop(name, None)  # the last of several wins, in its place
            merged[name] = document
        found = dataclasses.replace(self._found, variant=variant or self.variant)
        return compile_document(found, merged, self._compilation.bounds)

    @overload
    def build(
        self, backend: Literal["torch"], input_size: Sequence[int | None] | None = None
    ) -> torch.nn.Module: ...

    @overload
    def build(
        self, backend: Literal["keras"], input_size: Sequence[int | None] | None = None
    ) -> keras.Model: ...

    @overload
    def build(self, backend: str, input_size: Sequence[int | None] | None = None) -> Any: ...

    def build(self, backend: str, input_size: Sequence[int | None] | None = None) -> Any:
        """A live model with fresh initial weights: ``torch.nn.Module`` or ``keras.Model``.

        Args:
            backend: ``torch``, ``keras``, or the name of an installed third backend.
            input_size: length of each spatial axis in place of the spec's; None leaves an axis open.

        Raises:
            NetspecError: the backend cannot do what the spec says; the message shows where.
            UsageError: no such backend, its framework is not installed, or the size has another
                number of axes than the spec's.

        Examples:
            >>> model = netspec.load("resnet18").build("torch")
            >>> type(model).__mro__[-2].__name__, model.fc.out_features
            ('Module', 1000)
        """
        size = None if input_size is None else self._checked_size(input_size)
        return base.build(get_backend(backend), self.network, size)

    def _checked_size(self, size: Sequence[int | None]) -> tuple[int | None, ...]:
        rank = self.network.source.rank
        if len(size) != rank:
            raise UsageError(f"input_size has {len(size)} numbers; `{self.name}` takes {rank}")
        if any(length is not None and length < 1 for length in size):
            raise UsageError(f"input_size {tuple(size)}: a length is 1 or more, or None")
        return tuple(size)

    def start(self, model: Any, seed: int = 0) -> None:
        """Give ``model``, a live one of this network, initial weights that are alike in every framework.

        They are drawn in NumPy from the spec's distributions; ``seed`` is 0 or more. Raises
        :class:`UsageError` when the model belongs to no installed backend.

        Examples:
            >>> network = netspec.load("resnet20")
            >>> model, twin = network.build("torch"), network.build("keras")
            >>> network.start(model, seed=1)
            >>> network.start(twin, seed=1)
        """
        from netspec.weights.starting import initial_weights

        weights = initial_weights(self.network, seed)
        backend_of(model).write_weights(model, self.network, weights)

    def load_weights(
        self,
        model: Any,
        path: str | os.PathLike[str],
        source: str | None = None,
        *,
        allow_missing: Sequence[str] = (),
        allow_unexpected: Sequence[str] = (),
    ) -> Loaded:
        """Give ``model``, a live one of this network, the weights in a file of any framework.

        Every tensor of the file and of the network is matched by name and shape.

        Args:
            model: of any framework; it does not change unless everything fits.
            path: a ``.safetensors``, ``.pt``, ``.pth``, ``.keras`` or ``.weights.h5`` file, or another
                that an installed backend reads. Nothing in it is run.
            source: whose names and layouts the file uses: ``torch``, ``keras``, or an entry of the
                spec's ``checkpoints:``. Found out unless given.
            allow_missing: regular expressions for the names of tensors that the file may lack; they
                stay as they are in ``model``.
            allow_unexpected: the same for tensors of the file that may be left.

        Returns:
            What was read, what was let pass, and what was chosen.

        Raises:
            NetspecError: the file is damaged or unsafe, or its tensors are not the network's.
            UsageError: no such file, format or names; what reads it is not installed.

        Examples:
            >>> network = netspec.load("resnet20")
            >>> network.save_weights(network.build("torch"), "trained.pt")
            >>> network.load_weights(network.build("keras"), "trained.pt").missing
            ()
        """
        from netspec.weights.checkpoints import Matching, load_into

        how = Matching(allow_missing=allow_missing, allow_unexpected=allow_unexpected)
        return load_into(model, self._compilation, Path(path), source, how)

    def save_weights(
        self, model: Any, path: str | os.PathLike[str], target: str | None = None
    ) -> None:
        """Write the weights of ``model``, a live one of this network, for any framework.

        A file that is there is replaced, once the new one is whole.

        Args:
            model: of any framework, which need not be the file's.
            path: a ``.safetensors``, ``.pt``, ``.pth``, ``.keras`` or ``.weights.h5`` file, or another
                that an installed backend writes.
            target: whose names and layouts the file uses: ``torch``, ``keras``, or an entry of the
                spec's ``checkpoints:``. Unless given, those of the framework that the format belongs
                to; in a safetensors file those of the model's.

        Raises:
            UsageError: no such format or names, ``path`` cannot be written to, or what writes it is not
                installed.
        """
        from netspec.weights.checkpoints import save_weights

        save_weights(model, self._compilation, Path(path), target)

    def export(self, model: Any, format: str, path: str | os.PathLike[str]) -> Report:
        """Write ``model``, a live one of this network, for others to run, whole or not at all.

        What is written is loaded again by the runtime that it is for, and compared with ``model``.

        Args:
            model: of any framework whose backend writes the format.
            format: ``onnx``, ``torch-export``, ``saved-model``, ``litert``, or one that an installed
                third backend brings.
            path: the file to write, or the directory.

        Raises:
            UsageError: the model's backend does not write the format, something that this needs is not
                installed, or ``path`` cannot be written to.
            ExportError: the exporter or the runtime refuses the network, or the export computes
                something else than ``model``.

        Examples:
            >>> network = netspec.load("resnet20")
            >>> network.export(network.build("torch"), "torch-export", "net.pt2").format
            'torch-export'
        """
        from netspec.exports.write import export_model

        backend = backend_of(model)
        export = export_of(backend, format)
        return export_model(backend, model, self.network, export, Path(path))

    def generate(self, backend: str, path: str | os.PathLike[str] | None = None) -> str:
        """Standalone source of the network, which imports the framework and nothing else.

        Does not need the framework.

        Args:
            backend: ``torch``, ``keras``, or the name of an installed third backend.
            path: the file that it is for, which need not exist: its head then says where the spec is,
                seen from there, and ``netspec regenerate`` keeps it up to date.

        Raises:
            NetspecError: the backend cannot do what the spec says; the message shows where.
            UsageError: there is no such backend, or it generates no source.

        Examples:
            >>> print(netspec.load("resnet18").generate("torch").splitlines()[-3])
            def resnet18(classes: int = 1000) -> ResNet:
        """
        compilation = self._compilation
        if path is not None and self._found.file is not None:
            place = _place_of(self._found.file, Path(path))
            compilation = dataclasses.replace(compilation, place=place)
        return base.generate(get_backend(backend), compilation.network, compilation.origin)

    def summary(self) -> Summary:
        """Shapes, parameters and MACs, over all and for each stage; as text, a table.

        Examples:
            >>> netspec.load("resnet50").summary().parameters.trainable
            25557032
        """
        return self._summary

    @cached_property
    def _summary(self) -> Summary:
        return summarise(self.network)

    def __repr__(self) -> str:
        source, target = self.network.source, self.network.target
        return f"<CompiledNetwork {self.name}: {source} -> {target}>"


def _place_of(file: Path, seen_from: Path) -> str | None:
    """The path of ``file`` relative to the folder of another; None where there is none, as on two drives."""
    try:
        here = os.path.realpath(seen_from.parent)
        return Path(os.path.relpath(os.path.realpath(file), here)).as_posix()
    except ValueError:
        return None


def compile_document(
    found: FoundSpec, values: Values, bounds: Bounds | None = None
) -> CompiledNetwork:
    """The network of a spec at its variant, with ``values`` as overrides by target.

    Raises :class:`NetspecError` with every error, not only the first, where the spec is wrong.
    """
    bounds = bounds or Bounds()
    try:
        spec = bind_spec(found.document)
        overrides = apply_overrides(spec, found.variant, values)
        network = elaborate(spec, found.variant, overrides, found.folder, bounds)
    except NetspecError as error:
        from netspec.check.validate.check import (
            with_all_errors,  # not needed where nothing is wrong
        )

        document = found.document
        raise with_all_errors(error, document, found.folder, bounds, found.variant) from None
    except RecursionError:
        message = f"{found.document.file}: nested too deeply"
        raise fail("NS507", message) from None
    place = BUILT_IN_PLACE if found.is_built_in else None
    compilation = Compilation(spec, network, overrides, found.folder, bounds, place)
    return CompiledNetwork(compilation, found, values)
