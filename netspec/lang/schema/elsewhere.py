"""What PyTorch, Keras and people call ops and their attributes, for whoever writes those names here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from netspec.errors import did_you_mean
from netspec.ops import OPS, attributes_of

_OPS: Mapping[str, str] = {
    "convolution": "conv",
    "transposedconv": "conv_transpose",
    "deconv": "conv_transpose",
    "deconvolution": "conv_transpose",
    "upconv": "conv_transpose",
    "dense": "linear",
    "fc": "linear",
    "fullyconnected": "linear",
    "bn": "batch_norm",
    "batchnormalization": "batch_norm",
    "layernormalization": "layer_norm",
    "channelnorm": "layer_norm",
    "ln": "layer_norm",
    "groupnormalization": "group_norm",
    "gn": "group_norm",
    "instancenormalization": "instance_norm",
    "swish": "silu",
    "hswish": "hard_swish",
    "hsigmoid": "hard_sigmoid",
    "maxpooling": "max_pool",
    "averagepooling": "avg_pool",
    "meanpool": "avg_pool",
    "gap": "global_avg_pool",
    "adaptiveavgpool": "global_avg_pool",
    "globalaveragepooling": "global_avg_pool",
    "globalaveragepool": "global_avg_pool",
    "gmp": "global_max_pool",
    "adaptivemaxpool": "global_max_pool",
    "globalmaxpooling": "global_max_pool",
    "stochasticdepth": "drop_path",
    "dropconnect": "drop_path",
    "layerscale": "scale",
    "upsample": "resize",
    "upsampling": "resize",
    "interpolate": "resize",
    "concatenate": "concat",
    "cat": "concat",
    "sequential": "sequence",
    "skip": "residual",
    "shortcut": "residual",
    "add": "residual",
}
"""Words of this language by names from elsewhere: letters alone, without a number of dimensions."""

_SAID_OTHERWISE: Mapping[str, str] = {
    "glu": "name the halves of `split: {parts: 2}` with `as: [value, factor]`, take a `sigmoid` from `factor`, "
    "and merge: `from: [value, factor]`, `merge: mul`",
    "separableconv": "write two steps: `conv: {kernel: 3, depthwise: true}` and `conv: {out: …, kernel: 1}`",
    "slice": "`split: {sizes: […]}` parts the channels, and a list behind `as` names the parts",
    "chunk": "`split: {parts: …}` parts the channels, and a list behind `as` names the parts",
    "identity": "what does nothing is no step: leave it out, or give an empty list of steps, `[]`",
    "logsoftmax": "left out on purpose: losses take logits in both frameworks; end with what goes into it",
    "reshape": "left out: what flows is channels on axes, or a vector, which `flatten` makes of a map",
    "zeropadding": "no step of its own: `conv` and pools have it as their attribute `padding`",
}
"""What to write instead of names from elsewhere that no one word stands for, or why there is nothing."""

_KEYS: Mapping[str, str] = {
    "outchannels": "out",
    "outfeatures": "out",
    "filters": "out",
    "units": "out",
    "kernelsize": "kernel",
    "poolsize": "kernel",
    "strides": "stride",
    "dilationrate": "dilation",
    "scalefactor": "factor",
    "interpolation": "mode",
    "outputpadding": "output_padding",
    "usebias": "bias",
    "kernelinitializer": "init",
    "weightinit": "init",
    "gammainitializer": "init",
    "biasinitializer": "bias_init",
    "betainitializer": "bias_init",
    "epsilon": "eps",
    "elementwiseaffine": "affine",
    "numgroups": "groups",
    "negativeslope": "slope",
    "ceilmode": "ceil",
    "keepdim": "keep_dims",
    "keepdims": "keep_dims",
    "p": "rate",
    "prob": "rate",
    "dropprob": "rate",
    "droprate": "rate",
}
"""Attributes of ops by names from elsewhere."""

_KNOWN_FROM_THE_INPUT = ("inchannels", "infeatures", "numfeatures", "inputshape", "inputdim")


def step_help(word: str, known: Iterable[str]) -> str | None:
    """What was meant by a word in the place of an op, among the ``known`` ones."""
    names = set(known)
    call = re.match(r"(\w+)\s*\(", word)
    if call and call[1] in names:
        return f"attributes come as a mapping: `{call[1]}: {{…}}`"
    plain = re.sub(r"[123]d$", "", word.lower())
    letters = re.sub(r"[^a-z0-9]", "", plain)
    meant = _OPS.get(letters)
    if meant is None and letters in _SAID_OTHERWISE and not names.isdisjoint(OPS):
        return _SAID_OTHERWISE[letters]
    if meant is None:
        meant = next((name for name in sorted(names) if name.replace("_", "") == letters), None)
    return f"did you mean `{meant}`?" if meant in names else did_you_mean(word, names)


def attribute_help(key: str, op: str) -> str | None:
    """What was meant by a key that ``op`` does not have."""
    known = attributes_of(OPS[op])
    if not known:
        return f"`{op}` takes no attributes"
    letters = re.sub(r"[^a-z]", "", key.lower())
    meant = _KEYS.get(letters)
    if meant in known:
        return f"did you mean `{meant}`?"
    if letters in _KNOWN_FROM_THE_INPUT:
        return "leave it out: it follows from what enters"
    return did_you_mean(key, known)


def mapping_help(word: str, value: Any) -> str | None:
    """How to give ``value`` to ``word``, an op or a combinator, which takes a mapping."""
    if word not in OPS:
        return f"as in `{word}: {{body: …}}`" if word in ("residual", "gate", "concat") else None
    attributes = attributes_of(OPS[word])
    if not attributes:
        return f"`{word}` takes no attributes: write `{word}` alone"
    first, *rest = attributes
    shown = value if isinstance(value, int | float | str) else "…"
    needed = [name for name in rest if attributes[name].required]
    return f"as in `{word}: {{{', '.join([f'{first}: {shown}', *(f'{n}: …' for n in needed)])}}}`"
