"""Generated source is built before it is written: what does not run, or is another network, is refused."""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from netspec.backends import trial
from netspec.backends.base import get_backend
from netspec.errors import InternalError, UsageError
from netspec.family import members_of
from netspec.ir import Program
from netspec.network import CompiledNetwork
from tests.support.fake_backend import FakeBackend

SPEC = """\
netspec: 1
name: tiny
input: {channels: 3, size: [8, 12]}
stem:
  - conv: {out: 6, kernel: 3, bias: false}
  - batch_norm
  - dropout: {rate: 0.5}
head:
  - global_avg_pool
  - linear: {out: 4}
"""

BACKENDS = ("torch", "keras")


@pytest.fixture(scope="module")
def tiny() -> CompiledNetwork:
    """A small network with weights, statistics and a layer that draws."""
    return netspec.loads(SPEC)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Any:
    """The backend of a name, its framework loaded."""
    pytest.importorskip(request.param)
    return get_backend(request.param)


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_right_source_is_built(backend: Any, tiny: CompiledNetwork) -> None:
    assert trial.try_source(backend, [tiny.network], tiny.generate(backend.name)) == {}


@pytest.mark.parametrize(
    ("backend", "right", "wrong", "told"),
    [
        ("torch", "nn.Linear(6,", "nn.Linear(7,", "`fc.weight` has shape"),
        ("torch", "def forward(", "def forwards(", "NotImplementedError"),
        (
            "torch",
            "import torch",
            "import torch torch",
            r"line \d+, `import torch torch`: SyntaxError",
        ),
        ("torch", "nn.BatchNorm2d(6", "nn.BatchNorm3d(6", r"line \d+, `x = .*bn"),
        ("keras", "import keras", "import keras keras", "SyntaxError"),
        ("keras", "layers.BatchNormalization(", "layers.NoSuchLayer(", r"line \d+, `.*NoSuchLayer"),
        ("keras", "layers.Dense(", "layers.Dense(1 + ", "spec's has shape"),
    ],
    indirect=["backend"],
)
def test_wrong_source_is_refused_with_its_line(
    backend: Any, right: str, wrong: str, told: str, tiny: CompiledNetwork
) -> None:
    source = tiny.generate(backend.name)
    assert right in source
    with pytest.raises(InternalError, match=told) as caught:
        trial.try_source(backend, [tiny.network], source.replace(right, wrong, 1))
    assert f"the {backend.name} source of `tiny` does not run" in str(caught.value)


@pytest.mark.parametrize("backend", BACKENDS, indirect=True)
def test_another_output_is_refused(backend: Any) -> None:
    stem = SPEC.split("head:")[0]
    source = netspec.loads(stem + "  - max_pool: {kernel: 2}\n").generate(backend.name)
    message = r"output `output` in .* is \(6, 4, 6\), the spec's \(6, 8, 12\)"
    with pytest.raises(InternalError, match=message):
        trial.try_source(backend, [netspec.loads(stem).network], source)


def test_what_cannot_be_built_here_has_a_reason(
    monkeypatch: pytest.MonkeyPatch, tiny: CompiledNetwork
) -> None:
    class Trying(FakeBackend):
        def trial(self) -> Any:
            raise wrong

    def reason(backend: Any, source: str = "no Python") -> str:
        ((found, networks),) = trial.try_source(backend, [tiny.network], source).items()
        assert [*networks] == [tiny.network]
        return found

    assert trial.try_source(FakeBackend(), [tiny.network], "no Python") == {}
    assert reason(Trying(requires=("surely_absent",))) == "surely_absent is not installed"
    wrong: Exception = UsageError("KERAS_BACKEND is `x`")
    assert reason(Trying()) == "KERAS_BACKEND is `x`"
    wrong = OSError("libfake.so")
    assert reason(Trying()) == "fake cannot be imported: OSError('libfake.so')"
    deep = "def tiny(): return tiny()"
    trying = Trying()
    monkeypatch.setattr(
        trying, "trial", lambda: lambda function, network: function(), raising=False
    )
    assert "more ops in a row" in reason(trying, deep)
    monkeypatch.setattr(trial, "MAX_LAYERS", 4)
    assert reason(Trying()) == "it has 5 layers, and more than 4 are not built"


FAMILY = (
    SPEC.replace("tiny\n", "tiny\nparams: {width: 6, deep: false, classes: 4}\n")
    .replace(
        "  - batch_norm\n",
        "  - batch_norm\n  - when: {test: deep, then: [relu, {conv: {out: 6, kernel: 1}}]}\n",
    )
    .replace("out: 4", "out: classes")
    .replace("out: 6, kernel: 3", "out: width, kernel: 3")
)
VARIANTS = """\
variants:
  small: {}
  middle: {width: 8}
  large: {width: 12}
  deep: {deep: true}
  five: {classes: 5}
"""


def family() -> tuple[list[Program], str]:
    """Variants of one class, but for the one that has more layers; and their source."""
    network = netspec.loads(FAMILY + VARIANTS)
    members = [member.network for member in members_of(network)]
    return members, netspec.generate_family(network, "torch")


def test_every_variant_of_a_file_is_built() -> None:
    networks, source = family()
    backend = get_backend("torch")
    assert trial.try_source(backend, networks, source) == {}
    for right, wrong, name in (
        ("(width=8", "(width=9", "middle"),
        ("def five(", "def six(", "five"),
        ("def small(", "def smallest(", "small"),
    ):
        assert right in source
        with pytest.raises(InternalError, match=f"source of `{name}` does not run"):
            trial.try_source(backend, networks, source.replace(right, wrong, 1))


def test_of_large_families_those_are_built_that_differ_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks, source = family()
    built = []

    class Trying(FakeBackend):
        def trial(self) -> Any:
            return lambda function, network: built.append(network.model_name)

    source = "def A(): ...\ndef B(): ...\n" + "".join(
        f"def {n.model_name}(): return {'B' if n.model_name == 'large' else 'A'}()\n"
        for n in networks
    )

    def built_within(most: int) -> list[str]:
        built.clear()
        monkeypatch.setattr(trial, "MAX_TOGETHER", most)
        assert trial.try_source(Trying(requires=()), networks, source) == {}
        return sorted(built)

    assert built_within(1000) == ["deep", "five", "large", "middle", "small"]
    # The smallest, one of another class, and the largest.
    assert built_within(0) == ["deep", "large", "small"]
    assert built_within(22) == ["deep", "large", "middle", "small"]
