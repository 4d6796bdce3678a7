"""EfficientNet-B0: Rethinking Model Scaling for CNNs (Tan & Le, 2019)."""

import torch
from torch import Tensor, nn


class ConvNormAct(nn.Sequential):
    """A convolution that keeps the size at stride 1, its norm and its activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 1,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size,
                stride=stride,
                padding=(kernel_size - 1) // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.SiLU(),
        )


class SqueezeExcitation(nn.Module):
    """Scales each channel by what a small network makes of all channels' means."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, kernel_size=1)
        self.activation = nn.SiLU()
        self.fc2 = nn.Conv2d(squeezed, channels, kernel_size=1)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.activation(self.fc1(self.avgpool(x)))
        x = x * self.scale_activation(self.fc2(scale))
        return x


class StochasticDepth(nn.Module):
    """Zeroes whole examples in training, at rate ``p``, and scales up the others."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class MBConv(nn.Module):
    """An inverted bottleneck with channel attention."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        expansion: int,
        drop_path: float,
    ) -> None:
        super().__init__()
        expanded = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(ConvNormAct(in_channels, expanded))
        layers += [
            ConvNormAct(expanded, expanded, kernel_size, stride, groups=expanded),
            SqueezeExcitation(expanded, max(1, in_channels // 4)),
            nn.Sequential(
                nn.Conv2d(expanded, out_channels, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_channels),
            ),
        ]
        self.block = nn.Sequential(*layers)
        self.stochastic_depth: nn.Module | None = None
        if stride == 1 and in_channels == out_channels:
            self.stochastic_depth = StochasticDepth(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.block(x)
        if self.stochastic_depth is not None:
            x = self.stochastic_depth(x) + identity
        return x


class EfficientNet(nn.Module):
    """Seven stages of inverted bottlenecks."""

    def __init__(self, drop_path_rate: float = 0.2, num_classes: int = 1000) -> None:
        super().__init__()
        stages = [
            # expansion, channels, depth, stride, kernel size
            (1, 16, 1, 1, 3),
            (6, 24, 2, 2, 3),
            (6, 40, 2, 2, 5),
            (6, 80, 3, 2, 3),
            (6, 112, 3, 1, 5),
            (6, 192, 4, 2, 5),
            (6, 320, 1, 1, 3),
        ]
        total = sum(depth for _, _, depth, _, _ in stages)

        channels = 32
        features: list[nn.Module] = [ConvNormAct(3, channels, kernel_size=3, stride=2)]
        index = 0
        for expansion, out_channels, depth, stride, kernel_size in stages:
            blocks = []
            for position in range(depth):
                blocks.append(
                    MBConv(
                        channels,
                        out_channels,
                        kernel_size,
                        stride if position == 0 else 1,
                        expansion,
                        drop_path=drop_path_rate * index / total,
                    )
                )
                channels = out_channels
                index += 1
            features.append(nn.Sequential(*blocks))
        features.append(ConvNormAct(channels, 4 * channels))
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(4 * channels, num_classes)
        )

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                bound = num_classes**-0.5
                nn.init.uniform_(module.weight, -bound, bound)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = torch.flatten(self.avgpool(x), 1)
        x = self.classifier(x)
        return x


def efficientnet_b0(num_classes: int = 1000) -> EfficientNet:
    """EfficientNet-B0, of 5,288,548 parameters, for images of 224×224."""
    return EfficientNet(num_classes=num_classes)
