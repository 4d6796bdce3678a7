"""``netspec convert``, and ``netspec build`` with weights: what is said, what is written, and what not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from netspec import api
from netspec.weights.starting import initial_weights
from tests.cli.conftest import SMALL, Run
from tests.support.fake_backend import FakeBackend
from tests.support.networks import random_weights

PUBLISHED = """\
checkpoints:
  theirs:
    framework: torch
    layers:
      "layer{n}.{b}.{part}": "blocks.{running_index}.{part}"
      "layer{n}.{b}.{part}.{i}": "blocks.{running_index}.{part}.{i}"
      "{name}": "{name}"
"""


@pytest.fixture
def weights(small: Path) -> dict[str, np.ndarray]:
    """Random weights of the small network."""
    random = random_weights(api.load(small).network)
    return {name: array.astype(np.float32) for name, array in random.items()}


@pytest.fixture
def file(tmp_path: Path, weights: dict[str, np.ndarray]) -> Path:
    """They in a PyTorch checkpoint, with their counters."""
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    for name in weights:
        if name.endswith("running_var"):
            counter = name.replace("running_var", "num_batches_tracked")
            state[counter] = torch.tensor(3)
    path = tmp_path / "weights.pt"
    torch.save(state, path)
    return path


def same(path: Path, weights: dict[str, np.ndarray]) -> bool:
    found = load_file(path)
    return found.keys() == weights.keys() and all(
        np.array_equal(found[name], array) for name, array in weights.items()
    )


def test_there_and_back(
    run: Run, small: Path, file: Path, tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    there, back = tmp_path / "there.safetensors", tmp_path / "back.pth"
    result = run("convert", file, "--spec", small, "--from", "torch", "--to", "keras", "-o", there)
    assert (result.status, result.out) == (0, "")
    assert result.err.splitlines() == [
        "dropped, keras has none: 7 num_batches_tracked",
        f"wrote {there}: {len(weights)} tensors of small_a",
    ]
    assert load_file(there)["conv1/kernel"].shape == (3, 3, 3, 4)
    result = run("convert", there, "--spec", small, "--from", "keras", "--to", "torch", "-o", back)
    assert result.err.splitlines()[0] == "set to 0, the file has none: 7 num_batches_tracked"
    found = torch.load(back, weights_only=True)
    assert all(np.array_equal(found[name].numpy(), array) for name, array in weights.items())


def test_names_are_found_out(run: Run, small: Path, file: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "there.safetensors", tmp_path / "back.safetensors"
    assert run("convert", file, "--spec", small, "--to", "keras", "-o", there).status == 0
    assert run("convert", there, "--spec", small, "--to", "torch", "-o", back).status == 0
    assert "conv1.weight" in load_file(back)


def test_published_names_by_their_name(run: Run, small: Path, file: Path, tmp_path: Path) -> None:
    small.write_text(SMALL + PUBLISHED)
    there, back = tmp_path / "there.pt", tmp_path / "back.safetensors"
    result = run("convert", file, "--spec", small, "--from", "torch", "--to", "theirs", "-o", there)
    assert result.status == 0, result.err
    names = torch.load(there, weights_only=True)
    assert "blocks.1.downsample.1.num_batches_tracked" in names
    result = run("convert", there, "--spec", small, "--from", "torch", "--to", "keras", "-o", back)
    assert result.status == 0
    assert result.err.splitlines()[0] == f"{there}: names are those of `theirs`"


def test_a_third_backend_needs_neither_framework_nor_model(
    run: Run,
    small: Path,
    file: Path,
    tmp_path: Path,
    weights: dict[str, np.ndarray],
    fake: FakeBackend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeBackend, "build", lambda *_: pytest.fail("it was built"))
    fake.requires = ("surely_not_installed",)
    there, back = tmp_path / "there.safetensors", tmp_path / "back.safetensors"
    assert run("convert", file, "--spec", small, "--to", "fake", "-o", there).status == 0
    assert load_file(there)["conv1:weight"].shape == (3, 3, 3, 4)
    assert (
        run("convert", there, "--spec", small, "--from", "fake", "--to", "torch", "-o", back).status
        == 0
    )
    found = load_file(back)
    assert all(np.array_equal(found[name], array) for name, array in weights.items())


def test_another_network_is_the_whole_list_and_writes_nothing(
    run: Run, small: Path, file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.pt"
    result = run(
        "convert", file, "--spec", small, "--variant", "small_b", "--to", "torch", "-o", output
    )
    assert (result.status, result.out) == (1, "")
    assert not output.exists()
    lines = [line for line in result.err.splitlines() if line.startswith("error[")]
    assert (
        f"error[NS605]: {file}: `conv1.weight` is (4×3×3×3), and the network's (6×3×3×3)" in lines
    )
    assert f"error[NS603]: {file}: missing `layer1.1.conv1.weight` (6×6×3×3)" in lines
    assert f"error[NS604]: {file}: unexpected `layer2.1.conv1.weight` (8×8×3×3)" in lines


def test_what_is_let_pass_is_told(run: Run, small: Path, file: Path, tmp_path: Path) -> None:
    arguments = ["convert", file, "--spec", small, "--set", "classes=5", "--to", "torch"]
    output = tmp_path / "out.safetensors"
    allowed = ["--allow-missing", "fc.*", "--allow-unexpected", "fc.*", "--seed", "9"]
    assert run(*arguments, "-o", output).status == 1
    result = run(*arguments, *allowed, "-o", output)
    assert result.status == 0
    assert "missing, started anew: fc.weight\nmissing, started anew: fc.bias\n" in result.err
    assert "unexpected, left: fc.weight\nunexpected, left: fc.bias\n" in result.err
    start = initial_weights(api.load(small, overrides={"classes": 5}).network, 9)
    assert np.array_equal(load_file(output)["fc.weight"], start["fc.weight"])


def test_a_table_of_names(
    run: Run, small: Path, tmp_path: Path, weights: dict[str, np.ndarray]
) -> None:
    renamed = {name.replace("fc.", "head."): array for name, array in weights.items()}
    source = tmp_path / "in.safetensors"
    save_file(renamed, source)
    table = tmp_path / "names.yaml"
    table.write_text(r"head\.(.*): fc.\1")
    arguments = [
        "convert",
        source,
        "--spec",
        small,
        "--from",
        "torch",
        "--to",
        "torch",
        "--map",
        table,
    ]
    output = tmp_path / "out.safetensors"
    result = run(*arguments, "-o", output)
    assert result.status == 0, result.err
    assert same(output, weights | {n: a for n, a in load_file(output).items() if n not in weights})
    table.write_text(r"head\..*: fc.weight")
    result = run(*arguments, "-o", tmp_path / "other.safetensors")
    assert result.status == 1
    assert result.err == "error[NS609]: `head.bias` and `head.weight` would all be `fc.weight`\n"
    table.write_text("a: b: c")
    result = run(*arguments, "-o", tmp_path / "other.safetensors")
    assert result.status == 1
    assert "names.yaml:1:" in result.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--to", "tensorflow"], "`tensorflow` is no framework"),
        (["--to", "torch", "--from", "kears"], "did you mean `keras`?"),
        (
            ["--to", "torch", "--from", "keras"],
            "weights.pt: such files hold names of torch, not of `keras`",
        ),
        (["--to", "keras"], "out.pt: such files hold names of torch, not of `keras`"),
        (["--to", "torch", "--take", "ema"], "leave out --take"),
        (["--to", "torch", "--allow-missing", "("], "`(` is no regular expression"),
        (["--to", "torch", "--map", "nothing.yaml"], "nothing.yaml: No such file"),
        (["--to", "torch", "--seed", "-1"], "`-1` is no whole number of 0 or more"),
    ],
)
def test_wrong_commands_say_what_is_wrong(
    run: Run, small: Path, file: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    output = tmp_path / "out.pt"
    result = run("convert", file, "--spec", small, *more, "-o", output)
    assert result.status == 2
    assert said in result.err
    assert not output.exists()


@pytest.mark.parametrize(
    ("source", "output", "said"),
    [
        ("no.pt", "out.pt", "no.pt: No such file"),
        ("weights.xyz", "out.pt", "weights.xyz: no format of weights has this suffix; known are"),
        ("weights.pt", "out.xyz", "out.xyz: no format of weights"),
        ("weights.pt", "out.ckpt", "out.ckpt: this format (PyTorch checkpoint) is only read"),
        ("weights.pt", "no/out.pt", "there is no directory"),
        ("weights.pt", "weights.pt", "--force replaces it"),
    ],
)
def test_wrong_files_say_what_is_wrong(
    run: Run, small: Path, file: Path, tmp_path: Path, source: str, output: str, said: str
) -> None:
    before = file.read_bytes()
    result = run(
        "convert", tmp_path / source, "--spec", small, "--to", "torch", "-o", tmp_path / output
    )
    assert result.status == 2
    assert said in result.err
    assert file.read_bytes() == before


def test_a_file_may_take_its_own_place(run: Run, small: Path, file: Path) -> None:
    before = torch.load(file, weights_only=True)
    result = run("convert", file, "--spec", small, "--to", "torch", "-o", file, "--force")
    assert result.status == 0, result.err
    after = torch.load(file, weights_only=True)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


# netspec build


def test_build_loads_weights(
    run: Run,
    small: Path,
    file: Path,
    tmp_path: Path,
    weights: dict[str, np.ndarray],
    fake: FakeBackend,
) -> None:
    output = tmp_path / "out.safetensors"
    result = run("build", small, "--backend", "fake", "--weights", file, "-o", output)
    assert result.status == 0, result.err
    assert same(output, weights)


def test_build_is_as_strict(run: Run, small: Path, file: Path, fake: FakeBackend) -> None:
    arguments = ["build", small, "--backend", "fake", "--weights", file, "--set", "classes=5"]
    result = run(*arguments)
    assert result.status == 1
    assert "NS605" in result.err
    result = run(*arguments, "--allow-missing", "fc.*", "--allow-unexpected", "fc.*")
    assert result.status == 0
    assert "missing, as it was: fc.weight" in result.err


def test_build_without_a_file_has_nothing_to_read(run: Run, small: Path, fake: FakeBackend) -> None:
    for more in (["--from", "torch"], ["--map", "x"], ["--take", "x"], ["--allow-missing", "x"]):
        result = run("build", small, "--backend", "fake", *more)
        assert result.status == 2
        assert "of --weights" in result.err
    result = run("build", small, "--backend", "fake", "--seed", "1")
    assert (result.status, result.err) == (2, "netspec: --seed is for --init shared\n")


def test_one_seed_gives_every_backend_the_same_weights(
    run: Run, small: Path, tmp_path: Path, fake: FakeBackend
) -> None:
    found = {}
    for backend in ("torch", "keras", "fake"):
        output = tmp_path / f"{backend}.safetensors"
        arguments = ["--init", "shared", "--seed", "3", "-o", output]
        assert run("build", small, "--backend", backend, *arguments).status == 0
        found[backend] = load_file(output)
    expected = initial_weights(api.load(small).network, 3)
    for weights in found.values():
        assert weights.keys() == expected.keys()
        assert all(np.array_equal(weights[name], array) for name, array in expected.items())
