"""Names as Pydantic sees them: identifiers, and templates of the names of layers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
Identifier = Annotated[str, Field(pattern=rf"^{IDENTIFIER}$", max_length=64)]
NameTemplate = Annotated[str, Field(min_length=1, max_length=200)]


def as_text(value: Any) -> Any:
    """YAML reads a name such as 1 as a number; names are text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[NameTemplate, BeforeValidator(as_text)]
