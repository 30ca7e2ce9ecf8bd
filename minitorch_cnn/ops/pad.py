"""Padding: a border around a tensor, of a constant or of its own values continued."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.function import Function
from ..backend import array_module, constant
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_ints

__all__ = ["pad"]


class ConstantPad(Function):
    """y = x with a border: pads holds (before, after) for each dimension; negative ones crop.

    The gradient cuts the border off: the same operation with all signs turned.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, pads: tuple[tuple[int, int], ...], value: float) -> Tensor:
        ctx.pads = pads
        array = x.array
        shape = tuple(n + before + after for n, (before, after) in zip(x.shape, pads, strict=True))
        # full_like keeps the order of the axes in memory.
        y = array_module(array).full_like(array, value, shape=shape)
        source, target = [], []
        for length, new, (before, after) in zip(x.shape, shape, pads, strict=True):
            source.append(slice(max(-before, 0), length - max(-after, 0)))
            target.append(slice(max(before, 0), new - max(after, 0)))
        y[tuple(target)] = array[tuple(source)]
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        pads = tuple((-before, -after) for before, after in ctx.pads)
        return ConstantPad.apply(gy, pads, 0), None, None


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Adds a border. pad: (left, right, top, bottom, ...), starting at the last dimension.

    (N, C, H, W) with (1, 1, 2, 2) gives (N, C, H + 4, W + 2); negative numbers crop. mode
    "constant" fills with `value` (0 by default), for any number of dimensions. The other modes
    continue the picture, for the last one, two or three dimensions of an input with one or two
    dimensions before them: with 1234 and pad (3, 3),

        constant    000 1234 000
        reflect     432 1234 321        the border itself is not repeated
        replicate   111 1234 444
        circular    234 1234 123

    Raises RuntimeError or NotImplementedError if `pad` does not fit.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.pad(mt.tensor([[1, 2, 3]]), (2, 1), mode="reflect")
    tensor([[3, 2, 1, 2, 3, 2]])
    """
    if not isinstance(pad, tuple | list):
        raise TypeError(f"pad(): argument 'pad' must be tuple of ints, not {type(pad).__name__}")
    pad = as_ints("pad", "pad", pad)
    if len(pad) % 2:
        raise RuntimeError(f"Padding length must be divisible by 2, got {pad}")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but "
            f"got padding length {len(pad)} and input of dimension {input.ndim}"
        )
    # From the last dimension forward: (before, after) of dimension -1, -2, ...
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    for dim, (before, after) in enumerate(pairs, start=1):
        # A constant is added to what is left; the other modes may go on from what is cut off.
        cut = min(before, 0) + min(after, 0) if mode == "constant" else before + after
        if input.shape[-dim] + cut < 0:
            raise RuntimeError(
                f"The padding {pad} cuts off more than there is in dimension {input.ndim - dim} of "
                f"input {shape_text(input.shape)}"
            )
    if mode == "constant":
        untouched = ((0, 0),) * (input.ndim - len(pairs))
        return ConstantPad.apply(input, (*untouched, *reversed(pairs)), value or 0)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"Unrecognised padding mode {mode}; use constant, reflect, replicate or circular"
        )
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument, got {value}')
    if len(pairs) not in (1, 2, 3) or input.ndim - len(pairs) not in (1, 2):
        raise NotImplementedError(
            f"Padding size {len(pad)} is not supported for {input.ndim}D input tensor with mode "
            f"{mode!r}: pad the last 1, 2 or 3 dimensions, with 1 or 2 dimensions before them"
        )
    if mode != "circular" and input.shape[-len(pairs) - 1] == 0:
        raise RuntimeError(
            f"pad: Expected {len(pairs) + 1}D or {len(pairs) + 2}D (batch mode) tensor with "
            "possibly 0 batch size and other non-zero dimensions for input, but got: "
            f"{shape_text(input.shape)}"
        )
    padded = input
    for dim, (before, after) in enumerate(pairs, start=1):
        if (before, after) != (0, 0):
            index = _source_index(mode, padded, -dim, before, after)
            padded = padded.index_select(-dim, wrap(constant(index, padded.array)))
    return padded.clone() if padded is input else padded  # never the same memory


def _source_index(mode: str, input: Tensor, dim: int, before: int, after: int) -> np.ndarray:
    """For every place of the padded dimension, which place of the input it repeats."""
    length = input.shape[dim]
    where = f"padding ({before}, {after}) at dimension {input.ndim + dim} of input " + shape_text(
        input.shape
    )
    if mode == "circular":
        start, end = max(-before, 0), length - max(-after, 0)
        if max(before, after) > end - start:
            raise RuntimeError(f"Padding value causes wrapping around more than once: {where}")
        return start + np.arange(-max(before, 0), end - start + max(after, 0)) % (end - start)
    if length == 0:
        raise RuntimeError(f"There is nothing to repeat: {where}")
    place = np.arange(-before, length + after)
    if mode == "replicate":
        return np.clip(place, 0, length - 1)
    if max(before, after) >= length:
        raise RuntimeError(
            f"Padding size should be less than the corresponding input dimension, but got: {where}"
        )
    # Mirror at 0, then at the last place.
    return (length - 1) - np.abs((length - 1) - np.abs(place))
