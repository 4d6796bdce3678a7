"""The row of `conv_transpose`: a stock layer without padding, and a cropping of its output behind it."""

from __future__ import annotations

from typing import Any

from netspec.backends.keras.initial import initializers
from netspec.backends.keras.lowered import CHANNELS_LAST, Lowered
from netspec.backends.rows import Unsupported
from netspec.codegen.calls import Call
from netspec.ir import Layer
from netspec.ops.geometry import scalar_or_tuple
from netspec.ops.transposed import ConvTranspose


def conv_transpose(layer: Layer) -> Lowered:
    """A transposed convolution; raises :class:`Unsupported` for groups and for dilation.

    Keras takes ``same`` as the op does where kernels reach as far as the stride; where they do not, it gives
    the zeros in between by itself only if it is told the output's padding.
    """
    op: ConvTranspose = layer.op  # type: ignore[assignment]
    rank = layer.source.rank
    _refuse(op)
    reaches = all(kernel >= step for kernel, step in zip(op.kernel, op.stride, strict=True))
    native = op.padding.rule == "same" and reaches
    more = [-after if after < 0 else 0 for _, after in op.cuts]
    padded = not reaches or any(amount != 0 for amount in more)
    keywords: dict[str, Any] = {
        "strides": scalar_or_tuple(op.stride),
        "padding": "same" if native else "valid",
        "output_padding": scalar_or_tuple(more) if padded else None,
        "dilation_rate": 1,
        **CHANNELS_LAST,
        "use_bias": op.bias,
        **initializers(layer, "kernel"),
    }
    target = f"layers.Conv{rank}DTranspose"
    made = ("", Call(target, (op.out, scalar_or_tuple(op.kernel)), keywords))
    return (made,) if native else (made, *_cropping(op, rank))


def _refuse(op: ConvTranspose) -> None:
    if op.groups != 1:
        raise Unsupported(
            f"Keras has no transposed convolution with `groups`, and this has {op.groups}"
        )
    if any(d != 1 and k != 1 for d, k in zip(op.dilation, op.kernel, strict=True)):
        raise Unsupported("TensorFlow has no transposed convolution with `dilation` on a CPU")


def _cropping(op: ConvTranspose, rank: int) -> Lowered:
    cuts = [(before, after if after > 0 else 0) for before, after in op.cuts]
    if all(before == 0 and after == 0 for before, after in cuts):
        return ()
    amount: Any
    if all(before == after for before, after in cuts):
        amount = scalar_or_tuple([before for before, _ in cuts])
    else:
        amount = tuple(cuts) if rank > 1 else cuts[0]
    keywords = CHANNELS_LAST if rank > 1 else {}
    return (("_crop", Call(f"layers.Cropping{rank}D", (amount,), {**keywords})),)
