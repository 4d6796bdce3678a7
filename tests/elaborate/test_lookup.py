"""Words in the place of a step: slots, roles, blocks and ops; what hides what; what is not found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.elaborate.conftest import marked, ops, paths, problem

RELU = "body: [relu]"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("stem: [{cnov: {out: 3, kernel: 3}}]", "did you mean `conv`?"),
        ("stem: [batchnorm]", "did you mean `batch_norm`?"),
        ("stem: [{residul: {body: [relu]}}]", "did you mean `residual`?"),
        ("stem: [squeeze_exite]", "did you mean `squeeze_excite`?"),
        ("blocks: {tower: {body: [relu]}}\nstem: [towr]", "did you mean `tower`?"),
        ("blocks: {b: {body: [reul]}}\nstem: [b]", "did you mean `relu`?"),
        (
            "blocks: {b: {params: {extras: {type: steps, default: []}}, body: [extra]}}\nstem: [b]",
            "did you mean `extras`?",
        ),
        ("stages: [{block: bottlneck, width: 4}]", "did you mean `bottleneck`?"),
    ],
)
def test_an_unknown_word_is_told_with_the_nearest(text: str, help: str) -> None:
    found = problem(text)
    assert (found.code, found.help) == ("NS207", help)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("params: {channels: 3}\nstem: [relu]", "channels"),
        ("params: {index: 3}\nstem: [relu]", "index"),
        ("params: {max: 3}\nstem: [relu]", "max"),
        ("params: {class: 3}\nstem: [relu]", "class"),
        ("params: {conv: {type: steps, default: []}}\nstem: [relu]", "conv"),
        ("params: {norm: {type: block, default: basic}}\nstem: [relu]", "norm"),
        ("params: {when: {type: steps, default: []}}\nstem: [relu]", "when"),
        ("params: {basic: {type: steps, default: []}}\nstem: [relu]", "basic"),
        ("params: {b: {type: steps, default: []}}\nblocks: {b: {body: [relu]}}\nstem: [relu]", "b"),
        ("blocks: {b: {params: {basic: block}, body: [relu]}}\nstem: [relu]", "basic"),
        ("blocks: {b: {params: {c: block}, body: []}, c: {body: []}}\nstem: [relu]", "c"),
    ],
)
def test_a_parameter_that_hides_another_name(text: str, place: str) -> None:
    found = problem(text)
    assert found.code == "NS223"
    assert marked(text, found) == place


@pytest.mark.parametrize(
    "text",
    [
        "params: {w: 1}\nlet: {w: 2}\nstem: [relu]",
        "let: {size: 2}\nstem: [relu]",
        "let: {import: 2}\nstem: [relu]",
        "blocks: {b: {params: {w: 1}, let: {w: 2}, body: [relu]}}\nstem: [b]",
        "blocks: {b: {let: {in_size: 2}, body: [relu]}}\nstem: [b]",
        "blocks: {basic: {body: [relu]}}\nstem: [relu]",
        "blocks: {relu: {body: [tanh]}}\nstem: [relu]",
        "blocks: {act: {body: [relu]}}\nstem: [relu]",
        "blocks: {residual: {body: [relu]}}\nstem: [relu]",
        "params: {w: 1}\nstem: [{repeat: {times: 2, index: w, body: [relu]}}]",
        "stem: [{repeat: {times: 2, index: size, body: [relu]}}]",
        "stem: [{repeat: {times: 2, index: i, body: [{repeat: {times: 2, index: i, body: []}}]}}]",
    ],
)
def test_other_declarations_that_hide_a_name(text: str) -> None:
    assert problem(text).code == "NS223"


def test_names_of_numbers_may_be_those_of_ops_and_blocks() -> None:
    text = "params: {scale: 4, basic: 5}\nstem: [{conv: {out: scale + basic, kernel: 1}}, scale]\n"
    assert paths(text) == ["conv1", "scale"]


# Block files beside the spec


def test_a_block_file_is_equal_to_a_block_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text(f"block: tower\n{RELU}\n")
    (tmp_path / "blocks").mkdir()
    (tmp_path / "blocks" / "other.yaml").write_text("block: other\nbody: [tower, tanh]\n")
    text = "params: {b: {type: block, default: tower}}\nstem: [other, b]\n"
    assert paths(text, folder=tmp_path) == ["other.tower.relu", "other.tanh", "tower.relu"]
    assert problem(text).code == "NS207"


def test_a_block_of_the_spec_comes_first(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("block: tower\nbody: [tanh]\n")
    text = f"blocks: {{tower: {{{RELU}}}}}\nstem: [tower]\n"
    assert paths(text, folder=tmp_path) == ["tower.relu"]


def test_a_block_file_cannot_hide_a_built_in_block(tmp_path: Path) -> None:
    (tmp_path / "basic.yaml").write_text("block: basic\nbody: [tanh]\n")
    found = problem("stem: [{basic: {}}]\n", folder=tmp_path)
    assert found.code == "NS223"
    assert "basic.yaml" in found.message


def test_a_copy_of_a_built_in_block_hides_nothing(tmp_path: Path) -> None:
    from netspec.lang.library import block_text

    (tmp_path / "basic.yaml").write_bytes(block_text("basic").encode())
    assert ops("stem: [{basic: {width: 3}}]\n", folder=tmp_path)


@pytest.mark.parametrize("word", ["../tower", "blocks/tower", "./tower", "tower.yaml", "a b", "ä"])
def test_only_identifiers_name_a_file(tmp_path: Path, word: str) -> None:
    (tmp_path / "inner" / "blocks").mkdir(parents=True)
    for place in ("tower.yaml", "inner/blocks/tower.yaml", "inner/a b.yaml", "inner/ä.yaml"):
        (tmp_path / place).write_text(f"block: {Path(word).name}\n{RELU}\n")
    assert problem(f"stem: [{{'{word}': {{}}}}]\n", folder=tmp_path / "inner").code == "NS207"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(f"block: tower\n{RELU}\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "tower.yaml").symlink_to(tmp_path / "secret.yaml")
    assert problem("stem: [tower]\n", folder=tmp_path / "inner").code == "NS218"


def test_a_mistake_in_a_block_file_is_told_there(tmp_path: Path) -> None:
    (tmp_path / "tower.yaml").write_text("block: tower\nbody: [{conv: {out: 3, kernal: 1}}]\n")
    found = problem("stem: [tower]\n", folder=tmp_path)
    assert str(found.span) == f"{tmp_path}/tower.yaml:2:24"
    (tmp_path / "tower.yaml").write_text("block: towr\nbody: [relu]\n")
    assert problem("stem: [tower]\n", folder=tmp_path).code == "NS116"


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tower.yaml").write_text(f"block: tower\n{RELU}\n")

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    found = problem("stem: [tower]\n", folder=tmp_path)
    assert found.code == "NS109"
    assert "Permission denied" in found.message


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "tower.yaml").write_text(f"block: tower\n{RELU}\n")
    (tmp_path / "blocks").symlink_to(tmp_path / "shared")
    assert paths("stem: [tower]\n", folder=tmp_path) == ["tower.relu"]


def test_a_link_out_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "tower.yaml").write_text(f"block: tower\n{RELU}\n")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "blocks").symlink_to(tmp_path / "outside")
    found = problem("stem: [tower]\n", folder=tmp_path / "inner")
    assert found.code == "NS218"
    assert found.span is not None
