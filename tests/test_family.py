"""All variants of a spec in one file: each member's function makes the member's network."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, note, reject, settings

import netspec
from netspec.api import CompiledNetwork
from netspec.backends.base import check_network, get_backend
from netspec.codegen.identifiers import safe_identifier
from netspec.errors import NetspecError, UsageError
from netspec.family import members_of
from netspec.ir.analysis import weight_shapes
from netspec.lang import library
from tests.support.families import check_family
from tests.support.generated import import_source
from tests.support.random_specs import spec_texts
from tests.support.variants import with_variants
from tests.support.witnesses import BACKENDS
from tests.test_random_specs import QUICK

torch = pytest.importorskip("torch")
pytest.importorskip("keras")

SMALL: dict[str, dict[str, Any]] = {
    "resnet": {
        "n18": {"block": "basic", "depths": [2, 1]},
        "n50": {"depths": [1, 3]},
        "next": {"depths": [1, 2], "groups": 4, "base_width": 32},
    },
    "resnet_cifar": {"n20": {"blocks": 1}, "n32": {"blocks": 2}},
    "plain": {"n18": {"depths": [1, 2]}, "n34": {"depths": [3, 2]}},
    "preact_resnet_cifar": {
        "n110": {"block": "preact_basic", "shortcut": "zeros_behind", "blocks": 2},
        "n164": {"blocks": 1},
    },
    "seresnet": {
        "n50": {"depths": [1, 2]},
        "next": {"depths": [1, 2], "groups": 4, "base_width": 32},
    },
    "resnet_keras": {"n50": {"depths": [1, 2]}, "n101": {"depths": [2, 1]}},
    "resnetv2_keras": {"n50": {"depths": [2, 1]}, "n101": {"depths": [3, 2]}},
    "densenet": {"n121": {"depths": [1, 2]}, "n161": {"depths": [2, 1], "growth": 4}},
    "efficientnet": {"b0": {}, "b1": {"depth_factor": 1.5, "drop_path": 0.1}},
    "regnet": {
        "x": {"depths": [1, 2], "widths": [16, 32]},
        "y": {"depths": [2, 1], "widths": [16, 24], "group_width": 8, "attention": True},
    },
    "pyramidnet_cifar": {
        "n110": {"blocks": 1, "alpha": 6},
        "n272": {"block": "pyramid_bottleneck", "blocks": 1, "alpha": 6},
    },
    "mobilenet": {"half": {"width_factor": 0.5}, "eighth": {"width_factor": 0.125}},
    "wide_resnet_cifar": {"n16": {"blocks": 1, "widen": 2}, "n28": {"blocks": 2, "widen": 1}},
}
"""Small members of the zoo's families."""

PARAMS: dict[str, dict[str, Any]] = {
    "efficientnet": {
        "width_factor": 0.5,
        "depths": [1, 2],
        "widths": [16, 24],
        "kernels": [3, 5],
        "strides": [1, 2],
        "expansions": [1, 6],
        "resolution": 32,
    }
}
"""What makes all members of a family small."""


def small(file: str) -> CompiledNetwork:
    """A spec of the zoo with small variants, at the first."""
    spec = yaml.safe_load(library.zoo_text(file))
    first = next(iter(SMALL[file]))
    spec |= {"variants": SMALL[file], "default": first, "checkpoints": {}}
    spec["params"] |= {"classes": 5, **PARAMS.get(file, {})}
    if "width" in spec["params"]:
        spec["params"]["width"] = 8
    spec["input"]["size"] = [40, 32]
    return netspec.loads({key: value for key, value in spec.items() if value != {}}, first)


def test_every_family_of_the_zoo_has_small_members() -> None:
    families = {file for file in library.zoo_files() if len(netspec.load(file).variants) > 1}
    assert {*SMALL} <= families  # the others have blocks like these


@pytest.mark.parametrize("file", SMALL)
def test_members_are_the_networks_of_their_variants(file: str) -> None:
    check_family(small(file))


