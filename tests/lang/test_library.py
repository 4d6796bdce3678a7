"""What the package holds: blocks and the zoo, by name. (Block files beside a spec: see elaborate.)"""

from __future__ import annotations

import pytest

from netspec.errors import UsageError
from netspec.lang import library
from netspec.lang.source import parse


@pytest.mark.parametrize("name", sorted(library.built_in_blocks()))
def test_built_in_blocks(name: str) -> None:
    block = library.built_in_block(name)
    assert block.name == name
    assert block.doc
    assert parse(library.block_text(name)).data["block"] == name


def test_every_name_of_the_zoo_leads_to_a_file() -> None:
    names = library.zoo_variants()
    assert names["resnet50"] == ("resnet", "resnet50")
    assert names["resnet"] == ("resnet", None)
    for name, (file, variant) in names.items():
        data = parse(library.zoo_text(file)).data
        assert variant in (None, name)
        assert variant is None or variant in data["variants"]
        assert data["name"] == file
        assert library.zoo_member(name) == (file, variant)
    assert library.zoo_member("resnet5") is None


def test_no_name_is_given_twice() -> None:
    found = [
        n for f in library.zoo_files() for n in parse(library.zoo_text(f)).data.get("variants", {})
    ]
    assert len(found) == len(set(found))
    assert set(found).isdisjoint(set(library.zoo_files()) - set(found))


def test_what_is_not_in_the_zoo() -> None:
    with pytest.raises(UsageError, match="no zoo spec is called `nonsense`"):
        library.zoo_text("nonsense")
