"""Layers that PyTorch lacks. Live models use them; generated source holds copies of those it needs.

Each definition stands on its own: its text is taken from this file as it is. All can be traced by
`torch.fx` and compiled by TorchScript, which know less of Python: no `super().forward`, no `*` in calls.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.fx.wrap  # type: ignore[untyped-decorator]
def same_pad(
    x: Tensor,
    kernel_size: list[int],
    stride: list[int],
    dilation: list[int],
    value: float = 0.0,
) -> Tensor:
    """Pad as TensorFlow's `same`: to ceil(size / stride), the odd one at the end."""
    sizes = x.shape[2:]
    pads: list[int] = []
    for axis in range(len(sizes) - 1, -1, -1):
        size, step = sizes[axis], stride[axis]
        extent = (kernel_size[axis] - 1) * dilation[axis] + 1
        total = max((size - 1) // step * step + extent - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def each_axis(number: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A number for each of ``rank`` axes."""
    return (number,) * rank if isinstance(number, int) else number


class SameConv1d(nn.Conv1d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class SameConv3d(nn.Conv3d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, self.dilation)
        return self._conv_forward(x, self.weight, self.bias)


class PadConv1d(nn.Conv1d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(F.pad(x, self.pads), self.weight, self.bias)


class PadConv2d(nn.Conv2d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(F.pad(x, self.pads), self.weight, self.bias)


class PadConv3d(nn.Conv3d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(self, *args, pads: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = pads

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(F.pad(x, self.pads), self.weight, self.bias)


class CutConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(self, *args, cuts: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = tuple([-cut for cut in cuts])

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose1d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        return F.pad(x, self.pads)


class CutConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(self, *args, cuts: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = tuple([-cut for cut in cuts])

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        return F.pad(x, self.pads)


class CutConvTranspose3d(nn.ConvTranspose3d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(self, *args, cuts: tuple[int, ...], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.pads = tuple([-cut for cut in cuts])

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose3d(
            x,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self.output_padding,
            self.groups,
            self.dilation,
        )
        return F.pad(x, self.pads)


class SameMaxPool1d(nn.MaxPool1d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 1), each_axis(stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, (1,), float("-inf"))
        return F.max_pool1d(x, self.kernel_size, self.stride)


class SameMaxPool2d(nn.MaxPool2d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 2), each_axis(stride, 2))

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, (1, 1), float("-inf"))
        return F.max_pool2d(x, self.kernel_size, self.stride)


class SameMaxPool3d(nn.MaxPool3d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 3), each_axis(stride, 3))

    def forward(self, x: Tensor) -> Tensor:
        x = same_pad(x, self.kernel_size, self.stride, (1, 1, 1), float("-inf"))
        return F.max_pool3d(x, self.kernel_size, self.stride)


class SameAvgPool1d(nn.AvgPool1d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 1), each_axis(stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride, (1,))
        x = same_pad(x, self.kernel_size, self.stride, (1,))
        total = F.avg_pool1d(x, self.kernel_size, self.stride)
        return total / F.avg_pool1d(count, self.kernel_size, self.stride)


class SameAvgPool2d(nn.AvgPool2d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 2), each_axis(stride, 2))

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride, (1, 1))
        x = same_pad(x, self.kernel_size, self.stride, (1, 1))
        total = F.avg_pool2d(x, self.kernel_size, self.stride)
        return total / F.avg_pool2d(count, self.kernel_size, self.stride)


class SameAvgPool3d(nn.AvgPool3d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(self, kernel_size, stride) -> None:
        super().__init__(each_axis(kernel_size, 3), each_axis(stride, 3))

    def forward(self, x: Tensor) -> Tensor:
        count = same_pad(torch.ones_like(x), self.kernel_size, self.stride, (1, 1, 1))
        x = same_pad(x, self.kernel_size, self.stride, (1, 1, 1))
        total = F.avg_pool3d(x, self.kernel_size, self.stride)
        return total / F.avg_pool3d(count, self.kernel_size, self.stride)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels at each position of a map."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.movedim(1, -1)
        y = F.layer_norm(y, self.normalized_shape, self.weight, self.bias, self.eps)
        return y.movedim(-1, 1)


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
        return F.pad(x, [0, 0] * (x.dim() - 2) + [self.before, self.after])


class Scale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return (x.movedim(1, -1) * self.weight).movedim(-1, 1)


class DropPath(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty([x.shape[0]] + [1] * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)
