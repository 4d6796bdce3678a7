"""A number that nobody knows, since what it depends on is wrong and has been reported.

While a spec is checked, problems are collected and the work goes on. Whatever would have come of a
part that is wrong is :data:`UNKNOWN`; using it ends what uses it, by :class:`Poisoned`, without
another word to the user.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NoReturn

from netspec.errors import Diagnostic, NetspecError


class Poisoned(Exception):
    """Something depends on :data:`UNKNOWN`; not an error of its own."""


class _Unknown:
    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __hash__(self) -> int:
        return id(self)

    def _poison(self, *operands: object) -> NoReturn:
        raise Poisoned

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _poison
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = __mod__ = __rmod__ = _poison
    __pow__ = __rpow__ = __neg__ = __pos__ = __lt__ = __le__ = __gt__ = __ge__ = _poison
    __bool__ = __index__ = __int__ = __float__ = _poison

    def __format__(self, spec: str) -> str:
        return "?"

    def __str__(self) -> str:
        return "?"

    def __eq__(self, other: object) -> NoReturn:
        raise Poisoned

    def __ne__(self, other: object) -> NoReturn:
        raise Poisoned


UNKNOWN: Any = _Unknown("UNKNOWN")
"""Stands for a number, a text, a list, a block or steps that are not known."""

ANY_RANK: Any = _Unknown("ANY_RANK")
"""Stands for the lengths of axes where it is not even known whether there are axes."""


def is_unknown(value: Any) -> bool:
    """Whether a value stands for one that is not known."""
    return type(value) is _Unknown


def require_known(value: Any) -> Any:
    """``value``, or a list of known values; raises :class:`Poisoned` for what is not known."""
    if is_unknown(value) or (type(value) is list and any(is_unknown(item) for item in value)):
        raise Poisoned
    return value


class Parts:
    """Runs parts of a whole that do not need one another, and raises the problems of all together.

    Each part is a ``with`` block of the same object; :meth:`finish` comes last.
    """

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []
        self.is_poisoned = False

    def __enter__(self) -> Parts:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if isinstance(error, NetspecError):
            self.found += error.diagnostics
        elif isinstance(error, Poisoned):
            self.is_poisoned = True
        else:
            return False
        return True

    def finish(self) -> None:
        """Raise :class:`NetspecError` for what was found; :class:`Poisoned` where a part was."""
        if self.found:
            raise NetspecError(self.found)
        if self.is_poisoned:
            raise Poisoned
