"""Generated source, whole: what a reader sees. `pytest --update-goldens` writes the files anew."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec import api
from netspec.lang import library

FOLDER = Path(__file__).parent / "goldens"

BLOCKS = {
    "basic": "{width: 16, attention: [squeeze_excite]}",
    "bottleneck": "{width: 8, groups: 4, base_width: 32}",
    "bottleneck_v1": "{width: 8}",
    "preact_basic": "{width: 16, drop_rate: 0.1}",
    "preact_bottleneck": "{width: 8}",
    "squeeze_excite": "{ratio: 0.5}",
    "efficient_attention": "{}",
    "squeeze_excitation": "{squeezed: 4}",
    "reduce_expand": "{squeezed: 4}",
    "pyramid_basic": "{width: 16}",
    "pyramid_bottleneck": "{width: 8}",
    "separable_unit": "{width: 16}",
    "inverted_unit": "{width: 16, expanded: 24}",
    "fused_unit": "{width: 16, expanded: 24}",
    "mb_conv": "{width: 16, kernel: 3, expansion: 2, drop_path: 0.1}",
    "fused_mb_conv": "{width: 16, kernel: 3, expansion: 2, drop_path: 0.1}",
}
"""The built-in blocks that are classes, with the arguments of two stages of each."""

STILL = frozenset(("squeeze_excite", "squeeze_excitation", "efficient_attention", "reduce_expand"))
"""Those that have no stride."""

MODELS = ("resnet18", "article_resnet", "resnet50v2", "wrn_16_8")

CASES = [
    (kind, name, backend)
    for kind, names in (("block", BLOCKS), ("model", MODELS))
    for name in names
    for backend in ("torch", "keras")
]


def source(kind: str, name: str, backend: str) -> str:
    """The source of a zoo network, or of two stages of one block."""
    if kind == "model":
        return netspec.load(name).generate(backend)
    given = BLOCKS[name].strip("{}")
    stride = "" if name in STILL else ", stride: 2"
    text = (
        f"netspec: 1\nname: {name}_net\ninput: {{channels: 16, size: [16, 16]}}\n"
        f"stages:\n  - {{block: {name}, repeat: 2, {given}}}\n"
        f"  - {{block: {name}, repeat: 2, {given}{stride}}}\n"
    )
    return api.loads(text).generate(backend)


@pytest.mark.parametrize(("kind", "name", "backend"), CASES)
def test_source_is_the_golden_one(
    kind: str, name: str, backend: str, request: pytest.FixtureRequest
) -> None:
    path = FOLDER / f"{kind}_{name}_{backend}.py"
    found = source(kind, name, backend)
    if request.config.getoption("--update-goldens"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_golden_is_made_and_every_block_has_one() -> None:
    made = {f"{kind}_{name}_{backend}.py" for kind, name, backend in CASES}
    assert {path.name for path in FOLDER.glob("*.py")} == made
    inline = {name for name in library.built_in_blocks() if library.built_in_block(name).inline}
    assert set(BLOCKS) == library.built_in_blocks() - inline


def test_goldens_are_small_enough_to_read() -> None:
    assert max(len(path.read_text().splitlines()) for path in FOLDER.glob("*.py")) < 200
