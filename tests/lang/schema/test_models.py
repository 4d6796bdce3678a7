"""The models follow the ops: an attribute is declared once."""

from __future__ import annotations

import pytest

from netspec.elaborate.scope import ROLES
from netspec.lang.schema.attributes import op_model
from netspec.lang.schema.models import (
    COMBINATORS,
    META,
    STAGE_KEYS,
    SpecModel,
    Stage,
    Step,
)
from netspec.ops import OPS, attributes_of


@pytest.mark.parametrize("kind", sorted(OPS))
def test_attributes_of_ops_are_keys_of_their_steps(kind: str) -> None:
    fields = op_model(kind).model_fields
    assert list(fields) == list(attributes_of(OPS[kind]))
    assert all(field.description for field in fields.values())


def test_words_of_the_language_do_not_hide_each_other() -> None:
    words = [*OPS, *COMBINATORS, *ROLES, *META]
    assert len(words) == len(set(words))
    assert set(COMBINATORS) <= Step.model_fields.keys()


def test_every_key_says_what_it_means() -> None:
    for model in (SpecModel, Stage, Step):
        for name, field in model.model_fields.items():
            assert field.description, (model.__name__, name)


def test_keys_of_a_stage_are_told_from_arguments() -> None:
    keys = {field.alias or name for name, field in Stage.model_fields.items()}
    assert {*STAGE_KEYS, "between", "first", "last"} == keys
