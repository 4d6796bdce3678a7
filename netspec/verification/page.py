"""The certificate as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from netspec.system.channels import html
from netspec.system.packaged import packaged
from netspec.verification.bounds import QUANTITIES


def render(certificate: Mapping[str, Any]) -> str:
    """The page of a certificate as :func:`netspec.verification.certificate.to_json` makes it."""
    text: str = _template().render(certificate=certificate, quantities=QUANTITIES)
    return text


@cache
def _template() -> Any:
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # names and messages hold what users wrote
        finalize=lambda value: html(value) if isinstance(value, str) else value,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["difference"] = _difference
    text = (packaged("netspec.templates") / "certificate.html.j2").read_text(encoding="utf-8")
    return environment.from_string(text)


def _difference(number: float | None) -> str:
    if number is None:
        return "not finite"
    return "0" if number == 0 else f"{number:.1e}"
