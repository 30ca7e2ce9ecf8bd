"""Dropout: zeros at random places while training, nothing at all afterwards.

Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
What is kept is divided by 1 - p, so that the expected value of every element stays.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import kernels
from ..autograd.function import Function
from ..random import default_generator
from ..tensor import Tensor, shape_text, wrap
from .activation import SELU_ALPHA, SELU_SCALE
from .breadth.random_sampling import in_order
from .creation import ones, ones_like
from .inplace import make_inplace

__all__ = ["dropout", "dropout1d", "dropout2d", "alpha_dropout"]


class Dropout(Function):
    """y = x kept / (1 - p): linear, and its own gradient

    kept is an array of bools on the host. On a GPU it is a key, of which the kernel computes what
    is kept: no mask goes there, and backward computes the same again.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Any, p: float) -> Tensor:
        ctx.kept, ctx.p = kept, p
        if isinstance(kept, int):
            return wrap(kernels.dropout(x.array, kept, p))
        y = x.array * kept
        y *= y.dtype.type(1 / (1 - p))
        return wrap(y)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return Dropout.apply(gy, ctx.kept, ctx.p), None, None


def _check_probability(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _drop(input: Tensor, p: float) -> Tensor:
    if not input.is_floating_point():
        raise RuntimeError(f"dropout needs a floating input, but got {input.dtype}")
    if p == 1.0:
        return input * 0.0
    rng = default_generator.rng
    if not isinstance(input.array, np.ndarray):
        return Dropout.apply(input, int(rng.long_words(1)[0]), p)
    kept = np.empty_like(input.array, bool)  # lies in memory as the input does
    kept[...] = in_order(rng.below(input.numel(), 1 - p), input.array)
    return Dropout.apply(input, kept, p)


def _drop_channels(input: Tensor, shape: Sequence[int], p: float) -> Tensor:
    """Drops what lies over each element of a smaller shape together."""
    return input * _drop(ones(*shape, dtype=input.dtype, device=input.device), p)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Sets each element to 0 with probability p, and divides the others by 1 - p; any shape.

    training: False returns the input as it is. Raises ValueError for p outside [0, 1],
    RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.dropout(mt.ones(1000), p=0.75)
    >>> sorted(set(y.tolist()))
    [0.0, 4.0]
    """
    _check_probability(p)
    if not training or p == 0.0:
        return input
    if inplace:
        return dropout_(input, p)
    return _drop(input, p)


def _dropout_channels(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Drops whole channels: one draw for each sample and channel, the first two dimensions."""
    _check_probability(p)
    if input.ndim < 2:
        raise RuntimeError(
            "Feature dropout requires at least 2 dimensions in the input, got shape "
            f"{shape_text(input.shape)}"
        )
    if not training or p == 0.0:
        return input
    if inplace:
        return _dropout_channels_(input, p, training, False)
    return _drop_channels(input, (*input.shape[:2], *[1] * (input.ndim - 2)), p)


def warn_of_dims(input: Tensor, dims: int) -> None:
    """Warns, as torch does, of an input for which dropout of whole channels was not made."""
    name = f"dropout{dims}d"
    if input.ndim == 3 == dims + 1:
        warnings.warn(
            f"{name}: Received a 3-D input to {name} and assuming that channel-wise 1D dropout "
            "behavior is desired: it is read as (N, C, L). Use dropout1d for this, and a batch of "
            "one for (C, H, W)",
            stacklevel=4,
        )
    elif input.ndim not in (dims + 1, dims + 2):
        warnings.warn(
            f"{name}: Received a {input.ndim}-D input to {name}, which is made for {dims + 1}-D "
            f"and {dims + 2}-D ones. Use dropout for others",
            stacklevel=4,
        )


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Sets whole channels to 0 with probability p, and divides the others by 1 - p.

    input: (N, C, L) or (C, L); each image draws its own channels. Raises ValueError for p outside
    [0, 1], RuntimeError for other numbers of dimensions and for integers.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.dropout1d(mt.ones(1000, 3), p=0.5)
    >>> sorted(set(map(tuple, y.tolist())))
    [(0.0, 0.0, 0.0), (2.0, 2.0, 2.0)]
    """
    _check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input of shape "
            f"{shape_text(input.shape)}"
        )
    if input.ndim == 3:
        return _dropout_channels(input, p, training, inplace)
    return _dropout_channels(input.unsqueeze(0), p, training, inplace).squeeze(0)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Sets whole channels to 0 with probability p, and divides the others by 1 - p.

    input: (N, C, H, W), or (N, C, ...) with any axes after them. Neighbouring pixels are alike, so
    that dropping single ones takes little away. Raises ValueError for p outside [0, 1],
    RuntimeError for fewer than 2 dimensions and for integers.
    Tompson et al., "Efficient object localization using convolutional networks", 2015.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.dropout2d(mt.ones(1, 1000, 1, 2), p=0.5)
    >>> sorted(set(map(tuple, y.reshape(1000, 2).tolist())))
    [(0.0, 0.0), (2.0, 2.0)]
    """
    if input.ndim != 4:
        warn_of_dims(input, 2)
    return _dropout_channels(input, p, training, inplace)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for networks with SELU; any shape.

    Dropped elements become selu(-inf) = -1.7581, and a x + b then restores mean and variance.
    training: False, the default, returns the input as it is. Raises ValueError for p outside
    [0, 1], RuntimeError for integers.
    Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> import minitorch_cnn as mt
    >>> x = mt.randn(10000)
    >>> y = mt.nn.functional.alpha_dropout(x, p=0.5, training=True)
    >>> abs(y.mean().item()) < 0.05, abs(y.std().item() - 1) < 0.05
    (True, True)
    """
    _check_probability(p)
    if not training or p == 0.0:
        return input
    if inplace:
        return _alpha_dropout_(input, p, True)
    if p == 1.0:
        return input * 0.0
    lowest = -SELU_ALPHA * SELU_SCALE
    kept = (_drop(ones_like(input), p) != 0).to(input.dtype)
    a = 1 / math.sqrt((1 - p) * (1 + p * lowest**2))
    return (input * kept + lowest * (1 - kept)) * a - a * p * lowest


dropout_ = make_inplace(dropout)
_dropout_channels_ = make_inplace(_dropout_channels)
_alpha_dropout_ = make_inplace(alpha_dropout)
