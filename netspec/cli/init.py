"""``netspec init``: a spec to start from."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from netspec.cli.options import add_force_argument
from netspec.cli.output import write_text_file
from netspec.cli.streams import tell, write_data

DESCRIPTION = """\
Write NAME.yaml, a small spec with comments, or one that comes
with netspec. `-` as NAME goes to standard output."""
EXAMPLES = ("netspec init mynet", "netspec init mynet --from resnet50")

_DEFAULT = re.compile(r"^default: .*$", re.MULTILINE)
_NAME = re.compile(r"^name: .*$", re.MULTILINE)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        default="starter",
        help="what the network and its file are called; starter unless given",
    )
    parser.add_argument(
        "--from",
        metavar="NETWORK",
        dest="network",
        help="start from a network that comes with netspec, such as resnet50: its whole family, with "
        "this member as the default",
    )
    add_force_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    name = arguments.name.removesuffix(".yaml")
    is_printed = name == "-"
    text = (
        _member(arguments.network)
        if arguments.network
        else _starter("starter" if is_printed else name)
    )
    if is_printed:
        write_data(text)
        return 0
    _check_name(name, text)
    file = f"{name}.yaml"
    write_text_file(Path(file), text, arguments.force)
    tell(f"next: netspec summary {file}")
    tell(f"      netspec generate {file} --backend torch -o {name}.py")
    return 0


def _check_name(name: str, text: str) -> None:
    """Raise :class:`UsageError` where ``name`` makes ``text``, which is sound otherwise, a spec that is not."""
    from netspec.check.validate.check import check_content
    from netspec.check.validate.options import Options
    from netspec.errors import UsageError
    from netspec.lang.schema.names import IDENTIFIER

    if not re.fullmatch(IDENTIFIER, name):
        raise UsageError(f"`{name}` cannot name a network: letters, digits and `_`, no digit first")
    result = check_content(text.encode(), f"{name}.yaml", None, Options())
    errors = [found for found in result.diagnostics if found.severity == "error"] if result else []
    if errors:
        raise UsageError(f"`{name}` cannot name a network: {errors[0].message}")


def _starter(name: str) -> str:
    from netspec.system.packaged import packaged

    text = (packaged("netspec.templates") / "starter.yaml").read_text(encoding="utf-8")
    return _NAME.sub(lambda _: f"name: {name}", text, count=1)


def _member(network: str) -> str:
    """The file of a network that comes with netspec; raises :class:`UsageError` where there is none."""
    from netspec.errors import UsageError, did_you_mean
    from netspec.lang import library

    found = library.zoo_member(network)
    if found is None:
        hint = did_you_mean(network, library.zoo_variants()) or "see `netspec list`"
        raise UsageError(f"no network is called `{network}`; {hint}")
    file, variant = found
    text = library.without_modeline(library.zoo_text(file))
    return text if variant is None else _DEFAULT.sub(f"default: {variant}", text, count=1)
