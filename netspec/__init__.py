"""netspec: one YAML file describes a residual network; get it back as PyTorch and as Keras.

import netspec

network = netspec.load("resnet50")
model = network.build("torch")
source = network.generate("keras")
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, which takes longer to import than all that is here
if TYPE_CHECKING:
    from typing import Any

    from netspec.api import convert as convert
    from netspec.api import explain as explain
    from netspec.api import export as export
    from netspec.api import generate_family as generate_family
    from netspec.api import load as load
    from netspec.api import loads as loads
    from netspec.api import optimize as optimize
    from netspec.api import resolve as resolve
    from netspec.api import transfer_weights as transfer_weights
    from netspec.api import validate as validate
    from netspec.api import verify as verify
    from netspec.errors import NetspecError as NetspecError
    from netspec.errors import UsageError as UsageError
    from netspec.exports.base import ExportError as ExportError
    from netspec.network import CompiledNetwork as CompiledNetwork

__version__ = "0.1.0"

# Names and the modules that hold them, imported at first use: `import netspec` costs nothing.
_HOMES = {
    "CompiledNetwork": "netspec.network",
    "convert": "netspec.api",
    "explain": "netspec.api",
    "export": "netspec.api",
    "generate_family": "netspec.api",
    "load": "netspec.api",
    "loads": "netspec.api",
    "optimize": "netspec.api",
    "resolve": "netspec.api",
    "transfer_weights": "netspec.api",
    "validate": "netspec.api",
    "verify": "netspec.api",
    "NetspecError": "netspec.errors",
    "UsageError": "netspec.errors",
    "ExportError": "netspec.exports.base",
}

__all__ = [
    "CompiledNetwork",
    "ExportError",
    "NetspecError",
    "UsageError",
    "__version__",
    "convert",
    "explain",
    "export",
    "generate_family",
    "load",
    "loads",
    "optimize",
    "resolve",
    "transfer_weights",
    "validate",
    "verify",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
