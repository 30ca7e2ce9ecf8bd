"""Subtract the mean, divide by the standard deviation: what all normalisations are made of."""

from __future__ import annotations

from typing import Any

from ..autograd.function import Function
from ..backend import array_module
from ..kernels import compute_type
from ..tensor import Tensor, wrap


class Standardize(Function):
    """xhat = (x - mean) / sqrt(var + eps) over the dimensions dims, and invstd = 1 / sqrt(...)

    Backward needs nothing but the two results, and is made of their products and means. As they
    are outputs of this very Function, it can be differentiated again.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], eps: float) -> tuple[Tensor, Tensor]:
        xp = array_module(x.array)
        ctx.dims = dims
        ctx.set_materialize_grads(False)
        deviation = x.array.astype(compute_type(x.array))
        deviation -= deviation.mean(dims, keepdims=True)
        variance = (deviation * deviation).mean(dims, keepdims=True)
        invstd = 1 / xp.sqrt(variance + eps)
        deviation *= invstd
        xhat = wrap(deviation.astype(x.array.dtype, copy=False))
        invstd = wrap(invstd.astype(x.array.dtype, copy=False))
        ctx.save_for_backward(xhat, invstd)
        return xhat, invstd

    @staticmethod
    def backward(ctx: Any, gxhat: Tensor | None, ginvstd: Tensor | None) -> tuple:
        xhat, invstd = ctx.saved_tensors
        gx = None
        if gxhat is not None:
            gx = standardize_gradient(gxhat, xhat, invstd, ctx.dims)
        if ginvstd is not None:
            # d invstd / dx = -invstd^3 (x - mean) / M
            count = xhat.numel() // max(invstd.numel(), 1)
            through_invstd = ginvstd * invstd * invstd * xhat * (-1 / max(count, 1))
            gx = through_invstd if gx is None else gx + through_invstd
        return gx, None, None


def standardize_gradient(gxhat: Tensor, xhat: Tensor, invstd: Tensor, dims: tuple) -> Tensor:
    """The gradient of xhat = (x - mean) invstd with respect to x.

    A shift of x and a stretch of x leave xhat as it is. So what of gxhat points along a shift
    (its mean) or along a stretch (its component along xhat) is taken out.
    """
    along_shift = gxhat.mean(dim=dims, keepdim=True)
    along_stretch = (gxhat * xhat).mean(dim=dims, keepdim=True)
    return invstd * (gxhat - along_shift - xhat * along_stretch)


def per_channel(vector: Tensor, x: Tensor) -> Tensor:
    """(C,) as (1, C, 1, ...), to go with x (N, C, ...)."""
    return vector.reshape(1, -1, *(1,) * (x.ndim - 2))
