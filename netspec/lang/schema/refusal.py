"""How a validator says what is wrong with a value: with a code, help, and the part to blame."""

from __future__ import annotations

from netspec.lang.source import Location


class Refusal(ValueError):
    """A value that a field does not take; Pydantic reports it, :mod:`netspec.lang.schema.problems` reads it.

    Args:
        message: what is wrong, in one sentence without a full stop.
        code: the diagnostic that becomes of it.
        help: what to do about it, when that is known.
        at: the key or item inside the value that is to blame; its key where ``on_key`` is set.
        on_key: whether ``at`` ends in a key, not in what stands behind it.
    """

    def __init__(
        self,
        message: str,
        code: str = "NS103",
        help: str | None = None,
        at: Location = (),
        on_key: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.help = help
        self.at = at
        self.on_key = on_key

    def inside(self, part: str | int) -> Refusal:
        """The same refusal, seen from a value that holds this one at ``part``."""
        return Refusal(self.message, self.code, self.help, (part, *self.at), self.on_key)
