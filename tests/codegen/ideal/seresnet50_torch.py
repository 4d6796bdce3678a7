"""SE-ResNet-50: Squeeze-and-Excitation Networks (Hu et al., 2017)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Scales each channel by what a small network makes of all channels' means."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        squeezed = channels // reduction
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, kernel_size=1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.relu(self.fc1(self.avgpool(x)))
        x = x * self.sigmoid(self.fc2(scale))
        return x


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions and channel attention, with a shortcut around."""

    expansion = 4

    def __init__(self, in_channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            width, width, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.se = SqueezeExcite(out_channels)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels, out_channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.se(self.bn3(self.conv3(x)))
        x = self.relu(x + identity)
        return x


class SEResNet(nn.Module):
    """Four stages of bottlenecks, each but the first at half the size of the last."""

    def __init__(self, depths: Sequence[int], num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(64, 64, depths[0])
        self.layer2 = self._make_layer(256, 128, depths[1], stride=2)
        self.layer3 = self._make_layer(512, 256, depths[2], stride=2)
        self.layer4 = self._make_layer(1024, 512, depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, num_classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, Bottleneck):
                nn.init.zeros_(module.bn3.weight)  # a block starts as its shortcut

    @staticmethod
    def _make_layer(
        in_channels: int, width: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        out_channels = width * Bottleneck.expansion
        return nn.Sequential(
            Bottleneck(in_channels, width, stride),
            *(Bottleneck(out_channels, width) for _ in range(1, depth)),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = torch.flatten(self.avgpool(x), 1)
        x = self.fc(x)
        return x


def seresnet50(num_classes: int = 1000) -> SEResNet:
    """SE-ResNet-50, of 28,088,024 parameters, for images of 224×224."""
    return SEResNet([3, 4, 6, 3], num_classes)
