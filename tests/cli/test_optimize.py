"""``--optimize`` and ``--explain`` of the commands that have them."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec
from netspec.cli import main
from netspec.ir.fingerprint import fingerprint

SPEC = """\
netspec: 1
name: net
input: {channels: 4, size: [8, 10]}
stem: [{conv: {out: 8, kernel: 3, bias: false}}, batch_norm, {max_pool: {kernel: 2}}, batch_norm, relu]
head: [global_avg_pool, dropout, {linear: {out: 5}}]
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(SPEC, encoding="utf-8")
    return "net.yaml"


def test_explain_tells_what_each_pass_did_and_why_not(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["generate", spec, "--backend", "torch", "--optimize", "inference", "--explain"]) == 0
    )
    captured = capsys.readouterr()
    assert captured.out.startswith('"""')  # the source, and nothing else
    assert captured.err.splitlines() == [
        "net, optimized for inference:",
        "  remove_dropout: `dropout`: `dropout` does nothing in evaluation",
        "  fold_batch_norm: `bn1`: folded into `conv1`",
        "  fold_batch_norm: not `bn2`: `maxpool` ahead of it, `max_pool`, has no weight to take it in",
        "  6 ops are left of 8",
    ]


def test_source_is_regenerated_as_it_was_generated(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", spec, "--backend", "torch", "--optimize", "inference"]
    assert main([*command, "-o", "net.py"]) == 0
    assert main([*command, "--check", "net.py"]) == 0
    assert main(["regenerate", "--check", "net.py"]) == 0
    plain = [*command[:4], "--check", "net.py"]
    assert main(plain) == 1
    Path(spec).write_text(SPEC.replace("kernel: 3", "kernel: 5"), encoding="utf-8")
    assert main(["regenerate", "net.py"]) == 0
    source = Path("net.py").read_text(encoding="utf-8")
    assert "kernel_size=5, padding=2)" in source
    assert "optimized for `inference`" in " ".join(source.split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--optimize", "inferense"], "did you mean `inference`?"),
        (
            ["--optimize", "training"],
            "no network is optimized for `training`; expected `inference`",
        ),
    ],
)
def test_mistakes(
    more: list[str], message: str, spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", spec, "--backend", "torch", *more]) == 2
    assert message in capsys.readouterr().err


def test_only_source_has_more_to_explain(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["build", spec, "--backend", "torch", "--explain"]) == 2
    assert "--explain: of --optimize" in capsys.readouterr().err


def test_weights_go_from_the_spec_s_network_to_the_optimized_one(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    optimize = ["--optimize", "inference"]
    assert main(["build", spec, "--backend", "torch", "--init", "shared", "-o", "a.pt"]) == 0
    to = ["--spec", spec, *optimize, "--to", "torch"]
    assert main(["convert", "a.pt", *to, "-o", "b.safetensors"]) == 0
    built = ["--backend", "torch", *optimize, "--weights", "a.pt", "-o", "c.safetensors"]
    assert main(["build", spec, *built]) == 0
    from safetensors.numpy import load_file

    converted, moved = load_file("b.safetensors"), load_file("c.safetensors")
    assert converted.keys() - moved.keys() == {"bn2.num_batches_tracked"}
    for name, values in moved.items():
        assert (converted[name] == values).all(), name
    captured = capsys.readouterr()
    assert "wrote b.safetensors: 8 tensors of net, optimized for inference" in captured.err
    again = ["build", spec, "--backend", "torch", *optimize, "--weights", "b.safetensors"]
    assert main(again) == 1
    assert "holds the weights of the optimized network already" in capsys.readouterr().err


def test_an_export_is_of_the_optimized_network(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    command = ["export", spec, "--backend", "torch", "--format", "torch-export", "-o", "a.pt2"]
    assert main([*command, "--optimize", "inference"]) == 0
    import torch

    names = torch.export.load("a.pt2").state_dict
    assert "conv1.bias" in names
    assert "bn1.weight" not in names


def test_an_optimized_network_is_a_spec_of_its_own(
    spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["optimize", spec, "--explain", "-o", "fast.yaml"]) == 0
    assert "fold_batch_norm: `bn1`: folded into `conv1`" in capsys.readouterr().err
    fast = netspec.load(spec).optimize()
    assert fingerprint(netspec.load("fast.yaml").network) == fingerprint(fast.network)
    assert main(["validate", "fast.yaml"]) == main(["fmt", "--check", "fast.yaml"]) == 0
    assert main(["optimize", spec, "--check", "fast.yaml"]) == 0
    assert main(["optimize", spec, "--goal", "inferrence"]) == 2
    assert "did you mean `inference`" in capsys.readouterr().err
