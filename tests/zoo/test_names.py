"""A name says which network is meant: no two networks of the zoo share one."""

from __future__ import annotations

from collections import Counter

from netspec import library
from tests.support.reference import CASES
from tests.support.zoo import zoo_names, zoo_spec


def test_variant_and_file_names_are_unique_over_the_zoo() -> None:
    counts = Counter(library.zoo_files())
    for file in library.zoo_files():
        counts.update(list(zoo_spec(file).variants))
    assert [name for name, count in counts.items() if count > 1] == []


def test_file_is_called_what_its_spec_is_called() -> None:
    assert {file: zoo_spec(file).name for file in library.zoo_files()} == {
        file: file for file in library.zoo_files()
    }


def test_every_family_is_documented_has_a_default_and_keeps_its_classes() -> None:
    for file in library.zoo_files():
        spec = zoo_spec(file)
        assert spec.doc, file
        assert spec.default in spec.variants if spec.variants else spec.default is None, file
        assert "classes" in spec.arguments, file


def test_every_network_has_a_reference() -> None:
    assert sorted(set(zoo_names())) == sorted({case.zoo for case in CASES})
