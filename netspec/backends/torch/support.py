"""Layers that PyTorch lacks. Live models use them; generated source holds copies of those it needs.

Each definition stands on its own: its text is taken from this file as it is. All can be traced by
`torch.fx` and compiled by TorchScript, which know less of Python: no `super().forward`, no `*` in calls.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class PadConv1d(nn.Conv1d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        pads: list[int],
        stride: int | tuple[int] = 1,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.pads = pads

    def forward(self, input: Tensor) -> Tensor:
        input = F.pad(input, self.pads)
        return F.conv1d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, pads={self.pads}"


class PadConv2d(nn.Conv2d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        pads: list[int],
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.pads = pads

    def forward(self, input: Tensor) -> Tensor:
        input = F.pad(input, self.pads)
        return F.conv2d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, pads={self.pads}"


class PadConv3d(nn.Conv3d):
    """A convolution behind explicit padding, given as `F.pad` takes it."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        pads: list[int],
        stride: int | tuple[int, int, int] = 1,
        dilation: int | tuple[int, int, int] = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        self.pads = pads

    def forward(self, input: Tensor) -> Tensor:
        input = F.pad(input, self.pads)
        return F.conv3d(
            input,
            self.weight,
            self.bias,
            self.stride,
            dilation=self.dilation,
            groups=self.groups,
        )

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, pads={self.pads}"


class CutConvTranspose1d(nn.ConvTranspose1d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        cuts: list[int],
        stride: int | tuple[int] = 1,
        output_padding: int | tuple[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int] = 1,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
        )
        self.cuts = cuts

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose1d(
            x,
            self.weight,
            self.bias,
            self.stride,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )
        return F.pad(x, [-cut for cut in self.cuts])

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, cuts={self.cuts}"


class CutConvTranspose2d(nn.ConvTranspose2d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        cuts: list[int],
        stride: int | tuple[int, int] = 1,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
        )
        self.cuts = cuts

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose2d(
            x,
            self.weight,
            self.bias,
            self.stride,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )
        return F.pad(x, [-cut for cut in self.cuts])

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, cuts={self.cuts}"


class CutConvTranspose3d(nn.ConvTranspose3d):
    """A transposed convolution whose output is cut where `F.pad` would add."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int],
        cuts: list[int],
        stride: int | tuple[int, int, int] = 1,
        output_padding: int | tuple[int, int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int, int] = 1,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            output_padding=output_padding,
            groups=groups,
            bias=bias,
            dilation=dilation,
        )
        self.cuts = cuts

    def forward(self, x: Tensor) -> Tensor:
        x = F.conv_transpose3d(
            x,
            self.weight,
            self.bias,
            self.stride,
            output_padding=self.output_padding,
            groups=self.groups,
            dilation=self.dilation,
        )
        return F.pad(x, [-cut for cut in self.cuts])

    def extra_repr(self) -> str:
        channels = f"{self.in_channels}, {self.out_channels}"
        return f"{channels}, cuts={self.cuts}"


class DropPath(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty([x.shape[0], 1]).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class DropPath1d(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty([x.shape[0], 1, 1]).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class DropPath2d(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty([x.shape[0], 1, 1, 1]).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class DropPath3d(nn.Module):
    """Drop whole examples at random in training and scale the rest up."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        keep = x.new_empty([x.shape[0], 1, 1, 1, 1]).bernoulli_(1 - self.p)
        return x * keep / (1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"
