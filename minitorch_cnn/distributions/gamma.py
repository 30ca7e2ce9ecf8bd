"""Gamma, Beta, Dirichlet, Student's t: sums of waiting times, their shares, what they scale.

`rsample` has gradients although the numbers are drawn by trial: see kernels/array's
sample_gradients.py.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..dtypes import finfo
from ..nn.functional import one_hot
from ..ops.breadth.random_counts import standard_dirichlet, standard_gamma
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, ExponentialFamily, blank, broadcast_all


class Gamma(ExponentialFamily):
    """rate^k x^(k - 1) exp(-rate x) / gamma(k) with k = concentration, for x >= 0.

    >>> import minitorch_cnn as mt
    >>> gamma = mt.distributions.Gamma(mt.tensor([2.0]), mt.tensor([4.0]))
    >>> gamma.mean, gamma.log_prob(mt.tensor([1.0]))
    (tensor([0.5000]), tensor([-1.2274]))
    """

    arg_constraints = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Gamma:
        concentration, rate = self.concentration.expand(batch_shape), self.rate.expand(batch_shape)
        return type(self)(concentration, rate, self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return standard_gamma(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        value = ops.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device)
        self._validate_sample(value)
        k = self.concentration
        powers = ops.xlogy(k, self.rate) + ops.xlogy(k - 1, value)
        return powers - self.rate * value - ops.lgamma(k)

    def entropy(self) -> Tensor:
        k = self.concentration
        return k - self.rate.log() + ops.lgamma(k) + (1 - k) * ops.digamma(k)


class Chi2(Gamma):
    """The sum of the squares of df normally distributed numbers.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Chi2(3.0).mean
    tensor(3.)
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (self.df,) = broadcast_all(df)
        super().__init__(0.5 * self.df, 0.5, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Chi2:
        return type(self)(self.df.expand(batch_shape), self._validate_args)


class Dirichlet(ExponentialFamily):
    """Probabilities (..., K) that add up to 1: concentration (..., K) says around which.

    >>> import minitorch_cnn as mt
    >>> shares = mt.distributions.Dirichlet(mt.tensor([1.0, 3.0]))
    >>> shares.mean, shares.sample((5,)).shape
    (tensor([0.2500, 0.7500]), minitorch_cnn.Size([5, 2]))
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Dirichlet:
        shape = (*batch_shape, *self.event_shape)
        return type(self)(self.concentration.expand(shape), self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, True)

    @property
    def mode(self) -> Tensor:
        """Where no concentration reaches 1 it is a corner, that of the largest one."""
        k = self.concentration.shape[-1]
        above = (self.concentration - 1).clamp(min=0)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        corner = one_hot(self.concentration.argmax(-1), k).to(above.dtype)
        return ops.where(flat, corner, above / ops.where(flat, 1.0, above.sum(-1, True)))

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, True)
        return self.concentration * (total - self.concentration) / (total**2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return standard_dirichlet(self.concentration.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a = self.concentration
        powers = ops.xlogy(a - 1, value).sum(-1)
        return powers + ops.lgamma(a.sum(-1)) - ops.lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        a, k = self.concentration, self.concentration.shape[-1]
        a0 = a.sum(-1)
        spread = ops.lgamma(a).sum(-1) - ops.lgamma(a0)
        return spread - (k - a0) * ops.digamma(a0) - ((a - 1) * ops.digamma(a)).sum(-1)


class Beta(ExponentialFamily):
    """x^(concentration1 - 1) (1 - x)^(concentration0 - 1), scaled, for x from 0 to 1.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Beta(1.0, 3.0).mean
    tensor(0.2500)
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        pair = ops.stack([self.concentration1, self.concentration0], -1)
        super().__init__(self.concentration1.shape, validate_args=validate_args)
        self._dirichlet = Dirichlet(pair, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Beta:
        a, b = self.concentration1.expand(batch_shape), self.concentration0.expand(batch_shape)
        return type(self)(a, b, self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return a * b / ((a + b) ** 2 * (a + b + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._dirichlet.rsample(sample_shape)[..., 0]

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._dirichlet.log_prob(ops.stack([value, 1.0 - value], -1))

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()


class StudentT(Distribution):
    """A normally distributed number over the square root of a chi-squared one of df, over df.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.StudentT(3.0).variance
    tensor(3.)
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df, False)
        super().__init__(self.df.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> StudentT:
        df, loc, scale = (e.expand(batch_shape) for e in (self.df, self.loc, self.scale))
        return type(self)(df, loc, scale, self._validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        wide = ops.where(self.df > 1, math.inf, math.nan).to(self.df.dtype)
        return ops.where(self.df > 2, self.scale**2 * self.df / (self.df - 2), wide)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        normal = blank(self.loc, self._extended_shape(sample_shape)).normal_()
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (normal * (z / self.df).rsqrt())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        y, half = (value - self.loc) / self.scale, 0.5 * self.df
        Z = self.scale.log() + 0.5 * (self.df * math.pi).log()
        Z = Z + ops.lgamma(half) - ops.lgamma(half + 0.5)
        return -0.5 * (self.df + 1) * ops.log1p(y**2 / self.df) - Z

    def entropy(self) -> Tensor:
        half, more = 0.5 * self.df, 0.5 * (self.df + 1)
        beta = ops.lgamma(half) + math.lgamma(0.5) - ops.lgamma(0.5 + half)
        digammas = ops.digamma(more) - ops.digamma(half)
        return self.scale.log() + more * digammas + 0.5 * self.df.log() + beta


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared numbers, each over its degrees of freedom.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.FisherSnedecor(2.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gammas = [Gamma(df * 0.5, df * 0.5) for df in (self.df1, self.df2)]
        super().__init__(self.df1.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> FisherSnedecor:
        df1, df2 = self.df1.expand(batch_shape), self.df2.expand(batch_shape)
        return type(self)(df1, df2, self._validate_args)

    @property
    def mean(self) -> Tensor:
        df2 = ops.where(self.df2 > 2, self.df2, math.nan)
        return df2 / (df2 - 2)

    @property
    def mode(self) -> Tensor:
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return ops.where(self.df1 > 2, mode, math.nan)

    @property
    def variance(self) -> Tensor:
        df2 = ops.where(self.df2 > 4, self.df2, math.nan)
        over = self.df1 * (df2 - 2).pow(2) * (df2 - 4)
        return 2 * df2.pow(2) * (self.df1 + df2 - 2) / over

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        first, second = (each.rsample(sample_shape) for each in self._gammas)
        tiny = finfo(second.dtype).tiny
        return (first / second.clamp(min=tiny)).clamp(min=tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.df1 * 0.5, self.df2 * 0.5
        ratio = self.df1 / self.df2
        gammas = ops.lgamma(a + b) - ops.lgamma(a) - ops.lgamma(b)
        return gammas + a * ratio.log() + (a - 1) * value.log() - (a + b) * ops.log1p(ratio * value)
