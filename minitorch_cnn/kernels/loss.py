"""Softmax and cross entropy of rows in one go, on bare arrays."""

from __future__ import annotations

from typing import Any

from ..backend import array_module

Array = Any


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
    # Where x is 0 or 1, one logarithm is -inf: it is replaced, as computing it would warn.
    log_x = xp.where(x > 0, xp.log(xp.where(x > 0, x, 1)), -100)
    log_rest = xp.where(x < 1, xp.log1p(-xp.where(x < 1, x, 0)), -100)
    return (target - 1) * xp.maximum(log_rest, -100) - target * xp.maximum(log_x, -100)
