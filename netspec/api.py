"""The Python interface: load a spec, get models, source and numbers of its network, and prove that they agree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.backends.base import backend_of, get_backend
from netspec.elaborate.overrides import from_values
from netspec.errors import UsageError, did_you_mean
from netspec.ir import Program
from netspec.lang.source import parse
from netspec.loading import FoundSpec, find_spec, parsed, text_of
from netspec.network import CompiledNetwork, compile_document

if TYPE_CHECKING:
    from netspec.check.report import Report
    from netspec.codegen.explanation import Decision
    from netspec.exports import write as exports
    from netspec.verification.results import NetworkResult
    from netspec.weights import checkpoints

Spec = CompiledNetwork | str | os.PathLike[str]
"""A network that is compiled, or a path or zoo name of a spec, at its default variant."""


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

    Examples:
        >>> network = netspec.load("resnet18", overrides={"classes": 10})
        >>> network
        <CompiledNetwork resnet18: 3×224×224 -> 10>
    """
    values = from_values(overrides or {})
    return compile_document(find_spec(spec, variant), values)


def loads(
    text: str | Mapping[str, Any],
    variant: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    file: str = "<string>",
    folder: str | os.PathLike[str] | None = None,
) -> CompiledNetwork:
    """Compile the network that YAML text describes, or a mapping of what such text would hold.

    Args:
        text: the YAML; or mappings, lists, numbers and texts as YAML would give them. Diagnostics of a
            mapping show it as JSON.
        variant: as :func:`load` has it.
        overrides: as :func:`load` has them.
        file: what diagnostics call the text.
        folder: where blocks are looked for that the text names and does not hold, as beside a file;
            without one, only the built-in blocks are known.

    Raises:
        NetspecError: the text or an override is wrong; the message shows where.
        UsageError: there is no such variant, or a mapping holds what YAML cannot.

    Examples:
        >>> tiny = {"netspec": 1, "name": "tiny", "input": {"channels": 3, "size": [8, 8]}}
        >>> netspec.loads({**tiny, "stem": [{"conv": {"out": 4, "kernel": 3}}]}).outputs
        {'output': (4, 8, 8)}
    """
    place = None if folder is None else Path(folder)
    found = FoundSpec(parsed(text_of(text), file, place), variant, place)
    return compile_document(found, from_values(overrides or {}))


def compiled(spec: Spec) -> CompiledNetwork:
    """A network as it is, or the one that a spec describes at its default variant."""
    return spec if isinstance(spec, CompiledNetwork) else load(spec)


def validate(
    *paths: str | os.PathLike[str],
    strict: bool = False,
    enable: Sequence[str] = (),
    disable: Sequence[str] = (),
    exclude: Sequence[str] = (),
    jobs: int | None = None,
) -> Report:
    """Check files of specs and blocks: every variant, and every problem in one run. Needs no framework.

    Args:
        *paths: files, directories, which are searched, or names of the zoo.
        strict: whether warnings count as errors.
        enable: codes of lints to look for besides those that are looked for anyway.
        disable: codes of lints not to look for.
        exclude: patterns of names or paths to leave out.
        jobs: the number of processes; as many as pay unless given.

    Returns:
        What was found, by file; as text, what ``netspec validate`` prints. Files that were found in a
        directory and are none of netspec's are left out.

    Raises:
        UsageError: a path does not exist, or a code is no lint.

    Examples:
        >>> report = netspec.validate("resnet")
        >>> report.errors
        0
        >>> print(report)
        resnet.yaml: ok (10 variants)
    """
    from netspec.check.lint import select
    from netspec.check.report import Report
    from netspec.check.validate.files import find_targets
    from netspec.check.validate.options import Options
    from netspec.check.validate.run import check_files, without_repeats

    options = Options(lints=select(enable, disable), strict=strict)
    targets = find_targets([os.fspath(path) for path in paths], exclude, zoo=True)
    return Report(without_repeats(check_files(targets, options, jobs)))


