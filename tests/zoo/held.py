"""Which network of the zoo each reference network is.

A reference is a published implementation that was run once (``tests/reference``). What it calls its weights is the
network's own names, or those of an entry of ``checkpoints:``; both are read by what `netspec convert` reads files with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import netspec
from netspec.backends.torch import BACKEND
from netspec.ops.structure import Scale
from netspec.weights.checkpoints.naming import Naming, Slot, naming_called
from netspec.weights.storage.tensors import StoredTensor
from tests.contract.reference import COUNTER, figures, reference_keys
from tests.reference import golden

Array = NDArray[np.float64]

KERAS_COUNTER = "normalization/count"
"""How much Keras' `Normalization` has seen: a number that nothing is computed with."""


@dataclass(frozen=True)
class Held:
    """A reference and the network of the zoo that must equal it.

    Attributes:
        reference: its name in ``figures.json``.
        network: the network's name, which is the variant's, or the file's where it has none.
        names: whose names it has: PyTorch's own, in order, or those of an entry of ``checkpoints:``.
        overrides: parameters that bring the network to what was measured.
        outputs: the only outputs, where it is a backbone.
    """

    reference: str
    network: str
    names: str = "torch"
    overrides: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()

    @cached_property
    def compiled(self) -> netspec.CompiledNetwork:
        """The network, compiled."""
        found = netspec.load(self.network, overrides=self.overrides)
        return found.with_outputs(*self.outputs, headless=True) if self.outputs else found

    @cached_property
    def naming(self) -> Naming:
        """The names and layouts of the reference."""
        return naming_called(self.compiled.compilation, self.names)

    @property
    def figures(self) -> Any:
        """What was measured of the reference."""
        return figures()[self.reference]

    @property
    def frozen(self) -> int:
        """How many values no training changes, without counters."""
        counted = int(self.figures["parameters"].get("frozen", 0))
        return counted - (KERAS_COUNTER in reference_keys(self.reference))

    @property
    def is_keras(self) -> bool:
        """Whether the reference is a Keras model, whose goldens are float32."""
        return bool(self.figures["framework"] == "keras")

    @property
    def is_blind(self) -> bool:
        """Whether two inputs differ by less in the golden output than a hundred times what it is held to."""
        return bool(self.figures["golden"].get("sample_diff", 1.0) < 100 * self.bound)

    @property
    def bound(self) -> float:
        """What the golden is held to: of float64 at most 5e-15 was measured, 2e-13 where 1,000 layers add up.

        A unit in the last place of float32 is 1.2e-7; at most 2e-6 was measured.
        """
        return 1e-5 if self.is_keras else 1e-9

    def keys(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every weight of the reference, in its order; counters of batches are left out."""
        return {self._in_files(key): tuple(shape) for key, shape in self._recorded().items()}

    def _recorded(self) -> dict[str, Any]:
        """The shape of every weight as it was recorded, counters left out."""
        found = reference_keys(self.reference)
        counters = (COUNTER, KERAS_COUNTER)
        return {key: shape for key, shape in found.items() if not key.endswith(counters)}

    def _in_files(self, key: str) -> str:
        """What files call a weight: Keras' have the layer's name alone, and numbers for variables without one."""
        if not self.is_keras:
            return key
        layer, name = key.split("/")[-2:]
        return f"{layer}/{'0' if name.startswith('variable') else name}"

    def weights(self) -> dict[str, Array]:
        """The weights behind the golden, by the network's names and in canonical layout."""
        found = {}
        recorded = {self._in_files(key): key for key in self._recorded()}
        for name, slot in self.naming.slots.items():
            key = recorded[name]
            values = golden.fill(key, slot.shape, *self._role(key, slot))
            values = values.astype(np.float32).astype(np.float64)
            tensor = StoredTensor("float64", slot.shape, lambda values=values: values)  # type: ignore[misc]
            found[slot.name] = self.naming.decoded(name, tensor).read()
        return found

    def _role(self, key: str, slot: Slot) -> tuple[str, int | None]:
        """What a tensor is to ``golden.py``, and its fan where that is not the default."""
        name = key.replace("/", ".").rpartition(".")[2]
        if name in ("running_var", "moving_variance", "variance"):
            return "var", None
        if len(slot.shape) > 1:
            taps = slot.shape[:-2] if "depthwise" in key else slot.shape[:-1]
            return "weight", int(np.prod(taps)) if self.is_keras else None
        op = slot.layer.op
        is_norm = op.kind.endswith("norm") or (
            isinstance(op, Scale) and op.bias
        )  # Caffe's norms are two layers
        is_scale = is_norm and name in ("weight", "gamma")
        return "scale" if is_scale else "vector", None

    def input(self) -> Array:
        """The input behind the golden, channels first."""
        found = self.figures["golden"]
        image = golden.image((found["batch"], *self.figures["input_shape"]))
        return image.astype(found["dtype"]).astype(np.float64)

    def error(self) -> float:
        """How far the output of the PyTorch model is from the golden, relative to the golden's largest value."""
        network = self.compiled.network
        with torch.device("meta"):
            model = self.compiled.build("torch").double().eval()
        model.to_empty(device="cpu")
        BACKEND.write_weights(model, network, self.weights())
        output, *_ = BACKEND.run(model, self.input()).values()  # of several, goldens hold the first
        expected = self.figures["golden"]
        first = np.array(expected["first8"])
        return float(
            max(
                np.abs(output.reshape(-1)[: len(first)] - first).max() / expected["absmax"],
                abs(np.linalg.norm(output) / expected["norm"] - 1),
                abs(np.abs(output).max() / expected["absmax"] - 1),
            )
        )

    def __str__(self) -> str:
        return self.reference


HELD = (
    Held("article_resnet", "article_resnet", "article"),
    Held("resnet18", "resnet18"),
    Held("resnet34", "resnet34"),
    Held("resnet50", "resnet50"),
    Held("resnet101", "resnet101"),
    Held("resnet152", "resnet152"),
    Held("resnext50_32x4d", "resnext50_32x4d"),
    Held("resnext101_32x8d", "resnext101_32x8d"),
    Held("resnext101_64x4d", "resnext101_64x4d"),
    Held("wide_resnet50_2", "wide_resnet50_2"),
    Held("wide_resnet101_2", "wide_resnet101_2"),
    Held("resnet50_zero_init_residual", "resnet50", overrides={"last_gamma": 0.0}),
    Held("densenet121", "densenet121"),
    Held("densenet161", "densenet161"),
    Held("densenet201", "densenet201"),
    Held("regnet_x_400mf", "regnet_x_400mf"),
    Held("regnet_x_800mf", "regnet_x_800mf"),
    Held("regnet_x_1_6gf", "regnet_x_1_6gf"),
    Held("regnet_y_400mf", "regnet_y_400mf"),
    *(Held(f"efficientnet_b{n}", f"efficientnet_b{n}") for n in range(1, 8)),
    Held("mobilenet_v2", "mobilenet_v2"),
    Held("mobilenet_v3_large", "mobilenet_v3_large"),
    Held("efficientnet_b0", "efficientnet_b0"),
    Held("efficientnet_v2_s", "efficientnet_v2_s"),
    Held("vgg16", "vgg16"),
    Held("vgg16_bn", "vgg16_bn"),
    Held("r3d_18", "r3d_18"),
    Held("r2plus1d_18", "r2plus1d_18"),
    Held(
        "keras_ResNet50",
        "resnet50_keras",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held(
        "keras_ResNet101",
        "resnet101_keras",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held(
        "keras_ResNet152",
        "resnet152_keras",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held(
        "keras_ResNet50V2",
        "resnet50v2",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held(
        "keras_ResNet101V2",
        "resnet101v2",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held(
        "keras_ResNet152V2",
        "resnet152v2",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held("keras_ResNet50_softmax", "resnet50_keras", "keras_applications"),
    Held("keras_MobileNet", "mobilenet_1_0", "keras_applications"),
    Held("keras_MobileNetV2", "mobilenet_v2_keras", "keras_applications"),
    Held("keras_DenseNet121", "densenet121_keras", "keras_applications"),
    Held("keras_VGG16", "vgg16_keras", "keras_applications"),
    Held("timm_resnet18", "resnet18"),
    Held("timm_resnet50", "resnet50"),
    Held("timm_resnet26d", "resnet26d"),
    Held("timm_resnet50d", "resnet50d"),
    Held("timm_resnet50_gn", "resnet50_gn", "timm"),
    Held("timm_wide_resnet50_2", "wide_resnet50_2"),
    Held("timm_resnext50_32x4d", "resnext50_32x4d"),
    Held("timm_resnext50d_32x4d", "resnext50d_32x4d"),
    Held("timm_seresnet18", "seresnet18"),
    Held("timm_seresnet50", "seresnet50"),
    Held("timm_seresnext50_32x4d", "seresnext50_32x4d"),
    Held("timm_resnetv2_50", "resnetv2_50", "timm"),
    Held("timm_resnetv2_18", "resnetv2_18", "timm"),
    Held("timm_regnetx_004", "regnetx_004", "timm"),
    Held("timm_regnety_004", "regnet_y_400mf", "timm"),
    Held("timm_regnety_008", "regnety_008", "timm"),
    Held("timm_mobilenetv2_100", "mobilenetv2_100"),
    Held("timm_efficientnet_b0", "timm_efficientnet_b0"),
    Held("timm_tf_efficientnet_b0", "tf_efficientnet_b0"),
    Held("timm_tf_efficientnetv2_b0", "tf_efficientnetv2_b0"),
    Held("timm_densenet121", "densenet121"),
    Held("timm_resnet50_output_stride8", "resnet50", overrides={"output_stride": 8}),
    Held(
        "timm_resnet18_in_chans1_num_classes10",
        "resnet18",
        overrides={"image_channels": 1, "classes": 10},
    ),
    Held("timm_resnet50_drop_path_rate0.1", "resnet50", overrides={"drop_path": 0.1}),
    Held("cifar_resnet20_A", "resnet20"),
    Held("cifar_resnet32_A", "resnet32"),
    Held("cifar_resnet44_A", "resnet44"),
    Held("cifar_resnet56_A", "resnet56"),
    Held("cifar_resnet110_A", "resnet110"),
    Held("cifar_resnet1202_A", "resnet1202"),
    Held("wrn28_10_c10", "wrn_28_10"),
    Held("wrn16_8_c10", "wrn_16_8"),
    Held("wrn40_4_c10", "wrn_40_4"),
    Held("wrn28_10_c100", "wrn_28_10", overrides={"classes": 100}),
    Held("resnext29_16x64d", "resnext29_16x64d", "prlz77"),
    Held("densenet_bc_100_12", "densenet_bc_100_12"),
    Held("pyramidnet110_a84", "pyramidnet110_a84"),
    Held("pyramidnet110_a270", "pyramidnet110_a270"),
    Held("pyramidnet272_a200_bn", "pyramidnet272_a200"),
    Held("preact_resnet164_he2016", "preact164", "sequential"),
    Held("preact_resnet1001_he2016", "preact1001", "sequential"),
    Held("preact_resnet110_he2016", "preact110", "sequential"),
    Held("pcv_resnet20_cifar10", "resnet20_b", "pytorchcv"),
    Held("pcv_resnet110_cifar10", "resnet110_b", "pytorchcv"),
    Held("pcv_resnet164bn_cifar10", "resnet164_b", "pytorchcv"),
    Held("pcv_resnet1001_cifar10", "resnet1001_b", "pytorchcv"),
    Held("pcv_preresnet110_cifar10", "preact110_b", "pytorchcv"),
    Held("pcv_seresnet20_cifar10", "seresnet20", "pytorchcv"),
    Held("pcv_wrn28_10_cifar10", "wrn_28_10", "pytorchcv"),
    Held("pcv_resnext29_32x4d_cifar10", "resnext29_32x4d", "pytorchcv"),
    Held("pcv_resnext29_16x64d_cifar10", "resnext29_16x64d", "pytorchcv"),
    Held("pcv_densenet100_k12_bc_cifar10", "densenet_bc_100_12", "pytorchcv"),
    Held("pcv_densenet190_k40_bc_cifar10", "densenet_bc_190_40", "pytorchcv"),
    Held("pcv_pyramidnet110_a270_cifar10", "pyramidnet110_a270", "pytorchcv"),
    Held("pcv_resdropresnet20_cifar10", "resdropresnet20", "pytorchcv"),
    Held("pcv_resnet50", "resnet50_v1", "pytorchcv"),
    Held("pcv_resnet50b", "resnet50", "pytorchcv"),
    Held("pcv_preresnet50", "preact50", "pytorchcv"),
    Held("pcv_seresnet50", "seresnet50_v1", "pytorchcv"),
    Held("pcv_pyramidnet101_a360", "pyramidnet101_a360", "pytorchcv"),
    Held("plain18_he2015", "plain18"),
    Held("plain34_he2015", "plain34"),
    Held("resnet18_optionA_end", "resnet18", overrides={"shortcut": "zeros_behind"}),
    Held("resnet34_optionA_end", "resnet34", overrides={"shortcut": "zeros_behind"}),
    Held("tsc_resnet_wang2017_c1_k2", "tsc_resnet", "dl_4_tsc"),
    Held("densenet169", "densenet169"),
    Held("timm_mobilenetv3_large_100", "mobilenetv3_large_100"),
    Held("timm_vgg16", "timm_vgg16"),
    Held("timm_vgg16_bn", "timm_vgg16_bn"),
    Held("pcv_preresnet164bn_cifar10", "preact164_b", "pytorchcv"),
    Held("pcv_preresnet1001_cifar10", "preact1001_b", "pytorchcv"),
    Held("timm_resnet50_features_onlyTrue", "resnet50", outputs=("c1", "c2", "c3", "c4", "c5")),
    Held(
        "keras_EfficientNetB0",
        "efficientnet_b0_keras",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
    Held("iresnet18", "iresnet18", "insightface"),
    Held("iresnet34", "iresnet34", "insightface"),
    Held("iresnet50", "iresnet50", "insightface"),
    Held("reid_strong_baseline_r50_ls1", "reid", "reid_strong_baseline"),
    Held("timm_ecaresnet50d", "ecaresnet50d"),
    Held("caffe_resnet101_v1", "resnet101_caffe", "caffe"),
    Held("caffe_resnet152_v1", "resnet152_caffe", "caffe"),
    Held("convnext_tiny", "convnext_tiny", "torchvision"),
    Held("timm_convnext_tiny", "convnext_tiny", "timm"),
    Held(
        "keras_ConvNeXtTiny",
        "convnext_tiny",
        "keras_convnext_tiny",
        overrides={"preprocessing": True},
    ),
    Held(
        "keras_MobileNetV3Large",
        "mobilenet_v3_large_keras",
        "keras_applications",
        overrides={"classifier_activation": []},
    ),
)

QUICK = frozenset(
    (
        *(
            "resnet18_optionA_end",
            "cifar_resnet20_A",
            "preact_resnet110_he2016",
            "densenet_bc_100_12",
        ),
        *("pcv_resnext29_32x4d_cifar10", "pcv_seresnet20_cifar10", "pyramidnet110_a84"),
        *("mobilenet_v3_large", "timm_regnety_004", "timm_tf_efficientnetv2_b0"),
        *("timm_convnext_tiny", "iresnet18", "reid_strong_baseline_r50_ls1"),
        "timm_resnet50_features_onlyTrue",
        *("timm_resnet26d", "keras_DenseNet121", "tsc_resnet_wang2017_c1_k2"),
    )
)
"""References whose goldens the default tests compute: of many kinds, and small."""
