"""The fully connected layer: one matrix product, and the three products of its gradients."""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..tensor import Tensor, running, shape_text
from .common import same_device
from .conv import ChannelSum
from .precision import half_precision
from .products import MatMul

__all__ = ["linear"]


class Linear(Function):
    """y = x W^T + b, with x (..., I), W (O, I), b (O,) or None, and y (..., O)"""

    fresh_gradients = runs_ahead = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        # All leading dimensions are rows of one matrix: a single GEMM whatever their number.
        *leading, features = x.shape
        rows = x.arriving if len(leading) == 1 else x.array.reshape(math.prod(leading), features)
        b = None if bias is None else bias.arriving
        y = kernels.matmul(rows, weight.arriving.T, b)  # (R, O)
        return running(y if len(leading) == 1 else y.reshape(*leading, y.shape[1]))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, weight = ctx.saved_tensors
        gx = gw = gb = None
        shape = x.shape
        if x.ndim != 2:
            x = x.reshape(math.prod(shape[:-1]), shape[-1])  # (R, I)
            gy = gy.reshape(len(x), len(weight))  # (R, O)
        if ctx.needs_input_grad[0]:
            gx = MatMul.apply(gy, weight)
            gx = gx if x.ndim == len(shape) else gx.reshape(shape)
        if ctx.needs_input_grad[1]:
            gw = LinearWeightGrad.apply(gy, x)
        if ctx.needs_input_grad[2]:
            gb = ChannelSum.apply(gy)
        return gx, gw, gb


class LinearWeightGrad(Function):
    """gw (O, I) = gy^T x from gy (R, O) and x (R, I)"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, gy: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(gy, x)
        return running(kernels.matmul(gy.arriving.T, x.arriving))

    @staticmethod
    def backward(ctx: Any, ggw: Tensor) -> tuple:
        gy, x = ctx.saved_tensors
        ggy = gx = None
        if ctx.needs_input_grad[0]:
            ggy = MatMul.apply(x, ggw.transpose(0, 1))
        if ctx.needs_input_grad[1]:
            gx = MatMul.apply(gy, ggw)
        return ggy, gx


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weight^T + bias.

    input: (..., in_features); weight: (out_features, in_features), or (in_features,) for a
    result without the last dimension; bias: (out_features,) or None; all of one dtype.
    Raises RuntimeError if the shapes or dtypes do not fit.

    >>> import minitorch_cnn as mt
    >>> x, weight = mt.tensor([[1.0, 2.0]]), mt.tensor([[1.0, 1.0], [0.0, 3.0]])
    >>> mt.nn.functional.linear(x, weight, mt.tensor([10.0, 20.0]))
    tensor([[13., 26.]])
    """
    input, weight, bias = half_precision(input, weight, bias)
    x, w, b = input.arriving, weight.arriving, None if bias is None else bias.arriving
    if w.ndim == 1 and (b is None or b.ndim == 0):
        y = linear(input, weight.unsqueeze(0), None).squeeze(-1)
        return y if bias is None else y + bias
    if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1]:
        raise RuntimeError(
            f"linear: input of shape {shape_text(input.shape)} and weight of shape "
            f"{shape_text(weight.shape)} cannot be multiplied: the last dimension of the input "
            "must be the weight's second (in_features)"
        )
    if b is not None and b.shape != w.shape[:1]:
        raise RuntimeError(
            f"linear: bias must have shape [{weight.shape[0]}] (out_features), got "
            f"{shape_text(bias.shape)}"
        )
    others = [weight] if bias is None else [weight, bias]
    same_device(input, *others)
    for other in others:
        if other.arriving.dtype != x.dtype:
            raise RuntimeError(
                f"linear: input, weight and bias must have the same dtype, but got {input.dtype} "
                f"and {other.dtype}"
            )
    return Linear.apply(input, weight, bias)