def verify(
    network: Spec,
    *,
    level: str = "training",
    backends: Sequence[str] = (),
    size: Sequence[int] | None = None,
    reference: str | None = None,
    every: bool = False,
) -> NetworkResult:
    """Build every model of a network, live and from generated source, and hold them against each other.

    Args:
        network: a compiled network, or a spec by path or name.
        level: the last of ``shapes``, ``start``, ``forward`` and ``training`` to run.
        backends: the frameworks that take part; all that are installed unless given.
        size: the input's spatial size; a small one unless given.
        reference: ``module:callable`` of a model to hold the network against; its code is run.
        every: whether to name every layer that differs, and not the first alone.

    Returns:
        What was found: ``passed``, and what every witness showed at every level; as text, the table that
        ``netspec verify`` prints, and ``save`` writes it as a certificate. Models that differ are no error.

    Raises:
        NetspecError: the spec is wrong; the message shows where.
        UsageError: no such level or backend, a framework is missing, or the network does not take the size.

    Examples:
        >>> result = netspec.verify("resnet20", level="shapes")
        >>> result.passed
        True
    """
    from netspec.verification.levels import LEVELS
    from netspec.verification.run import Options, Origin
    from netspec.verification.run import verify as run

    if level not in LEVELS:
        raise UsageError(f"`{level}` is no level; {did_you_mean(level, LEVELS)}")
    whole = compiled(network)
    size = None if size is None else tuple(size)
    options = Options(level, tuple(backends), size, reference, every)
    origin = Origin(whole.spec, whole.variant, whole.compilation.origin.values)
    return run(whole.compilation, options, origin)


def explain(network: Spec, backend: str, all_variants: bool = False) -> tuple[Decision, ...]:
    """Why the source of a network is written as it is.

    Args:
        network: a compiled network, or a spec by path or name.
        backend: ``torch``, ``keras``, or the name of an installed third backend that explains its source.
        all_variants: of the file that holds all variants of the spec.

    Returns:
        The blocks and networks that are several classes and what parts them, the arguments that the spec
        has no name for, helpers, loops, why others are none, and what stands for several. Each as text is
        the line that ``netspec generate --explain`` prints.

    Raises:
        NetspecError: the spec is wrong, or the backend cannot do what it says; the message shows where.
        UsageError: there is no such backend, or it explains no source.

    Examples:
        >>> print(netspec.explain("resnet18", "torch")[-1])
        BasicBlock.relu: one module for `relu1`, `relu2`, which hold nothing and have no names of their own
    """
    from netspec.family import explain_source, networks_of

    return explain_source(networks_of(compiled(network), all_variants), backend, all_variants)


def convert(
    network: Spec,
    weights: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    target: str,
    source: str | None = None,
    allow_missing: Sequence[str] = (),
    allow_unexpected: Sequence[str] = (),
    renaming: Mapping[str, str] | None = None,
    take: str | None = None,
    seed: int = 0,
) -> checkpoints.Report:
    """Write the weights of a network in a file to another, with other names, layouts and format.

    Every tensor is accounted for, and keeps its dtype. Needs no framework but what the formats need.

    Args:
        network: a compiled network, or a spec by path or name.
        weights: the file to read, in any format that an installed backend knows. Nothing in it is run.
        output: the file to write, whole or not at all; its suffix says the format. One that is there is
            replaced.
        target: whose names and layouts to write: ``torch``, ``keras``, or one of the spec's ``checkpoints``.
        source: the same of ``weights``; found out unless given.
        allow_missing: regular expressions for names of tensors that ``weights`` may lack; these start anew.
        allow_unexpected: the same for tensors that may be left.
        renaming: regular expressions and the names that take their place, for the names in ``weights``.
        take: which of several sets of weights in the file, such as ``state_dict_ema``.
        seed: of the values of tensors that start anew.

    Returns:
        What became of every tensor.

    Raises:
        NetspecError: the file is damaged or unsafe, or its tensors are not the network's.
        UsageError: no such file, format or names; what reads or writes it is not installed.

    Examples:
        >>> network = netspec.load("resnet20")
        >>> network.save_weights(network.build("torch"), "trained.pt")
        >>> report = netspec.convert(network, "trained.pt", "trained.safetensors", target="keras")
        >>> report.tensors
        97
    """
    from netspec.weights.checkpoints import Matching
    from netspec.weights.checkpoints import convert as run
    from netspec.weights.checkpoints.renaming import Renaming

    names = None
    if renaming is not None:
        names = Renaming.from_document(parse(text_of(renaming), "renaming"))
    how = Matching(names, allow_missing, allow_unexpected, take)
    return run(
        compiled(network).compilation,
        Path(weights),
        Path(output),
        source=source,
        target=target,
        how=how,
        seed=seed,
    )


