"""Torch's "Non-linear activation functions" beyond activation.py: celu, glu, the shrinkages, ...

They are put together from operations that have gradients already, so there is no backward here.
"""

from __future__ import annotations

import math

import numpy as np

from ... import backend
from ...random import default_generator
from ...tensor import Tensor, wrap
from ..activation import ELU, _floating, _numbers, _rounded_once, leaky_relu
from ..arithmetic import where
from ..common import check_tensor
from ..creation import empty_like
from ..elementwise import sigmoid, tanh
from ..exponentials import softmax
from ..inplace import make_inplace
from ..join import chunk
from .random_sampling import exponential_

__all__ = [
    "celu", "glu", "rrelu", "softsign", "tanhshrink", "softshrink", "hardshrink",
    "gumbel_softmax", "celu_", "rrelu_",
]  # fmt: skip


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where it is positive, alpha * (exp(input / alpha) - 1) elsewhere: no kink at 0.

    Any shape, floating; far below 0 it approaches -alpha. inplace: writes over input. Raises
    RuntimeError for alpha 0 and for integers. Barron, "Continuously differentiable exponential
    linear units", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.celu(mt.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0 for CELU, got alpha=0")
    if inplace:
        return celu_(input, alpha)
    _floating(input, "celu")
    return _rounded_once(ELU, input, alpha, 1.0, 1 / alpha)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of dim times the sigmoid of the second: a gated linear unit.

    (..., 2 n, ...) -> (..., n, ...), floating. Raises RuntimeError if the length of dim is odd, for
    a 0-d tensor and for integers. Dauphin et al., "Language modeling with gated convolutional
    networks", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.glu(mt.tensor([4.0, 8.0, 0.0, 0.0]))  # sigmoid(0) is 1/2
    tensor([2., 4.])
    """
    _floating(input, "glu")
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    if input.size(dim) % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {input.size(dim)}"
        )
    values, gates = chunk(input, 2, dim)
    return values * sigmoid(gates)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """leaky_relu with a slope drawn from [lower, upper] for each element while training.

    Otherwise the slope is (lower + upper) / 2. Any shape, floating. inplace: writes over input.
    Raises RuntimeError if lower > upper and for integers. Xu et al., "Empirical evaluation of
    rectified activations in convolutional network", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.rrelu(mt.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])
    """
    if not (math.isfinite(lower) and math.isfinite(upper)):
        raise RuntimeError(f"rrelu: lower and upper must be finite, got {lower} and {upper}")
    if not lower <= upper:
        raise RuntimeError(f"rrelu: lower must not be above upper, got {lower} and {upper}")
    if inplace:
        return rrelu_(input, lower, upper, training)
    _floating(input, "rrelu")
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    leaks = backend.to_numpy(input.array) <= 0  # only these draw a slope, as in torch
    slopes = np.ones(input.shape, input.dtype.numpy)
    draws = default_generator.rng.uniforms(int(np.count_nonzero(leaks)), np.float64)
    slopes[leaks] = draws * (upper - lower) + lower
    return input * wrap(backend.to_device(slopes, input.device))


def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|): between -1 and 1, as tanh, but approached slowly.

    Any shape, floating. NaN at infinity. Raises NotImplementedError for bools.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.softsign(mt.tensor([-1.0, 0.0, 3.0]))
    tensor([-0.5000,  0.0000,  0.7500])
    """
    _numbers(input, "softsign")
    return input / (1 + input.abs())


def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input): nearly input^3 / 3 for small inputs, input -+ 1 for large ones.

    Any shape; integers become floats. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.tanhshrink(mt.tensor([-20.0, 0.0, 20.0]))
    tensor([-19.,   0.,  19.])
    """
    check_tensor("tanhshrink", input)
    return input - tanh(input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input moved towards 0 by lambd, and 0 where it is nearer than that.

    Any shape, floating. Raises RuntimeError for a lambd that is negative or not finite and for
    integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.softshrink(mt.tensor([-2.0, 0.25, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """
    if not 0 <= lambd < math.inf:
        raise RuntimeError(f"lambda must be finite and not negative, but found to be {lambd}.")
    _floating(input, "softshrink")
    lambd = float(lambd)
    moved = where(input > 0, input - lambd, input + lambd)
    return where((input >= -lambd) & (input <= lambd), 0.0, moved)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where |input| <= lambd, input elsewhere (NaN stays NaN).

    Any shape, floating. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.hardshrink(mt.tensor([-2.0, 0.5, 1.0]))
    tensor([-2.,  0.,  1.])
    """
    _floating(input, "hardshrink")
    return where((input >= -lambd) & (input <= lambd), 0.0, input)


def gumbel_softmax(
    logits: Tensor, tau: float | Tensor = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A random choice along dim, by the probabilities softmax(logits), that has a gradient.

    Any shape, floating, and the result has it too; its numbers add up to 1 along dim. tau: the
    smaller, the nearer to a single 1. hard: returns a single 1 and zeros, with the gradient of the
    soft choice. eps: not used any more, as in torch. Raises RuntimeError for integers, IndexError
    for a dim out of range. Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.gumbel_softmax(mt.tensor([0.0, 100.0]), hard=True)
    tensor([0., 1.])
    """
    _floating(logits, "gumbel_softmax")
    # -log of an exponential variable has Gumbel's distribution; the largest of logits + such
    # noise is at place i with probability softmax(logits)[i].
    noise = -exponential_(empty_like(logits)).log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    one = soft.new_zeros(soft.shape).scatter(dim, soft.argmax(dim, keepdim=True), 1.0)
    return one - soft.detach() + soft


celu_ = make_inplace(celu)
rrelu_ = make_inplace(rrelu)
