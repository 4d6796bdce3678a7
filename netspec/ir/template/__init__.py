"""Templates: what a block looks like over all its instances, made from a program alone.

:func:`templates` takes the blocks of one definition, one of each shape, walks them side by side
(``unify.py``), and parts them where they differ by more than numbers and choices (``divide.py``).
:func:`family_templates` does the same with the networks of one spec (``family.py``).
"""

from netspec.ir.template.data import (
    Call,
    Choice,
    Growth,
    Guard,
    Merged,
    Next,
    Parameter,
    Placed,
    Reason,
    Schedule,
    Series,
    Split,
    Template,
)
from netspec.ir.template.divide import Templates, family_templates, templates
from netspec.ir.template.guards import deciding, guards_of

__all__ = [
    "Call",
    "Choice",
    "Growth",
    "Guard",
    "Merged",
    "Next",
    "Parameter",
    "Placed",
    "Reason",
    "Schedule",
    "Series",
    "Split",
    "Template",
    "Templates",
    "deciding",
    "family_templates",
    "guards_of",
    "templates",
]
