"""Softmax and cross entropy of rows in one go, on bare arrays."""

from __future__ import annotations

from ...backend import Array, array_module


def cross_entropy(x: Array, target: Array) -> tuple[Array, Array]:
    """The losses log(sum_c exp(x_c)) - x_target of all rows, and their softmax.

    x: (R, C); target: (R,) integers in 0..C-1. Returns (R,) and (R, C). The exponentials are
    computed once, for both.
    """
    xp = array_module(x)
    softmax = x - x.max(axis=1, keepdims=True)  # exponents of at most 0 do not overflow
    picked = softmax[xp.arange(len(x)), target]
    xp.exp(softmax, out=softmax)
    total = softmax.sum(axis=1)
    softmax /= total[:, None]
    return xp.log(total) - picked, softmax


def cross_entropy_backward(gy: Array, softmax: Array, target: Array) -> Array:
    """gx = gy (softmax - onehot(target)), row by row. gy: (R,)"""
    xp = array_module(softmax)
    gx = softmax * gy[:, None]
    gx[xp.arange(len(gx)), target] -= gy  # one place in each row: no index comes twice
    return gx


def binary_cross_entropy(x: Array, target: Array) -> Array:
    """-(target log x + (1 - target) log(1 - x)), with logarithms of at least -100."""
    xp = array_module(x)
    log_x = xp.maximum(xp.log(x), -100)
    log_rest = xp.maximum(xp.log1p(-x), -100)
    return (target - 1) * log_rest - target * log_x
