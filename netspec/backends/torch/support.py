"""Layers that PyTorch lacks. Live models use them; generated source holds copies of those it needs.

Each definition stands on its own: its text is taken from this file as it is.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def same_pad(x, kernel_size, stride, dilation=1, value=0.0):
    """Pad as TensorFlow's `same`: to ceil(size / stride), what is odd goes to the end."""
    rank = x.dim() - 2
    windows = (kernel_size, stride, dilation)
    each = [(n,) * rank if isinstance(n, int) else n for n in windows]
    pads: list[int] = []
    for axis, (kernel, step, spacing) in enumerate(zip(*each, strict=True)):
        size = x.shape[2 + axis]
        last = (size + step - 1) // step - 1
        total = max(last * step + (kernel - 1) * spacing + 1 - size, 0)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)


class SameConv1d(nn.Conv1d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)


class SameConv3d(nn.Conv3d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)


class PadConv1d(nn.Conv1d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class PadConv2d(nn.Conv2d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class PadConv3d(nn.Conv3d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class SameMaxPool1d(nn.MaxPool1d):
    """Max-pooling with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, value=float("-inf"))
        return super().forward(x)


class SameMaxPool2d(nn.MaxPool2d):
    """Max-pooling with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, value=float("-inf"))
        return super().forward(x)


class SameMaxPool3d(nn.MaxPool3d):
    """Max-pooling with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, value=float("-inf"))
        return super().forward(x)


class SameAvgPool1d(nn.AvgPool1d):
    """Average-pooling with TensorFlow's padding `same`, which does not count in the mean."""

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride)
        x = same_pad(x, self.kernel_size, self.stride)
        return super().forward(x) / super().forward(count)


class SameAvgPool2d(nn.AvgPool2d):
    """Average-pooling with TensorFlow's padding `same`, which does not count in the mean."""

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride)
        x = same_pad(x, self.kernel_size, self.stride)
        return super().forward(x) / super().forward(count)


class SameAvgPool3d(nn.AvgPool3d):
    """Average-pooling with TensorFlow's padding `same`, which does not count in the mean."""

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride)
        x = same_pad(x, self.kernel_size, self.stride)
        return super().forward(x) / super().forward(count)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels at each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


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
        return F.pad(x, (0, 0) * (x.dim() - 2) + (self.before, self.after))


class Scale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight.view(-1, *[1] * (x.dim() - 2))


class DropPath(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty(x.shape[0], *[1] * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)
