"""The handles that live networks have of timm's: features, a classifier to replace, taps."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import torch
from torch import nn

from netspec.api import loads
from tests.support.zoo import SHRUNK, zoo_compiled

HEAD = "netspec: 1\nname: small\ninput: {channels: 4, size: [9, 12]}\n"
CONTAINED = ("efficientnet_b0", "iresnet50")
"""Their classifier stands in a `nn.Sequential`, where no handle looks for it, or a norm stands behind it."""
STEM = (
    "stem: [{conv: {out: 6, kernel: 3, stride: 2}, as: low}, {max_pool: {kernel: 2}, as: lower}]\n"
)
END = "head: [global_avg_pool, dropout, {linear: {out: 3, init: {constant: 0.5}}}]\n"


def model_of(text: str) -> Any:
    return loads(HEAD + text).build("torch").eval()


@pytest.mark.parametrize(
    "name", [s.name for s in SHRUNK if not s.heavy and s.name not in CONTAINED]
)
def test_features_and_head_are_the_network(name: str) -> None:
    shrunk = next(shrunk for shrunk in SHRUNK if shrunk.name == name)
    compiled = shrunk.compiled()
    model, x = compiled.build("torch").eval(), torch.randn(2, *compiled.network.source.shape)
    features = model.forward_features(x)
    assert features.shape[1:] == model.forward_features(x[:1]).shape[1:]
    assert features.dim() == x.dim()
    torch.testing.assert_close(model.forward_head(features), model(x))
    pooled = model.forward_head(features, pre_logits=True)
    assert tuple(pooled.shape) == (2, model.num_features)
    assert model.num_classes == model.get_classifier().out_features
    assert model.in_channels == model.in_chans == x.shape[1]


def test_a_new_classifier_starts_as_the_spec_says() -> None:
    model = model_of(STEM + END)
    x = torch.randn(2, 4, 9, 12)
    model.reset_classifier(7)
    assert model.num_classes == 7
    assert model.fc.out_features == 7
    assert torch.equal(model.fc.weight, torch.full((7, 6), 0.5))
    assert not model.fc.training
    for same in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same(x).shape == (2, 7)
        same.reset_classifier(5)
        assert same(x).shape == (2, 5)
    model.reset_classifier(0)
    assert isinstance(model.get_classifier(), nn.Identity)
    torch.testing.assert_close(model(x), model.forward_head(model.forward_features(x), True))
    with pytest.raises(ValueError, match="0 or more"):
        model.reset_classifier(-1)


def test_a_classifier_that_something_stands_behind_is_not_left_out() -> None:
    model = model_of(STEM + END.replace("}}}]", "}}}, softmax]"))
    model.reset_classifier(4)
    assert torch.allclose(model(torch.randn(2, 4, 9, 12)).sum(1), torch.ones(2))
    with pytest.raises(ValueError, match="something stands behind `fc`"):
        model.reset_classifier(0)


def test_taps_are_the_maps_among_the_outputs() -> None:
    model = model_of(STEM + END + "outputs: {early: low, late: lower}\n")
    x = torch.randn(2, 4, 9, 12)
    assert model.feature_info == [
        {"num_chs": 6, "reduction": 2, "module": "early"},
        {"num_chs": 6, "reduction": 4, "module": "late"},
    ]
    last, (early, late) = model.forward_intermediates(x)
    found = model(x)
    assert torch.equal(early, found["early"])
    assert torch.equal(late, found["late"])
    assert torch.equal(last, model.forward_features(x))
    assert len(model.forward_intermediates(x, intermediates_only=True)) == 2
    with pytest.raises(ValueError, match="no map among its `outputs`"):
        model_of(STEM + END).forward_intermediates(x)


@pytest.mark.parametrize(
    "text",
    [
        "stem: [{conv: {out: 3, kernel: 1}}]\n",
        STEM + "head: [global_avg_pool]\n",
        STEM + END.replace("global_avg_pool", "{global_avg_pool: {}, name: num_classes}"),
        STEM + "head: [{global_avg_pool: {}, as: g}, relu, {linear: {out: 6}}, {from: [fc, g]}]\n",
    ],
)
def test_what_has_no_such_end_has_no_handles(text: str) -> None:
    text = text.replace("{linear: {out: 6}}, {from: [fc", "{linear: {out: 6}, as: fc}, {from: [fc")
    model = model_of(text)
    assert not hasattr(model, "reset_classifier")
    model(torch.randn(2, 4, 9, 12))


def test_they_are_what_timms_model_has() -> None:
    from tests.contract.torchvision_shim import import_timm

    timm = import_timm()
    theirs = timm.create_model("seresnet50", num_classes=10).eval()
    ours = zoo_compiled("seresnet50", {"classes": 10}).build("torch").eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        features = ours.forward_features(x)
        torch.testing.assert_close(features, theirs.forward_features(x), rtol=1e-4, atol=1e-4)
        for pre_logits in (False, True):
            torch.testing.assert_close(
                ours.forward_head(features, pre_logits=pre_logits),
                theirs.forward_head(features, pre_logits=pre_logits),
            )
    assert ours.num_features == theirs.num_features
    assert ours.get_classifier() is ours.fc
