"""Batch norm folded into the layer before it: half the work in evaluation mode.

In evaluation mode batch norm is y = (x - mean) invstd gamma + beta with constants. If x is itself
W u + b, then y = (gamma invstd W) u + (b - mean) gamma invstd + beta: a layer of the same kind.
"""

from __future__ import annotations

import copy
from typing import Any

from ...autograd.modes import no_grad
from ...ops.creation import ones_like, zeros_like
from ...tensor import Tensor
from ..parameter import Parameter


@no_grad()
def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one layer that does what a convolution and a batch norm do.

    conv_w: (K, C, ...), or (C, K, ...) with transpose, as transposed convolutions have it;
    bn_rm, bn_rv: running mean and variance (K,). None stands for a bias of 0 and a factor of 1.
    Raises RuntimeError if the lengths K do not broadcast.

    >>> import minitorch_cnn as mt
    >>> one, two, three = mt.ones(1), mt.full((1,), 2.0), mt.full((1,), 3.0)
    >>> weight, bias = mt.nn.utils.fuse_conv_bn_weights(
    ...     mt.ones(1, 1, 1, 1), None, bn_rm=three, bn_rv=one, bn_eps=0.0, bn_w=two, bn_b=one
    ... )
    >>> weight.item(), bias.item()  # (x - 3) / 1 * 2 + 1 = 2 x - 5
    (2.0, -5.0)
    """
    conv_b = zeros_like(bn_rm) if conv_b is None else conv_b
    bn_w = ones_like(bn_rm) if bn_w is None else bn_w
    bn_b = zeros_like(bn_rm) if bn_b is None else bn_b
    scale = bn_w * (bn_rv + bn_eps).rsqrt()  # (K,)
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    bias = ((conv_b - bn_rm) * scale + bn_b).to(conv_b.dtype)
    return Parameter(weight, conv_w.requires_grad), Parameter(bias, conv_b.requires_grad)


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A copy of the convolution that includes the batch norm after it; both in eval mode.

    conv: of 1 to 3 dimensions, with K filters; bn: of K channels. Its shapes are those of `Conv2d`.
    transpose: it is a transposed convolution. Raises AssertionError for a layer in training mode,
    and for a batch norm without running averages.

    >>> import minitorch_cnn as mt
    >>> conv, bn = mt.nn.Conv2d(3, 8, 3).eval(), mt.nn.BatchNorm2d(8).eval()
    >>> x = mt.randn(2, 3, 5, 5)
    >>> one = mt.nn.utils.fuse_conv_bn_eval(conv, bn)
    >>> mt.allclose(one(x), bn(conv(x)), atol=1e-5)
    True
    """
    return _fuse(conv, bn, transpose)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """`fuse_conv_bn_weights` for a linear layer: linear_w (O, I), the others (O,).

    Raises as `fuse_conv_bn_weights` does.

    >>> import minitorch_cnn as mt
    >>> zero, two = mt.zeros(1), mt.full((1,), 2.0)
    >>> weight, bias = mt.nn.utils.fuse_linear_bn_weights(
    ...     mt.ones(1, 3), zero, bn_rm=zero, bn_rv=mt.ones(1), bn_eps=0.0, bn_w=two, bn_b=two
    ... )
    >>> weight.tolist(), bias.tolist()
    ([[2.0, 2.0, 2.0]], [2.0])
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of the linear layer that includes the batch norm after it; both in eval mode.

    linear: weight (out_features, in_features); bn: of out_features. Raises AssertionError for a
    layer in training mode, a batch norm without running averages, and features that differ
    (except one).

    >>> import minitorch_cnn as mt
    >>> linear, bn = mt.nn.Linear(3, 2).eval(), mt.nn.BatchNorm1d(2).eval()
    >>> x = mt.randn(4, 3)
    >>> mt.allclose(mt.nn.utils.fuse_linear_bn_eval(linear, bn)(x), bn(linear(x)), atol=1e-5)
    True
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"{linear.out_features} and {bn.num_features}"
        )
    return _fuse(linear, bn, False)


def _fuse(layer: Any, bn: Any, transpose: bool) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both layers first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("Fusion needs running_mean and running_var: track_running_stats=True")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose,
    )  # fmt: skip
    return fused
