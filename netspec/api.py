"""The Python interface: load a spec, and get models, source and numbers of the network it describes."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from netspec.backends import base
from netspec.backends.base import backend_of, export_of, get_backend
from netspec.codegen.frame import BUILT_IN_PLACE
from netspec.compilation import Compilation
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.network import elaborate
from netspec.elaborate.overrides import apply_overrides, from_values
from netspec.errors import NetspecError, UsageError, did_you_mean, fail
from netspec.exports.write import Report, export_model
from netspec.ir import Program
from netspec.ir.analysis import Summary, summarise
from netspec.lang import library
from netspec.lang.schema.bind import bind_spec
from netspec.lang.source import MAX_BYTES, Document, decode, parse
from netspec.system.channels import readable
from netspec.system.room import reason
from netspec.weights.checkpoints import Loaded, Matching, load_into, save_weights
from netspec.weights.starting import initial_weights


class CompiledNetwork:
    """One network of a spec: a variant, with overrides, checked down to the shapes.

    Comes from :func:`load` and :func:`loads`. Needs no framework until :meth:`build`.
    """

    def __init__(self, compilation: Compilation, file: Path | None = None) -> None:
        self._compilation = compilation
        self._file = file

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

    def build(self, backend: str, input_size: Sequence[int | None] | None = None) -> Any:
        """A live model with fresh initial weights: ``torch.nn.Module`` or ``keras.Model``.

        Args:
            backend: ``torch``, ``keras``, or the name of an installed third backend.
            input_size: length of each spatial axis in place of the spec's; None leaves an axis open.

        Raises:
            NetspecError: the backend cannot do what the spec says; the message shows where.
            UsageError: no such backend, its framework is not installed, or the size has another
                number of axes than the spec's.
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
        """
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
        """
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
        """
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
        """
        compilation = self._compilation
        if path is not None and self._file is not None:
            compilation = dataclasses.replace(compilation, place=_place_of(self._file, Path(path)))
        return base.generate(get_backend(backend), compilation.network, compilation.origin)

    def summary(self) -> Summary:
        """Shapes, parameters and MACs, over all and for each stage."""
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


@dataclass(frozen=True)
class FoundSpec:
    """A spec that was found, and the variant to take.

    Attributes:
        document: its text as plain values, and their places.
        variant: the one asked for; None for the spec's default.
        folder: where blocks beside it are looked for; None for none.
        file: the file that it is in, where it is one of the user's.
        is_built_in: whether it comes with netspec.
    """

    document: Document
    variant: str | None = None
    folder: Path | None = None
    file: Path | None = None
    is_built_in: bool = False


def load(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> CompiledNetwork:
    """Compile the network that a spec file describes.

    Args:
        spec: the name of a zoo file or of one of its variants (``resnet``, ``resnet50``), or a path.
            A text that is both means the zoo; write ``./resnet50`` for the file.
        variant: which of the spec's variants; its ``default`` unless given.
        overrides: values by parameter name, or by element as in ``{"depths[2]": 8}``, on top of the
            variant's; plain numbers, flags, texts and lists, or steps as lists of mappings. They are
            checked as the file's own values are, and a text is an expression where one may stand.

    Raises:
        NetspecError: the file or an override is wrong; the message shows where.
        UsageError: there is no such file, zoo network or variant.
    """
    values = from_values(overrides or {})
    return compile_document(find_spec(spec, variant), values)


def loads(
    text: str,
    variant: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    file: str = "<string>",
    folder: str | os.PathLike[str] | None = None,
) -> CompiledNetwork:
    """Compile the network that the YAML ``text`` describes; see :func:`load`.

    ``file`` is what diagnostics call the text. Blocks that it names and does not hold are looked for
    in ``folder``, as beside a file; without one, only the built-in blocks are known.
    """
    place = None if folder is None else Path(folder)
    found = FoundSpec(parsed(text, file, place), variant, place)
    return compile_document(found, from_values(overrides or {}))


def find_spec(spec: str | os.PathLike[str], variant: str | None) -> FoundSpec:
    """The spec behind a path or a zoo name.

    Raises :class:`UsageError` when there is no such file or name, or when ``spec`` is the name of one
    variant and ``variant`` another.
    """
    if isinstance(spec, str) and spec in library.zoo_variants():
        file, named = library.zoo_variants()[spec]
        if named is not None and variant not in (None, named):
            raise UsageError(f"`{spec}` is a variant of `{file}` already; it is not `{variant}`")
        document = parse(library.zoo_text(file), f"{file}.yaml")
        return FoundSpec(document, variant or named, is_built_in=True)
    path = Path(spec)
    # A pipe will do. Unlike those of Path, these never raise.
    if not os.path.exists(path) or os.path.isdir(path):
        raise UsageError(_no_such_spec(spec, path))
    return open_spec(path, variant)


def open_spec(path: Path, variant: str | None) -> FoundSpec:
    """The spec in a file; raises :class:`UsageError` when it cannot be read."""
    document = parsed(read_text(path), readable(str(path)), path.parent)
    return FoundSpec(document, variant, path.parent, path)


def parsed(text: str, file: str, folder: Path | None) -> Document:
    """The text as a document; raises :class:`NetspecError` with what else is wrong behind its YAML too."""
    try:
        return parse(text, file)
    except NetspecError:
        from netspec.check.validate.check import check_content
        from netspec.check.validate.options import Options

        result = check_content(text.encode(errors="surrogatepass"), file, folder, Options())
        errors = [d for d in result.diagnostics if d.severity == "error"] if result else []
        if not errors:
            raise
        raise NetspecError(errors) from None


def _no_such_spec(spec: str | os.PathLike[str], path: Path) -> str:
    if isinstance(spec, str) and "\n" in spec:
        return "`load` takes a path or a name; YAML text goes to `loads`"
    if os.path.isdir(path):
        return f"{path}: is a directory, not a spec"
    if path.suffix in (".yaml", ".yml") or len(path.parts) != 1 or not isinstance(spec, str):
        return f"{path}: no such file"
    hint = did_you_mean(spec, library.zoo_variants())
    return f"`{spec}` is neither a file nor a zoo network; " + (hint or "see `netspec list`")


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`UsageError` when it cannot be read."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}") from error
    return decode(raw, readable(str(path)))


def compile_document(
    found: FoundSpec, values: Mapping[str, Document], bounds: Bounds | None = None
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
    return CompiledNetwork(compilation, found.file)


def transfer_weights(
    source_model: Any, target_model: Any, network: CompiledNetwork | Program
) -> None:
    """Copy every parameter and statistic from one live model to another, of either framework.

    Args:
        source_model: a model of ``network``, live or from generated source.
        target_model: another, which is changed in place.
        network: the network that both models are of.

    Raises:
        UsageError: one of the models belongs to no installed backend.
        ValueError: names or shapes of the weights are not those of ``network``.
    """
    representation = network.network if isinstance(network, CompiledNetwork) else network
    weights = backend_of(source_model).read_weights(source_model, representation)
    backend_of(target_model).write_weights(target_model, representation, weights)
