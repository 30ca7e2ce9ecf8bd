"""Torch's "Dropout functions" beyond dropout.py: of volumes, and of channels in SELU networks."""

from __future__ import annotations

import math

from ...tensor import Tensor, shape_text
from ..activation import SELU_ALPHA, SELU_SCALE
from ..creation import ones
from ..dropout import _check_probability, _drop, _dropout_channels, warn_of_dims
from ..inplace import make_inplace

__all__ = ["dropout3d", "feature_alpha_dropout"]


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Sets whole channels to 0 with probability p: (N, C, D, H, W) or (C, D, H, W).

    The others are divided by 1 - p, so the mean stays; see `dropout2d`. Not training: the input
    itself. Raises ValueError for a p outside [0, 1].

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.dropout3d(mt.ones(1, 100, 2, 2, 2), p=0.5)
    >>> y.sum(dim=(2, 3, 4)).unique()  # all of a channel's 8 voxels, or none
    tensor([ 0., 16.])
    """
    if input.ndim == 4:
        return _dropout_channels(input.unsqueeze(0), p, training, inplace).squeeze(0)
    if input.ndim != 5:
        warn_of_dims(input, 3)
    return _dropout_channels(input, p, training, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels: input (N, C, ...), one draw for each (n, c).

    What is dropped becomes the value that SELU has far below 0, and everything is then scaled so
    that mean 0 and variance 1 stay. Not training: the input itself. Raises ValueError for a p
    outside [0, 1], RuntimeError for fewer than two dimensions while training.

    >>> import minitorch_cnn as mt
    >>> y = mt.nn.functional.feature_alpha_dropout(mt.ones(8, 8, 3), p=0.5, training=True)
    >>> bool((y == y[:, :, :1]).all())  # one value in each channel
    True
    """
    _check_probability(p)
    if not training or p == 0.0:
        return input
    if input.ndim < 2:
        raise RuntimeError(
            "Feature dropout requires at least 2 dimensions in the input, got shape "
            f"{shape_text(input.shape)}"
        )
    if inplace:
        return _feature_alpha_dropout_(input, p, True)
    if p == 1.0:
        return input * 0.0
    channels = ones(*input.shape[:2], *[1] * (input.ndim - 2), dtype=input.dtype)
    kept = (_drop(channels.to(input.device), p) != 0).to(input.dtype)
    # What is dropped becomes selu(-inf); a x + b then restores mean 0 and variance 1.
    lowest = -SELU_ALPHA * SELU_SCALE
    a = 1 / math.sqrt((1 - p) * (1 + p * lowest**2))
    return (input * kept + lowest * (1 - kept)) * a - a * p * lowest


_feature_alpha_dropout_ = make_inplace(feature_alpha_dropout)
