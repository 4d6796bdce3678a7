"""Which member of a family is elaborated."""

from __future__ import annotations

from netspec.errors import UsageError, did_you_mean, fail
from netspec.lang.schema.syntax import Spec


def choose_variant(spec: Spec, variant: str | None) -> str | None:
    """The variant to take: the one asked for, or the spec's default."""
    chosen = variant or spec.default
    if chosen is not None and chosen not in spec.variants:
        if variant is None:
            raise fail(
                "NS210",
                f"`default` names no variant: `{chosen}`",
                spec.spans.find(("default",)),
                help=did_you_mean(chosen, spec.variants),
            )
        hint = did_you_mean(chosen, spec.variants)
        raise UsageError(f"`{spec.name}` has no variant `{chosen}`" + (f"; {hint}" if hint else ""))
    return chosen
