"""Finds what a word in the place of a step means: blocks, and the roles `norm` and `act`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import cache
from pathlib import Path

from netspec.elaborate.reader import Reader
from netspec.elaborate.scope import ROLES, Environment, StepsValue, check_declared
from netspec.errors import NetspecError, Span, did_you_mean, fail
from netspec.lang import library
from netspec.lang.schema.elsewhere import step_help
from netspec.lang.schema.models import COMBINATORS
from netspec.lang.schema.syntax import BlockDefinition, Defaults, OpAction, Param, Step
from netspec.lang.source import SpanTree
from netspec.ops import OPS

LANGUAGE_ROLES: Mapping[str, str] = {"norm": "batch_norm", "act": "relu"}


Calls = tuple[tuple[str, Span], ...]
"""The blocks and roles on the way to a step, each with the place of its call, outermost first."""

STEP_TYPES = ("steps", "block")
"""Types of parameters whose names may stand in the place of a step."""


def check_param(param: Param) -> None:
    """The name of a parameter must not hide a word of the language, nor a built-in block if a step's."""
    is_step = param.type in STEP_TYPES
    check_declared(param.name, param.span, "parameter", is_step=is_step)
    if is_step and param.name in library.built_in_blocks():
        raise fail("NS223", f"parameter `{param.name}` hides a built-in block", param.span)


def check_definition(definition: BlockDefinition) -> None:
    """The names that a block declares must not hide each other or words of the language."""
    for param in definition.params.values():
        check_param(param)
    for name, value in definition.let.items():
        check_declared(name, value.span, "value")
        if name in definition.params:
            raise fail("NS223", f"value `{name}` hides a parameter", value.span)


class Lookup:
    """The definitions and defaults that one spec's steps refer to.

    Args:
        definitions: the blocks that the spec itself declares.
        defaults: attributes and roles of the spec.
        environment: the spec's parameters, which defaults are evaluated under.
        folder: where a user's own block files stand; None when the spec is no file.
        reader: reads what the spec holds.
    """

    def __init__(
        self,
        definitions: Mapping[str, BlockDefinition],
        defaults: Defaults,
        environment: Environment,
        folder: Path | None,
        reader: Reader | None = None,
    ) -> None:
        self.reader = reader or Reader()
        self.definitions = definitions
        self.defaults = defaults
        self.environment = environment
        self.folder = folder
        self._found: dict[str, BlockDefinition] = {}
        for definition in definitions.values():
            with self.attempt():
                self._check_definition(definition)

    def _check_definition(self, definition: BlockDefinition) -> None:
        name, span = definition.name, definition.name_span
        check_declared(name, span, "block", is_step=True)
        if name in library.built_in_blocks():
            raise fail("NS223", f"block `{name}` hides a built-in block", span)
        for param in definition.params.values():
            self.check_param(param)

    # What compiling does about a problem is to stop. Who checks a spec collects problems and goes on:
    # it overrides these two.

    def attempt(self, calls: Calls = ()) -> AbstractContextManager[None]:
        """Does a part of the work on its own: what is wrong there need not stop the rest."""
        return nullcontext()

    def overlooking(self) -> AbstractContextManager[None]:
        """Does a part of the work early: what is wrong there will be found again."""
        return nullcontext()

    def check_param(self, param: Param) -> None:
        """The name of a parameter of the spec, or of one of its blocks, must not hide another."""
        check_param(param)
        if param.type in STEP_TYPES and param.name in self.definitions:
            raise fail("NS223", f"parameter `{param.name}` hides a block of the spec", param.span)

    def look_up(self, name: str, span: Span) -> BlockDefinition | None:
        """The block called ``name``: the spec's own, built in, or beside the spec; None without one."""
        if name in self.definitions:
            return self.definitions[name]
        if name not in self._found:
            found = self._load_block(name, span)
            if found is None:
                return None
            self._found[name] = found
        return self._found[name]

    def find_block(self, name: str, span: Span) -> BlockDefinition:
        """The block called ``name``; where there is none, the known ones are suggested."""
        found = self.look_up(name, span)
        if found is None:
            known = {*self.definitions, *library.built_in_blocks()}
            raise fail("NS207", f"unknown block `{name}`", span, help=did_you_mean(name, known))
        return found

    def definitions_found(self) -> tuple[BlockDefinition, ...]:
        """The spec's own blocks, and those that its steps have named so far."""
        return (*self.definitions.values(), *self._found.values())

    def _load_block(self, name: str, span: Span) -> BlockDefinition | None:
        if name in library.built_in_blocks():
            hiding = library.hides_built_in_block(self.folder, name, span) if self.folder else None
            if hiding:
                raise fail("NS223", f"`{name}` is a built-in block, and {hiding} another", span)
            return library.built_in_block(name)
        return library.user_block(self.folder, name, span) if self.folder else None

    def role(self, name: str) -> Step:
        """The step that the role ``name`` stands for: the spec's, or the language's own."""
        role = self.defaults.roles.get(name)
        if role is not None:
            return role
        return _language_role(name)

    def find_step(self, target: str, environment: Environment, span: Span) -> BlockDefinition:
        """The block that a step calls; where there is none, all that could stand there is suggested."""
        found = self.look_up(target, span)
        if found is not None:
            return found
        slots = [n for n, value in environment.items() if isinstance(value, StepsValue)]
        known = {*OPS, *COMBINATORS, *ROLES, *slots, *self.definitions}
        known |= library.built_in_blocks()
        message = f"`{target}` is no op, role, block or slot"
        raise fail("NS207", message, span, help=step_help(target, known))


@cache
def _language_role(name: str) -> Step:
    span = Span("<language>", 1, 1, 1, 1)
    return Step(OpAction(LANGUAGE_ROLES[name], {}, SpanTree(span)), span)


MAX_TRACE = 8
"""So many calls on the way to an error are shown."""


def with_call(error: NetspecError, what: str, span: Span) -> NetspecError:
    """The same error with the call that led there."""
    return NetspecError(
        [
            replace(d, trace=(*d.trace, (what, span))) if len(d.trace) < MAX_TRACE else d
            for d in error.diagnostics
        ]
    )
