"""TensorFlow's padding `same`, which PyTorch lacks where strides are more than one, and in poolings.

As with `support.py`, each definition's text is taken from this file for generated source.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def same_padding(
    size: int,
    kernel_size: int,
    stride: int,
    dilation: int = 1,
) -> tuple[int, int]:
    """Zeros before and after an axis, for a result of ceil(size / stride)."""
    extent = (kernel_size - 1) * dilation + 1
    total = extent - 1 - (size - 1) % stride
    if extent < stride:
        total *= (total + stride) // stride  # max(total, 0), which torch.fx can trace
    return total // 2, total - total // 2


def each_axis(number: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """A number for each of ``rank`` axes."""
    return (number,) * rank if isinstance(number, int) else number


class SameConv1d(nn.Conv1d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        left, right = same_padding(
            x.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        x = F.pad(x, [left, right])
        return self._conv_forward(x, self.weight, self.bias)


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = same_padding(
            x.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        left, right = same_padding(
            x.shape[3], self.kernel_size[1], self.stride[1], self.dilation[1]
        )
        x = F.pad(x, [left, right, top, bottom])
        return self._conv_forward(x, self.weight, self.bias)


class SameConv3d(nn.Conv3d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, x: Tensor) -> Tensor:
        front, back = same_padding(
            x.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        top, bottom = same_padding(
            x.shape[3], self.kernel_size[1], self.stride[1], self.dilation[1]
        )
        left, right = same_padding(
            x.shape[4], self.kernel_size[2], self.stride[2], self.dilation[2]
        )
        x = F.pad(x, [left, right, top, bottom, front, back])
        return self._conv_forward(x, self.weight, self.bias)


class SameMaxPool1d(nn.MaxPool1d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 1), each_axis(stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        left, right = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        x = F.pad(x, [left, right], value=float("-inf"))
        return F.max_pool1d(x, self.kernel_size, self.stride)


class SameMaxPool2d(nn.MaxPool2d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 2), each_axis(stride, 2))

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        x = F.pad(x, [left, right, top, bottom], value=float("-inf"))
        return F.max_pool2d(x, self.kernel_size, self.stride)


class SameMaxPool3d(nn.MaxPool3d):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 3), each_axis(stride, 3))

    def forward(self, x: Tensor) -> Tensor:
        front, back = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        top, bottom = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        left, right = same_padding(x.shape[4], self.kernel_size[2], self.stride[2])
        x = F.pad(x, [left, right, top, bottom, front, back], value=float("-inf"))
        return F.max_pool3d(x, self.kernel_size, self.stride)


class SameAvgPool1d(nn.AvgPool1d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 1), each_axis(stride, 1))

    def forward(self, x: Tensor) -> Tensor:
        left, right = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        pads = [left, right]
        total = F.avg_pool1d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool1d(count, self.kernel_size, self.stride)


class SameAvgPool2d(nn.AvgPool2d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 2), each_axis(stride, 2))

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        pads = [left, right, top, bottom]
        total = F.avg_pool2d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool2d(count, self.kernel_size, self.stride)


class SameAvgPool3d(nn.AvgPool3d):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: int | tuple[int, int, int],
        stride: int | tuple[int, int, int],
    ) -> None:
        super().__init__(each_axis(kernel_size, 3), each_axis(stride, 3))

    def forward(self, x: Tensor) -> Tensor:
        front, back = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        top, bottom = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        left, right = same_padding(x.shape[4], self.kernel_size[2], self.stride[2])
        pads = [left, right, top, bottom, front, back]
        total = F.avg_pool3d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool3d(count, self.kernel_size, self.stride)