def generate_family(
    network: Spec,
    backend: str,
    path: str | os.PathLike[str] | None = None,
    line_length: int | None = None,
    handles: str | None = None,
) -> str:
    """Standalone source of all variants of a spec in one file: the classes once, and a function each.

    Every variant has the network's overrides, and is optimized where the network is. Needs no framework;
    for ``backend``, ``path``, ``line_length`` and ``handles`` see :meth:`CompiledNetwork.generate`.

    Raises:
        NetspecError: the spec is wrong, or the backend cannot do what it says; the message shows where.
        UsageError: the spec has no variants; there is no such backend, or it generates no such source.

    Examples:
        >>> source = netspec.generate_family("resnetv2_keras", "keras")
        >>> [line for line in source.splitlines() if line.startswith("def resnet")]
        ['def resnetv2_keras(', 'def resnet50v2(', 'def resnet101v2(', 'def resnet152v2(']
    """
    from netspec.family import generate_family as run

    return run(compiled(network), backend, path, line_length, handles)


def export(
    network: Spec,
    format: str,
    path: str | os.PathLike[str],
    *,
    backend: str,
    weights: str | os.PathLike[str] | None = None,
) -> exports.Report:
    """Build a network, and write it for others to run, compared with the live model.

    Args:
        network: a compiled network, or a spec by path or name.
        format: ``onnx``, ``torch-export``, ``saved-model``, ``litert``, or one of a third backend.
        path: the file to write, or the directory; whole or not at all.
        backend: the framework that writes it.
        weights: a file of them; fresh initial ones unless given.

    Raises:
        NetspecError: the spec or the file of weights is wrong; the message shows where.
        UsageError: no such backend, format or file, or something that is needed is not installed.
        ExportError: the exporter or the runtime refuses the network, or the export computes something else.

    Examples:
        >>> report = netspec.export("resnet20", "torch-export", "resnet20.pt2", backend="torch")
        >>> report.comparison.outputs[0].error <= report.bound
        True
    """
    whole = compiled(network)
    model = whole.build(get_backend(backend).name)
    if weights is not None:
        whole.load_weights(model, weights)
    return whole.export(model, format, path)


def resolve(
    spec: str | os.PathLike[str],
    variant: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    keep: Sequence[str] = (),
) -> str:
    """One network of a spec as a spec of its own, as a person would write it.

    It needs no other file and has the network's fingerprint.

    Args:
        spec: as :func:`load` has it.
        variant: as :func:`load` has it.
        overrides: as :func:`load` has them.
        keep: the parameters, all numbers, that stay parameters; the others are settled.

    Raises:
        NetspecError: the file or an override is wrong, or what is kept decides something that is no number.
        UsageError: there is no such file, zoo network, variant or parameter.

    Examples:
        >>> text = netspec.resolve("resnet50", keep=["classes"])
        >>> netspec.loads(text, overrides={"classes": 10}).outputs
        {'output': (10,)}
    """
    return load(spec, variant, overrides).to_yaml(keep)


def optimize(network: Spec, goal: str = "inference") -> CompiledNetwork:
    """The network with less to compute; what it gives in evaluation stays the same.

    Args:
        network: a compiled network, or a spec by path or name.
        goal: what for; there is ``inference``.

    Raises:
        NetspecError: the spec is wrong; the message shows where.
        UsageError: no such goal.

    Examples:
        >>> network = netspec.optimize("resnet18")
        >>> "batch_norm" in {layer.op for layer in network.layers}
        False
    """
    return compiled(network).optimize(goal)


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

    Examples:
        >>> network = netspec.load("resnet20")
        >>> model, twin = network.build("torch"), network.build("keras")
        >>> netspec.transfer_weights(model, twin, network)
    """
    representation = network.network if isinstance(network, CompiledNetwork) else network
    weights = backend_of(source_model).read_weights(source_model, representation)
    backend_of(target_model).write_weights(target_model, representation, weights)
