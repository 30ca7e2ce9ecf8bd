"""Random numbers that are found by trial: Poisson's, binomial and gamma distributed ones.

How many uniform numbers one of them takes is chance as well, so they are drawn one by one: see
`MersenneTwister`. They are torch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend
from ...autograd.function import Function
from ...kernels.array import sample_gradients
from ...kernels.array.special_more import elementwise
from ...random import Generator, rng_of
from ...tensor import Tensor, wrap
from ..common import floating

__all__ = ["binomial", "poisson"]


def _drawn(like: Tensor, draw: Any, *arguments: np.ndarray) -> Tensor:
    """draw(...) for each element, in the dtype, the shape and on the device of a tensor."""
    numbers = [draw(*each) for each in zip(*(a.ravel().tolist() for a in arguments), strict=True)]
    array = np.array(numbers, like.array.dtype).reshape(arguments[0].shape)
    return wrap(backend.to_device(array, like.device))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How often something happens that happens `input` times on average; of any shape.

    In input's dtype, without gradients. Raises RuntimeError for a negative rate.

    >>> import minitorch_cnn as mt
    >>> mt.poisson(mt.zeros(2))
    tensor([0., 0.])
    """
    rate = backend.to_numpy(floating(input).array)
    if (rate < 0).any():
        raise RuntimeError(f"invalid Poisson rate, expected rate to be non-negative: {input}")
    return _drawn(floating(input), rng_of(generator).poisson, rate)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed if each does with probability `prob`; broadcast.

    In prob's dtype, of any shape, without gradients. Raises RuntimeError for a negative count and a
    probability outside of 0 to 1.

    >>> import minitorch_cnn as mt
    >>> mt.binomial(mt.tensor([10.0, 10.0]), mt.tensor([0.0, 1.0]))
    tensor([ 0., 10.])
    """
    n, p = np.broadcast_arrays(backend.to_numpy(count.array), backend.to_numpy(prob.array))
    if (n < 0).any() or not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(f"binomial: needs counts >= 0 and probabilities, got {count}, {prob}")
    return _drawn(prob, rng_of(generator).binomial, n, p)


class Slope(Function):
    """How samples move with parameters: computed on bare arrays, so not differentiable again"""

    @staticmethod
    def forward(ctx: Any, slope: Tensor, *depends_on: Tensor) -> Tensor:
        return slope

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        raise RuntimeError("samples of gamma and Dirichlet cannot be differentiated twice")


class StandardGamma(Function):
    """x ~ gamma(alpha); its gradient says how x moves with alpha where its rank stays"""

    @staticmethod
    def forward(ctx: Any, alpha: Tensor, generator: Generator | None) -> Tensor:
        tiny = float(np.finfo(alpha.array.dtype).tiny)
        rng = rng_of(generator)
        x = _drawn(alpha, lambda each: max(rng.gamma(each), tiny), backend.to_numpy(alpha.array))
        ctx.save_for_backward(alpha, x)
        return x

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        alpha, x = ctx.saved_tensors
        slope = elementwise(sample_gradients.gamma_gradient, alpha.array, x.array)
        return gy * Slope.apply(wrap(slope.astype(x.array.dtype)), alpha, x), None


def standard_gamma(alpha: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma distributed numbers of rate 1, of any shape: above 0. Gradients reach alpha.

    >>> import minitorch_cnn as mt
    >>> bool((standard_gamma(mt.full((100,), 0.01)) > 0).all())
    True
    """
    return StandardGamma.apply(alpha, generator)


class StandardDirichlet(Function):
    """x ~ Dirichlet(alpha) over the last axis: gamma distributed numbers, over their sum

    One alpha moves its own x as that of a beta distribution, its share against all others, whose
    own shares of the rest stay as they are.
    """

    @staticmethod
    def forward(ctx: Any, alpha: Tensor) -> Tensor:
        drawn = standard_gamma(alpha.detach().double())  # in float32 small ones would be 0
        kind = alpha.array.dtype
        low, high = np.finfo(kind).tiny, np.nextafter(kind.type(1), kind.type(0))
        x = (drawn / drawn.sum(-1, True)).to(alpha.dtype).clamp(min=float(low), max=float(high))
        ctx.save_for_backward(alpha, x)
        return x

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Tensor:
        alpha, x = ctx.saved_tensors
        a, share = alpha.array, x.array
        rest = 1 - share.astype(np.float64)
        slope = sample_gradients.beta_gradient(a, a.sum(-1, keepdims=True) - a, share, rest)
        slope = Slope.apply(wrap((slope / rest).astype(share.dtype)), alpha, x)
        return slope * (gy - (gy * x).sum(-1, True))


def standard_dirichlet(alpha: Tensor) -> Tensor:
    """Shares (..., K) of a whole, drawn around alpha (..., K). Gradients reach alpha.

    >>> import minitorch_cnn as mt
    >>> round(standard_dirichlet(mt.ones(3)).sum().item(), 5)
    1.0
    """
    return StandardDirichlet.apply(alpha)
