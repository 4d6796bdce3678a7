"""Tables of new names for the tensors of a file: regular expressions, and never two for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netspec.errors import Diagnostic, NetspecError, Span, fail, nearest
from netspec.lang.source import Document


@dataclass(frozen=True)
class _Rule:
    expression: re.Pattern[str]
    replacement: str
    span: Span

    def rename(self, name: str) -> str:
        """The new name of one that the expression fits."""
        found = self.expression.fullmatch(name)
        assert found is not None
        try:
            return found.expand(self.replacement)
        except (re.error, IndexError) as error:
            message = f"`{self.replacement}` is no replacement here: {error}"
            raise fail("NS608", message, self.span) from None


@dataclass(frozen=True)
class Renaming:
    """A table that is sound in itself; what it does to the names of a file is checked by :meth:`apply`."""

    rules: tuple[_Rule, ...]

    @classmethod
    def from_document(cls, document: Document) -> Renaming:
        """The table of a YAML mapping, regular expression → new name with ``\\1`` for groups.

        Raises :class:`NetspecError` where it is no mapping of texts, or holds a wrong expression.
        """
        if not isinstance(document.data, dict):
            raise fail("NS608", "a table of names is a mapping, old name: new", document.spans.span)
        rules = []
        for key, value in document.data.items():
            place = document.spans.find_key((key,))
            if not isinstance(value, str):
                raise fail("NS608", "a table of names holds texts", place)
            rules.append(_rule(key, value, place))
        return cls(tuple(rules))

    def fits(self, names: Iterable[str]) -> bool:
        """Whether every rule fits some of ``names``."""
        given = list(names)
        return all(any(rule.expression.fullmatch(name) for name in given) for rule in self.rules)

    def apply(self, names: Iterable[str]) -> Mapping[str, str]:
        """The new name of each of ``names``; those that no rule fits keep theirs.

        Raises :class:`NetspecError` where two names become one, or a rule fits none.
        """
        renamed: dict[str, str] = {}
        used: set[str] = set()
        for name in names:
            fitting = [rule for rule in self.rules if rule.expression.fullmatch(name)]
            used.update(rule.expression.pattern for rule in fitting)
            renamed[name] = fitting[0].rename(name) if fitting else name
        problems = [*self._idle(used, list(renamed)), *_shared(renamed)]
        if problems:
            raise NetspecError(problems)
        return renamed

    def _idle(self, used: set[str], names: list[str]) -> Iterable[Diagnostic]:
        for rule in self.rules:
            pattern = rule.expression.pattern
            if pattern not in used:
                near = nearest(pattern, names)
                hint = f"the file has `{near}`" if near else None
                yield Diagnostic("NS608", f"no tensor's name fits `{pattern}`", rule.span, hint)


def _rule(key: str, value: str, span: Span) -> _Rule:
    try:
        expression = re.compile(key)
    except re.error as error:
        raise fail("NS608", f"`{key}` is no regular expression: {error}", span) from None
    return _Rule(expression, value, span)


def _shared(renamed: Mapping[str, str]) -> Iterable[Diagnostic]:
    """Every new name that two tensors would have."""
    owners: dict[str, list[str]] = {}
    for old, new in renamed.items():
        owners.setdefault(new, []).append(old)
    for new, olds in owners.items():
        if len(olds) > 1:
            named = " and ".join(f"`{old}`" for old in olds)
            yield Diagnostic("NS609", f"{named} would all be `{new}`")
