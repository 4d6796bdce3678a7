"""A compiled network: one member of a spec, checked, from which models, source and numbers are had."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from netspec.backends import base, generating
from netspec.backends.base import backend_of, export_of, get_backend
from netspec.compilation import Compilation
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.overrides import from_values, on_top
from netspec.errors import UsageError
from netspec.ir import Program, analysis
from netspec.ir.definition import as_written
from netspec.loading import FoundSpec, Values, compilation_of
from netspec.system.line_length import line_length_at

if TYPE_CHECKING:
    import keras
    import torch

    from netspec.exports.write import Report
    from netspec.ir.passes.base import Optimization
    from netspec.weights.checkpoints import Loaded


class CompiledNetwork:
    """One network of a spec: a variant, with overrides, checked down to the shapes.

    Comes from :func:`netspec.load` and :func:`netspec.loads`. Needs no framework until :meth:`build`.
    It does not change; :meth:`replace` gives another one.

    Examples:
        >>> network = netspec.load("resnet50")
        >>> network.parameters["depths"], network.outputs
        ([3, 4, 6, 3], {'output': (1000,)})
        >>> network.layers[0].name, network.layers[0].macs
        ('conv1', 118013952)
    """

    def __init__(
        self, compilation: Compilation, found: FoundSpec | None = None, values: Values | None = None
    ) -> None:
        """``found`` and ``values`` are what a spec was found as, and its overrides; without, none is known."""
        self._compilation, self._found, self._values = compilation, found, values or {}

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
        if found is None:
            return self._compilation.spec.name
        file = found.document.file if found.file is None else str(found.file)
        return Path(file).stem if found.is_built_in else file

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
        return analysis.output_shapes(self.network)

    @property
    def stages(self) -> tuple[analysis.StageSummary, ...]:
        """The stem, the stages and the head in numbers."""
        return self._summary.stages

    @cached_property
    def layers(self) -> tuple[analysis.LayerSummary, ...]:
        """Every layer in numbers: its name, op, shapes, parameters and MACs."""
        return analysis.layers_of(self.network)

    def replace(self, variant: str | None = None, /, **values: Any) -> CompiledNetwork:
        """The network with other values of parameters, or another variant of its spec.

        The ``values`` are by parameter, or by element as in ``**{"depths[2]": 8}``, on top of the overrides that
        this network has.

        Raises:
            NetspecError: a value is wrong; the message shows where.
            UsageError: there is no such variant, or the network comes from no spec.

        Examples:
            >>> network = netspec.load("resnet18").replace(classes=3)
            >>> network.outputs, network.replace("resnet34").outputs
            ({'output': (3,)}, {'output': (3,)})
        """
        if self._found is None:
            raise UsageError(f"`{self.name}` comes from no spec whose parameters could be changed")
        merged = on_top(self._values, from_values(values).items())
        found = dataclasses.replace(self._found, variant=variant or self.variant)
        asked = self._compilation
        changed = compile_document(found, merged, asked.bounds)
        if asked.outputs:
            changed = changed.with_outputs(*asked.outputs, headless=asked.headless)
        return changed if self.optimization is None else changed.optimize(self.optimization.goal)

    def with_outputs(self, *outputs: str, headless: bool = False) -> CompiledNetwork:
        """This network with further outputs, or ``headless``, as a backbone: with these alone.

        Each of ``outputs`` is a stage, a result or an output of the spec, or ``c2`` for the last map ahead of the
        head that has a quarter of the input's size, ``c3`` for an eighth, and so on; ``name=result`` names it.
        Weights keep their names. Raises :class:`UsageError` for what there is not, and two of one name.

        Examples:
            >>> netspec.load("resnet50").with_outputs("c2", "c5", headless=True).outputs
            {'c2': (256, 56, 56), 'c5': (2048, 7, 7)}
        """
        compilation = self._compilation.original.with_outputs(outputs, headless)
        found = CompiledNetwork(compilation, self._found, self._values)
        return found if self.optimization is None else found.optimize(self.optimization.goal)

    @property
    def optimization(self) -> Optimization | None:
        """What passes have done to the network, and to its weights; None where it is as the spec says."""
        return self._compilation.optimization

    def optimize(self, goal: str = "inference") -> CompiledNetwork:
        """This network with less to compute, for one purpose: what it gives in evaluation stays the same.

        Batch normalisations and scales go into the weights of the layers beside them, linear branches that
        are added become one convolution, dropout and outputs for training alone go. The result is a network
        like any other, though not for training. Weights are those of this network: :meth:`load_weights` and
        :meth:`start` take them and move them, and ``optimization.move`` does so with arrays. Raises
        :class:`UsageError` for another goal than ``inference``.

        Examples:
            >>> network = netspec.load("resnet50")
            >>> len(network.layers), len(network.optimize().layers)
            (158, 105)
        """
        from netspec.ir.passes import optimize

        original = self._compilation.original
        found = optimize(original.network, goal)
        compilation = dataclasses.replace(original, network=found.program, optimization=found)
        return CompiledNetwork(compilation, self._found, self._values)

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
        """A live model with fresh weights: ``keras.Model``, or ``torch.nn.Module`` with timm's handles.

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
        if self.optimization is not None:
            return base.build_optimized(get_backend(backend), self.optimization, size)
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

        weights: Mapping[str, Any] = initial_weights(self._compilation.original.network, seed)
        if self.optimization is not None:
            weights = self.optimization.move(weights)
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

        Every tensor of the file and of the network is matched by name and shape. A file for an optimized
        network holds the weights of the network as the spec says, which are moved.

        Args:
            model: of any framework; it does not change unless everything fits.
            path: a ``.safetensors``, ``.pt``, ``.pth``, ``.keras`` or ``.weights.h5`` file, or another
                that an installed backend reads. Nothing in it is run.
            source: whose names and layouts the file uses: ``torch``, ``keras``, or an entry of the
                spec's ``checkpoints:``. Found out unless given.
            allow_missing: regular expressions for the names of tensors that the file may lack; they
                stay as they are in ``model``; in an optimized one they start as the spec says.
            allow_unexpected: the same for tensors of the file that may be left.

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

        Args:
            model: of any framework, which need not be the file's.
            path: a ``.safetensors``, ``.pt``, ``.pth``, ``.keras`` or ``.weights.h5`` file, or another that
                an installed backend writes; a file that is there is replaced, once the new one is whole.
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

    def generate(
        self,
        backend: str,
        path: str | os.PathLike[str] | None = None,
        line_length: int | None = None,
        handles: str | None = None,
    ) -> str:
        """Standalone source, which imports the framework and nothing else. To make it takes no framework.

        Args:
            backend: ``torch``, ``keras``, or the name of an installed third backend.
            path: the file that it is for; its head then says where the spec is, for ``netspec regenerate``.
            line_length: unless given, what ruff's settings above ``path`` say, else 88.
            handles: ``timm``, for a class with the methods that its models have; PyTorch alone.

        Raises:
            NetspecError: the backend cannot do what the spec says; the message shows where.
            UsageError: no such backend, source, line length, or handles; or nothing to take hold of.

        Examples:
            >>> print(netspec.load("resnet18").generate("torch").splitlines()[-3])
            def resnet18(classes: int = 1000) -> ResNet:
        """
        length = line_length_at(path) if line_length is None else line_length
        origin = dataclasses.replace(self._compilation.origin_for(path), handles=handles)
        return generating.generate(get_backend(backend), self.network, origin, length)

    def to_yaml(self, keep: Sequence[str] = ()) -> str:
        """One self-contained spec of this network alone, as a person would write it.

        It needs no other file and has the network's fingerprint, and the ``checkpoints`` that fit its layers. The
        parameters in ``keep``, all numbers, stay `arguments`; the others are settled.

        Raises:
            NetspecError: one that is kept decides something that is no number, as which steps there are.
            UsageError: there is no such parameter, or it is no number.

        Examples:
            >>> netspec.load("resnet18").to_yaml().splitlines()[:2]
            ['netspec: 1', 'name: resnet']
        """
        from netspec.unparse import resolved_text

        return resolved_text(self._compilation, keep)

    def summary(self) -> analysis.Summary:
        """Shapes, parameters and MACs, over all and for each stage; as text, a table.

        Examples:
            >>> netspec.load("resnet50").summary().parameters.trainable
            25557032
        """
        return self._summary

    @cached_property
    def _summary(self) -> analysis.Summary:
        return analysis.summarise(self.network)

    def __repr__(self) -> str:
        types = f"{self.network.source} -> {self.network.target}"
        goal = f", optimized for {self.optimization.goal}" if self.optimization else ""
        return f"<CompiledNetwork {self.name}: {types}{goal}>"


def compile_document(
    found: FoundSpec, values: Values, bounds: Bounds | None = None
) -> CompiledNetwork:
    """The network of a spec at its variant; raises what :func:`~netspec.loading.compilation_of` does."""
    return CompiledNetwork(compilation_of(found, values, bounds), found, values)
