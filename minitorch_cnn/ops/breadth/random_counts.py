"""Random numbers that are found by trial: Poisson's, binomial and gamma distributed ones.

How many uniform numbers one of them takes is chance as well, and torch's way is its own: so these
are drawn by NumPy's generator, from a seed that the generator of `manual_seed` draws. The same seed
gives the same numbers here, but not torch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import backend
from ...random import Generator
from ...tensor import Tensor, wrap
from ..common import floating
from .random_sampling import randint

__all__ = ["binomial", "poisson"]


def _drawn(like: Tensor, generator: Generator | None, draw: Any) -> Tensor:
    """draw(NumPy's generator), in the dtype and on the device of a tensor."""
    seed = randint(0, 2**31 - 1, (2,), generator=generator, device="cpu").tolist()
    array = np.asarray(draw(np.random.default_rng(seed)), like.array.dtype)
    return wrap(backend.to_device(array, like.device))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How often something happens that happens `input` times on average; of any shape.

    In input's dtype, without gradients. Not torch's numbers. Raises RuntimeError for a negative
    rate.

    >>> import minitorch_cnn as mt
    >>> mt.poisson(mt.zeros(2))
    tensor([0., 0.])
    """
    rate = backend.to_numpy(floating(input).array)
    if (rate < 0).any():
        raise RuntimeError(f"invalid Poisson rate, expected rate to be non-negative: {input}")
    return _drawn(floating(input), generator, lambda rng: rng.poisson(rate.astype(np.float64)))


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """How many of `count` trials succeed if each does with probability `prob`; broadcast.

    In prob's dtype, of any shape, without gradients. Not torch's numbers. Raises RuntimeError for
    a negative count and a probability outside of 0 to 1.

    >>> import minitorch_cnn as mt
    >>> mt.binomial(mt.tensor([10.0, 10.0]), mt.tensor([0.0, 1.0]))
    tensor([ 0., 10.])
    """
    n, p = backend.to_numpy(count.array), backend.to_numpy(prob.array).astype(np.float64)
    if (n < 0).any() or not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(f"binomial: needs counts >= 0 and probabilities, got {count}, {prob}")
    return _drawn(prob, generator, lambda rng: rng.binomial(n.astype(np.int64), p))


def standard_gamma(alpha: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma distributed numbers of rate 1, without gradients, of any shape: above 0.

    >>> import minitorch_cnn as mt
    >>> bool((standard_gamma(mt.full((100,), 0.01)) > 0).all())
    True
    """
    shape = backend.to_numpy(alpha.array).astype(np.float64)
    tiny = float(np.finfo(alpha.array.dtype).tiny)
    return _drawn(alpha, generator, lambda rng: np.maximum(rng.standard_gamma(shape), tiny))
