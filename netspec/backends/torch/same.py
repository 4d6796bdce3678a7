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


class SameConv1d(nn.Conv1d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, input: Tensor) -> Tensor:
        left, right = same_padding(
            input.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        input = F.pad(input, [left, right])
        return F.conv1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, input: Tensor) -> Tensor:
        top, bottom = same_padding(
            input.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        left, right = same_padding(
            input.shape[3], self.kernel_size[1], self.stride[1], self.dilation[1]
        )
        input = F.pad(input, [left, right, top, bottom])
        return F.conv2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )


class SameConv3d(nn.Conv3d):
    """A convolution with TensorFlow's padding `same`."""

    def forward(self, input: Tensor) -> Tensor:
        front, back = same_padding(
            input.shape[2], self.kernel_size[0], self.stride[0], self.dilation[0]
        )
        top, bottom = same_padding(
            input.shape[3], self.kernel_size[1], self.stride[1], self.dilation[1]
        )
        left, right = same_padding(
            input.shape[4], self.kernel_size[2], self.stride[2], self.dilation[2]
        )
        input = F.pad(input, [left, right, top, bottom, front, back])
        return F.conv3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )


class SameMaxPool1d(nn.Module):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: tuple[int],
        stride: tuple[int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        left, right = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        x = F.pad(x, [left, right], value=float("-inf"))
        x = F.max_pool1d(x, self.kernel_size, self.stride)
        return x

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class SameMaxPool2d(nn.Module):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        x = F.pad(x, [left, right, top, bottom], value=float("-inf"))
        x = F.max_pool2d(x, self.kernel_size, self.stride)
        return x

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class SameMaxPool3d(nn.Module):
    """Max-pooling with TensorFlow's padding `same`."""

    def __init__(
        self,
        kernel_size: tuple[int, int, int],
        stride: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        front, back = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        top, bottom = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        left, right = same_padding(x.shape[4], self.kernel_size[2], self.stride[2])
        x = F.pad(x, [left, right, top, bottom, front, back], value=float("-inf"))
        x = F.max_pool3d(x, self.kernel_size, self.stride)
        return x

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class SameAvgPool1d(nn.Module):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: tuple[int],
        stride: tuple[int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        left, right = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        pads = [left, right]
        total = F.avg_pool1d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool1d(count, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class SameAvgPool2d(nn.Module):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: tuple[int, int],
        stride: tuple[int, int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        pads = [left, right, top, bottom]
        total = F.avg_pool2d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool2d(count, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"


class SameAvgPool3d(nn.Module):
    """Average-pooling with padding as TensorFlow's `same`, left out of the mean."""

    def __init__(
        self,
        kernel_size: tuple[int, int, int],
        stride: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        front, back = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        top, bottom = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        left, right = same_padding(x.shape[4], self.kernel_size[2], self.stride[2])
        pads = [left, right, top, bottom, front, back]
        total = F.avg_pool3d(F.pad(x, pads), self.kernel_size, self.stride)
        count = F.pad(torch.ones_like(x), pads)
        return total / F.avg_pool3d(count, self.kernel_size, self.stride)

    def extra_repr(self) -> str:
        return f"{self.kernel_size}, stride={self.stride}"
