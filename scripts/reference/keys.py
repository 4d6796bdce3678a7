"""What mappings of the language hold, from the models; and names that are taken."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netspec.backends.base import Names, own_backends
from netspec.elaborate import scope
from netspec.lang.schema import models, parameters
from reference.words import (
    PARAMETER_TYPES,
    code,
    default_text,
    listed,
    model_type,
    sentence,
    table,
)


def keys(model: type[BaseModel], only: Iterable[str] | None = None) -> str:
    """The keys of a mapping: type, default and meaning."""
    model.model_rebuild()  # models are built at first use
    rows = [
        _key_row(field.alias or name, field)
        for name, field in model.model_fields.items()
        if only is None or name in only
    ]
    return table(("key", "takes", "default", "meaning"), rows)


def _key_row(name: str, field: FieldInfo) -> tuple[str, ...]:
    if not field.description:
        raise ValueError(f"the key `{name}` has no description")
    takes = model_type(field.annotation, field.metadata)
    default = (
        "**required**"
        if field.is_required()
        else default_text(field.get_default(call_default_factory=True))
    )
    return code(name), takes, default, field.description


def combinator_keys() -> str:
    """Every combinator with its keys."""
    parts = []
    for name in models.COMBINATORS:
        doc = models.Step.model_fields[name].description or ""
        parts.append(f"**{code(name)}**: {sentence(doc)}\n")
        if name in models.COMBINATOR_TYPES and name != "sequence":
            parts.append(keys(models.COMBINATOR_TYPES[name]))
        else:
            parts.append("Takes the list of steps itself.\n")
    return "\n".join(parts)


def parameter_types() -> str:
    """The types that a parameter may have."""
    rows = [(code(kind), PARAMETER_TYPES[kind]) for kind in parameters.PARAM_TYPES]
    return table(("type", "takes"), rows)


def reserved() -> str:
    """The names that no declaration may take, and those that no layer may have."""
    rows = [
        ("a parameter, a `let` value", "Python's keywords, " + listed(sorted(scope.RESERVED))),
        (
            "a block, and a parameter of type `block` or `steps`",
            "besides: the ops, the combinators, "
            + listed(scope.ROLES)
            + "; for a block, the built-in blocks",
        ),
    ]
    for backend in own_backends():
        if isinstance(backend, Names) and backend.naming.reserved:
            words = listed(sorted(backend.naming.reserved))
            rows.append((f"a part of a layer's name, in {backend.naming.framework}", words))
    return table(("what declares a name", "cannot take"), rows)
