"""The fully connected layer: one matrix product, and the three products of its gradients."""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..tensor import Tensor, shape_text, wrap
from .common import same_device
from .precision import half_precision
from .products import MatMul
from .reduce import Sum

__all__ = ["linear", "bilinear"]


class Linear(Function):
    """y = x W^T + b, with x (..., I), W (O, I), b (O,) or None, and y (..., O)"""

    fresh_gradients = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        # All leading dimensions are rows of one matrix: a single GEMM whatever their number.
        *leading, features = x.array.shape
        rows = x.array.reshape(math.prod(leading), features)  # (R, I)
        y = kernels.matmul(rows, weight.array.T)  # (R, O)
        if bias is not None:
            y += bias.array
        return wrap(y.reshape(*leading, weight.array.shape[0]))

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
            gb = Sum.apply(gy, (0,), False)
        return gx, gw, gb


class LinearWeightGrad(Function):
    """gw (O, I) = gy^T x from gy (R, O) and x (R, I)"""

    @staticmethod
    def forward(ctx: Any, gy: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(gy, x)
        return wrap(kernels.matmul(gy.array.T, x.array))

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
    x, w, b = input.array, weight.array, None if bias is None else bias.array
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
        if other.array.dtype != x.dtype:
            raise RuntimeError(
                f"linear: input, weight and bias must have the same dtype, but got {input.dtype} "
                f"and {other.dtype}"
            )
    return Linear.apply(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = input1 weight_o input2 + bias_o, for each output o: a form for every pair of features.

    input1: (..., I); input2: (..., J); weight: (O, I, J); bias: (O,) or None. Returns (..., O).
    Raises RuntimeError, with the shapes, if they do not fit.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.tensor([[1.0, 2.0]]), mt.tensor([[3.0, 4.0]])
    >>> mt.nn.functional.bilinear(x, y, mt.eye(2).unsqueeze(0))
    tensor([[11.]])
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            "bilinear(): input batch dimensions do not match: "
            f"got {shape_text(input1.shape)} and {shape_text(input2.shape)}"
        )
    if weight.ndim != 3 or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise RuntimeError(
            f"bilinear(): inputs of shapes {shape_text(input1.shape)} and "
            f"{shape_text(input2.shape)} do not fit weight {shape_text(weight.shape)} (outputs, "
            "features of input1, features of input2)"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"bilinear(): bias must have shape [{weight.shape[0]}], got {shape_text(bias.shape)}"
        )
    same_device(input1, input2, weight, bias)
    # One form for all outputs at once: (..., I) @ (I, O*J) -> (..., O, J), times input2.
    O, I, J = weight.shape
    forms = weight.permute(1, 0, 2).reshape(I, O * J)
    rows = (input1 @ forms).reshape(*input1.shape[:-1], O, J)
    y = (rows * input2.unsqueeze(-2)).sum(dim=-1)
    return y if bias is None else y + bias
