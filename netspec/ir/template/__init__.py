"""Templates: what a block looks like over all its instances, made from a program alone.

:func:`templates` takes the blocks of one definition, one of each shape, walks them side by side
(``unify.py``), and parts them where they differ by more than numbers and choices (``divide.py``).
"""

from netspec.ir.template.data import Call, Choice, Guard, Merged, Parameter, Reason, Split, Template
from netspec.ir.template.divide import Templates, templates
from netspec.ir.template.guards import deciding, guards_of

__all__ = [
    "Call",
    "Choice",
    "Guard",
    "Merged",
    "Parameter",
    "Reason",
    "Split",
    "Template",
    "Templates",
    "deciding",
    "guards_of",
    "templates",
]
