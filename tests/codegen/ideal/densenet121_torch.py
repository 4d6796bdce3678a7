"""DenseNet-121: Densely Connected Convolutional Networks (Huang et al., 2017)."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class DenseLayer(nn.Module):
    """Two convolutions, whose result joins the channels of the input."""

    def __init__(self, in_channels: int, growth: int, bottleneck: int = 4) -> None:
        super().__init__()
        width = bottleneck * growth
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, growth, kernel_size=3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        new = self.conv1(self.relu(self.norm1(x)))
        new = self.conv2(self.relu(self.norm2(new)))
        return torch.cat([x, new], dim=1)


class Transition(nn.Sequential):
    """Halves the channels and the size."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU()
        self.conv = nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """Four blocks of dense layers with transitions between them."""

    def __init__(
        self, depths: Sequence[int], growth: int = 32, num_classes: int = 1000
    ) -> None:
        super().__init__()
        channels = 64
        self.features = nn.Sequential(
            OrderedDict(
                conv0=nn.Conv2d(
                    3, channels, kernel_size=7, stride=2, padding=3, bias=False
                ),
                norm0=nn.BatchNorm2d(channels),
                relu0=nn.ReLU(),
                pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        for number, depth in enumerate(depths, start=1):
            if number > 1:
                transition = Transition(channels)
                self.features.add_module(f"transition{number - 1}", transition)
                channels //= 2
            block = nn.Sequential()
            for index in range(1, depth + 1):
                block.add_module(f"denselayer{index}", DenseLayer(channels, growth))
                channels += growth
            self.features.add_module(f"denseblock{number}", block)
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.features(x))
        x = torch.flatten(self.avgpool(x), 1)
        x = self.classifier(x)
        return x


def densenet121(num_classes: int = 1000) -> DenseNet:
    """DenseNet-121, of 7,978,856 parameters, for images of 224×224."""
    return DenseNet([6, 12, 24, 16], num_classes=num_classes)
