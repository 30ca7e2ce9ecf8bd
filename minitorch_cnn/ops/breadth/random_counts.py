"""Random numbers that are found by trial: Poisson's, binomial and gamma distributed ones.

How many uniform numbers one of them takes is chance as well, so they are drawn one by one: see
`MersenneTwister`. They are torch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend
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


def standard_gamma(alpha: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma distributed numbers of rate 1, without gradients, of any shape: above 0.

    >>> import minitorch_cnn as mt
    >>> bool((standard_gamma(mt.full((100,), 0.01)) > 0).all())
    True
    """
    tiny = float(np.finfo(alpha.array.dtype).tiny)
    shape = backend.to_numpy(alpha.array)
    rng = rng_of(generator)
    return _drawn(alpha, lambda each: max(rng.gamma(each), tiny), shape)
