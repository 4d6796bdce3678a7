"""Checks one file: its YAML, its schema, every variant down to the shapes, and the lints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netspec.backends import base
from netspec.backends.base import Names, get_backend, own_backends
from netspec.backends.names import name_problems
from netspec.check.lint.ignores import silence
from netspec.check.lint.network import lint_network
from netspec.check.lint.places import Places
from netspec.check.lint.spec import lint_block, lint_spec
from netspec.check.report import FileResult
from netspec.check.validate.checker import CheckingBuilder, Work
from netspec.check.validate.known import Known
from netspec.check.validate.names import check_block_names
from netspec.check.validate.options import Options
from netspec.check.validate.ownership import owner_of
from netspec.check.validate.problems import Problems
from netspec.elaborate.bounds import Bounds
from netspec.elaborate.check import check_network
from netspec.elaborate.lookup import Lookup, check_definition
from netspec.elaborate.variants import choose_variant
from netspec.errors import Diagnostic, NetspecError, by_position, fail
from netspec.ir import Program
from netspec.lang.schema.bind import require_mapping
from netspec.lang.schema.recover import Broken, bind_block_recovering, bind_recovering
from netspec.lang.schema.syntax import BlockDefinition, Defaults, Spec
from netspec.lang.source import Document, decode, parse_recovering
from netspec.weights.published import published_names

VARIANT_COST = 20
"""What a variant costs at least, in steps."""

BLOCK = "block"
"""What a block file holds."""


def check_content(
    raw: bytes, file: str, folder: Path | None, options: Options, is_searched: bool = False
) -> FileResult | None:
    """What is wrong in a file of this content; None where it was searched for and is none of ours.

    Args:
        raw: the content.
        file: what diagnostics call the file.
        folder: where blocks of its own are looked for; None for none.
        options: how to check.
        is_searched: whether the file was found in a directory, not named.
    """
    if is_searched and owner_of(raw) != "ours":
        return None
    holds, text = "", None
    try:
        document = parse_recovering(decode(raw, file), file)
        text = document.spans.span.text
        holds, found = _check_document(document, folder, options)
    except NetspecError as error:
        found = list(error.diagnostics)
    except RecursionError:
        found = list(fail("NS507", f"{file}: nested too deeply").diagnostics)
    is_sound = holds != BLOCK and not any(d.severity == "error" for d in found)
    found = silence(found, text if is_sound else None, options.lints)
    if options.strict:
        found = [replace(diagnostic, strict=True) for diagnostic in found]
    return FileResult(file, holds, tuple(sorted(found, key=by_position)))


def with_all_errors(
    first: NetspecError,
    document: Document,
    folder: Path | None,
    bounds: Bounds,
    variant: str | None,
) -> NetspecError:
    """What compiling ``document`` at ``variant`` stopped at, with every other error on the way there.

    Where ``first`` is none of the document's own, as that of an override is not, it stays alone.
    """
    if variant is None and isinstance(document.data, dict):
        variant = document.data.get("default")
    try:
        options = Options(bounds, backends=())
        _, found = _check_document(document, folder, options, variant)
    except NetspecError as error:
        found = list(error.diagnostics)
    except RecursionError:
        return first
    errors = [diagnostic for diagnostic in found if diagnostic.severity == "error"]
    known = {(diagnostic.code, diagnostic.span) for diagnostic in errors}
    if any((diagnostic.code, diagnostic.span) not in known for diagnostic in first.diagnostics):
        return first
    return NetspecError(sorted(errors, key=by_position))


def _check_document(
    document: Document, folder: Path | None, options: Options, variant: str | None = None
) -> tuple[str, list[Diagnostic]]:
    """What the document holds, in a word or two, and what is wrong with it, at one variant if asked."""
    if isinstance(document.data, dict) and "block" in document.data:
        return BLOCK, _check_block(document, folder, options)
    if not isinstance(document.data, dict) and document.problems:
        return "", list(document.problems)
    require_mapping(document, "a spec", ("netspec", "name", "input"))
    spec, found, broken = bind_recovering(document)
    if spec is None:
        return "", found
    known = Known(spec, document.data.get("defaults"))
    errors, warnings = _check_spec(
        spec, broken, known, folder, options, is_whole=not found, only=variant
    )
    found += errors
    if not found:  # what is unused, say, may be so because of an error
        found = [*lint_spec(spec, document, options.lints), *warnings]
    count = len(spec.variants) or 1
    return f"{count} variant{'' if count == 1 else 's'}", found


def _check_block(document: Document, folder: Path | None, options: Options) -> list[Diagnostic]:
    definition, found, broken = bind_block_recovering(document)
    if definition is None:
        return found
    problems = Problems(broken.muted)
    try:
        _check_names(definition, Path(document.file).stem, broken, folder, problems)
    except NetspecError as error:  # more problems than are told
        problems.add(error.diagnostics)
    found += problems.diagnostics([])
    return found or list(lint_block(definition, document, options.lints))


def _check_names(
    definition: BlockDefinition, stem: str, broken: Broken, folder: Path | None, problems: Problems
) -> None:
    """Find what a block's names alone say about it; ``stem`` is that of the file it is in."""
    with problems.attempt():
        check_definition(definition)
    if folder is not None and stem != definition.name:
        message = f"the file is called `{stem}` and holds a block called `{definition.name}`"
        problems.add(fail("NS116", message, definition.name_span).diagnostics)
    lookup = Lookup({}, Defaults(), {}, folder)
    check_block_names(definition, lookup, problems, (*broken.names, *broken.blocks))


