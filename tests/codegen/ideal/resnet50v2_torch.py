"""ResNet-50 V2: Identity Mappings in Deep Residual Networks (He et al., 2016).

As keras.applications has it: the last block of a stage takes the stride, and the
classifier ends in a softmax.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BatchNorm = partial(nn.BatchNorm2d, eps=1.001e-5, momentum=0.01)


class BottleneckV2(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, each after its norm and activation."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.bn1 = BatchNorm(in_channels)
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn2 = BatchNorm(width)
        self.conv2 = nn.Conv2d(
            width, width, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn3 = BatchNorm(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1)
        self.stride = stride
        self.downsample: nn.Module | None = None
        if in_channels != out_channels:
            self.downsample = nn.Conv2d(
                in_channels, out_channels, kernel_size=1, stride=stride
            )

    def forward(self, x: Tensor) -> Tensor:
        preactivation = self.relu(self.bn1(x))
        if self.downsample is not None:
            shortcut = self.downsample(preactivation)
        else:
            shortcut = x[:, :, :: self.stride, :: self.stride]
        x = self.relu(self.bn2(self.conv1(preactivation)))
        x = self.relu(self.bn3(self.conv2(x)))
        x = self.conv3(x) + shortcut
        return x


class ResNetV2(nn.Module):
    """Four stages of bottlenecks, each but the last halving the size."""

    def __init__(self, depths: Sequence[int], num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv2 = self._make_layer(64, 64, depths[0], stride=2)
        self.conv3 = self._make_layer(256, 128, depths[1], stride=2)
        self.conv4 = self._make_layer(512, 256, depths[2], stride=2)
        self.conv5 = self._make_layer(1024, 512, depths[3])
        self.bn1 = BatchNorm(2048)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.predictions = nn.Linear(2048, num_classes)
        self.softmax = nn.Softmax(dim=1)

        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    @staticmethod
    def _make_layer(
        in_channels: int, width: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        blocks: OrderedDict[str, nn.Module] = OrderedDict()
        for index in range(1, depth + 1):
            blocks[f"block{index}"] = BottleneckV2(
                in_channels, width, stride if index == depth else 1
            )
            in_channels = width * BottleneckV2.expansion
        return nn.Sequential(blocks)

    def forward(self, x: Tensor) -> Tensor:
        # There is no activation yet, so the padding's zeros may win.
        x = self.maxpool(F.pad(self.conv1(x), (1, 1, 1, 1)))
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.conv4(x)
        x = self.conv5(x)
        x = self.relu(self.bn1(x))
        x = torch.flatten(self.avgpool(x), 1)
        x = self.predictions(x)
        x = self.softmax(x)
        return x


def resnet50v2(num_classes: int = 1000) -> ResNetV2:
    """ResNet-50 V2, of 25,568,360 parameters, for images of 224×224."""
    return ResNetV2([3, 4, 6, 3], num_classes)
