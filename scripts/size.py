"""``make size``: how large the package is, in statements and lines, a part at a time.

Statements are nodes of the syntax tree, so that neither docstrings, comments nor layout count as code.
Another folder, such as the package of an older checkout, is counted when it is named.
"""

from __future__ import annotations

import argparse
import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "netspec"


def statements(text: str) -> int:
    """The number of statements in a module, without docstrings."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    return sum(not _is_text(node) for node in nodes)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def main() -> None:
    """Print a row for each part, and the total."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, nargs="?", default=PACKAGE)
    package = parser.parse_args().package
    counted: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for path in package.rglob("*.py"):
        inside = path.relative_to(package).parts
        part = inside[0] if len(inside) > 1 else "."
        text = path.read_text(encoding="utf-8")
        counted[part] += statements(text)
        lines[part] += len(text.splitlines())
    for part, count in counted.most_common():
        print(f"{part:14} {count:8,} {lines[part]:8,}")
    print(f"{'all':14} {counted.total():8,} {lines.total():8,}")


if __name__ == "__main__":
    main()