def _check_checkpoints(spec: Spec, network: Program, problems: Problems) -> None:
    """What is wrong with the names that checkpoints give to the layers of ``network``."""
    for checkpoint in spec.checkpoints.values():
        if not (checkpoint.counted or checkpoint.layers):
            continue  # its names are ours
        with problems.attempt():
            published_names(network, checkpoint)


def _check_backends(network: Program, options: Options, problems: Problems, is_sound: bool) -> None:
    """What backends refuse of a network; where it is not sound, and has gaps, only words as names."""
    named = options.backends
    for backend in own_backends() if named is None else map(get_backend, named):
        if named is not None and is_sound:
            with problems.attempt():
                base.check_network(backend, network)
        elif isinstance(backend, Names):
            problems.add(name_problems(backend.naming, network, is_sound))


def _check_spec(
    spec: Spec,
    broken: Broken,
    known: Known,
    folder: Path | None,
    options: Options,
    is_whole: bool,
    only: str | None,
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """The errors in any variant of a spec, and what the lints say about its networks.

    ``is_whole`` says that nothing was cut out of the spec, ``only`` which variant to look at; all unless
    given.
    """
    problems, warnings = Problems(broken.muted), Problems()
    with problems.attempt():
        choose_variant(spec, None)
    variants: list[str | None] = [*spec.variants] or [None]
    if only in variants:
        variants = [only]
    is_complete = all(param.default is not None for param in spec.params.values())
    if spec.variants and spec.default is None and is_complete and only is None:
        variants.append(None)
    work = Work(options.bounds)
    for number, variant in enumerate(variants):
        problems.variant = warnings.variant = variant
        try:
            work.add(VARIANT_COST, spec.spans.find_key(("variants", variant or "")))
            with problems.attempt():
                builder = CheckingBuilder(
                    spec,
                    variant,
                    folder,
                    problems,
                    broken,
                    work,
                    known,
                    options.bounds,
                    is_first=number == 0,
                )
                network = builder.build()
                is_sound = is_whole and not problems.concerns(variant)
                if is_sound:
                    check_network(network, options.bounds)
                _check_backends(network, options, problems, is_sound)
                if is_sound:
                    _check_checkpoints(spec, network, problems)
                    places = Places(spec, builder.lookup.definitions_found())
                    warnings.add(lint_network(network, places, options.lints))
                if number == len(variants) - 1:
                    with problems.of_every_variant():
                        for definition in spec.blocks.values():
                            check_block_names(definition, builder.lookup, problems)
        except NetspecError as error:  # the bound of all work
            with problems.of_every_variant():
                problems.add(error.diagnostics)
            break
    return problems.diagnostics(variants), warnings.diagnostics(variants)