def random_family(text: str) -> CompiledNetwork:
    """A random spec with variants; one that is refused proves nothing either way."""
    spec = with_variants(text, len(text))
    note(yaml.safe_dump(spec, sort_keys=False))
    try:
        network = netspec.loads(spec)
        for member in members_of(network):
            for backend in BACKENDS:
                check_network(get_backend(backend), member.network)
    except NetspecError:
        reject()
    return network


@settings(QUICK, max_examples=5)
@given(spec_texts())
def test_random_members_are_the_networks_of_their_variants(text: str) -> None:
    check_random(text, ("torch",))


@pytest.mark.slow
@settings(QUICK, max_examples=150, derandomize=False)
@given(spec_texts())
def test_many_random_members_are_the_networks_of_their_variants(text: str) -> None:
    check_random(text, BACKENDS)


def check_random(text: str, backends: tuple[str, ...]) -> None:
    """The members of a random family, unless an argument that they keep decides what they are."""
    network = random_family(text)
    try:
        check_family(network, backends)
    except NetspecError as error:
        if {problem.code for problem in error.diagnostics} != {"NS704"}:
            raise


DEEP = ("resnet_cifar", "preact_resnet_cifar")


@pytest.mark.parametrize(
    "file", [pytest.param(f, marks=pytest.mark.slow if f in DEEP else ()) for f in SMALL]
)
def test_whole_members_have_the_weights_of_their_networks(file: str) -> None:
    module = import_source(netspec.generate_family(file, "torch"))
    for member in members_of(netspec.load(file)):
        with torch.device("meta"):
            model = getattr(module, safe_identifier(member.name))()
        found = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        expected = weight_shapes(member.network)
        assert {name: found[name] for name in expected} == expected
        assert all("num_batches_tracked" in name for name in found.keys() - expected.keys())


NETWORKS = {
    "efficientnet": 1,  # its blocks are counted over all stages
    "efficientnet_v2": 2,  # six stages or seven
    "mobilenet": 1,  # a stage without a pattern, of as many blocks
    "resnet": 1,
}
"""How many classes the networks of a spec are."""


@pytest.mark.parametrize(("file", "count"), NETWORKS.items())
def test_members_are_few_classes(file: str, count: int) -> None:
    source = netspec.generate_family(file, "torch")
    assert source.count('"""The network, made for inputs of') == count


def test_a_number_inside_of_a_block_is_said_as_in_the_spec() -> None:
    source = netspec.generate_family("efficientnet", "torch")
    assert "self.eps = 0.001 if slow_norm else 1e-5" in source
    assert "groups: int = 1" in source
    assert "features_1_" not in source


def test_an_argument_that_members_keep_reaches_the_network() -> None:
    module = import_source(netspec.generate_family(small("plain"), "torch"))
    assert module.n34(classes=3).fc.out_features == 3


def test_a_class_takes_no_number_that_its_instances_do_not_have() -> None:
    module = import_source(netspec.generate_family(small("resnet"), "torch"))
    with pytest.raises(ValueError, match="BasicBlock is made for groups=1"):
        module.ResNet(module.BasicBlock, [1, 1], groups=2)


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_a_truth_value_that_is_refused_is_asked_as_one(backend: str) -> None:
    source = netspec.generate_family("resnet_cifar_b", backend)
    assert "if attention or drop_path != 0.0:" in source


def test_networks_that_differ_by_more_are_classes_of_their_own() -> None:
    spec = yaml.safe_load(library.zoo_text("plain"))
    spec["variants"] = {"plain18": {"depths": [1, 1]}, "plain34": {"depths": [1, 1, 1]}}
    spec["input"]["size"] = [32, 32]
    sources = check_family(netspec.loads(spec, "plain18"), ("torch",))
    assert "class Plain18(nn.Module)" in sources["torch"]
    assert "class Plain34(nn.Module)" in sources["torch"]
    assert sources["torch"].count("class PlainBasic(nn.Module)") == 1


def test_a_spec_without_variants_is_no_family() -> None:
    with pytest.raises(UsageError, match="has no variants"):
        netspec.generate_family("article_resnet", "torch")


def test_members_are_optimized_where_the_network_is() -> None:
    source = netspec.generate_family(small("plain").optimize(), "torch")
    assert "optimized for `inference`" in " ".join(source.split())
    assert "BatchNorm2d" not in source
