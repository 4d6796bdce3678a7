"""Layers that PyTorch lacks and that work along the channels, or by numbers for each of them.

As with `support.py`, each definition's text is taken from this file for generated source.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels at each position of a map."""

    def forward(self, input: Tensor) -> Tensor:
        y = input.movedim(1, -1)
        y = F.layer_norm(y, self.normalized_shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)


class ChannelLinear(nn.Linear):
    """A linear layer over the channels at each position of a map."""

    def forward(self, input: Tensor) -> Tensor:
        y = F.linear(input.movedim(1, -1), self.weight, self.bias)
        return y.movedim(-1, 1)


class ChannelConv(nn.Conv1d):
    """A convolution along the channels of what is one position alone."""

    def __init__(self, kernel_size: int, bias: bool = True) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        y = input.flatten(1).unsqueeze(1)
        y = F.conv1d(y, self.weight, self.bias, padding=self.padding)
        return y.view(input.shape)


class FrozenBatchNorm(nn.BatchNorm2d):
    """A batch normalisation over any axes that works by its running statistics, in training too."""

    def forward(self, input: Tensor) -> Tensor:
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class ChannelsLastFlatten(nn.Module):
    """Flatten with all channels of a position side by side."""

    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1).flatten(1)


class PadChannels(nn.Module):
    """Channels of zeros before and after the input's."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before = before
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x.movedim(1, -1), [self.before, self.after]).movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"{self.before}, {self.after}"


class Scale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return (x.movedim(1, -1) * self.weight).movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class Affine(nn.Module):
    """A learned factor and a learned summand per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return (x.movedim(1, -1) * self.weight + self.bias).movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class Rescale(nn.Module):
    """Every value times a factor, and an offset added."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self.factor = factor
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.offset

    def extra_repr(self) -> str:
        return f"{self.factor}, offset={self.offset}"


class Normalize(nn.Module):
    """The mean of each channel subtracted, and what is left divided by its standard deviation."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean = [float(number) for number in mean]
        self.std = [float(number) for number in std]

    def forward(self, x: Tensor) -> Tensor:
        channels = []
        for i in range(len(self.mean)):
            channels.append((x[:, i : i + 1] - self.mean[i]) / self.std[i])
        return torch.cat(channels, 1)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"
