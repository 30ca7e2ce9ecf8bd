"""KL divergences of one kind of distribution from another.

KL(p || q) = -entropy(p) - E[log q(x)] with x ~ p. Most log q are made of x, x^2, log x, log(1 - x)
and exp(-x / s); so the means of these under p are what every pair needs, and what stands here.
Where p has numbers that q has not, the divergence is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import ops
from ..dtypes import get_default_dtype
from ..tensor import Tensor
from .continuous import Cauchy, Exponential, Gumbel, Laplace, LogNormal, Normal, Uniform
from .continuous_bernoulli import ContinuousBernoulli
from .counts import Binomial
from .discrete import Bernoulli, Poisson
from .distribution import Distribution
from .gamma import Beta, Gamma
from .kl import _multivariate_normal, _not_alike, register_kl
from .multivariate import LowRankMultivariateNormal, MultivariateNormal
from .transformed import Pareto

EULER = 0.57721566490153286


def _mean_log(p: Any) -> Tensor:
    """E[log x]"""
    if isinstance(p, Gamma):
        return ops.digamma(p.concentration) - p.rate.log()
    if isinstance(p, Exponential):
        return -EULER - p.rate.log()
    if isinstance(p, Beta):
        a, b = p.concentration1, p.concentration0
        return ops.digamma(a) - ops.digamma(a + b)
    if isinstance(p, Pareto):
        return p.scale.log() + 1 / p.alpha
    return (ops.xlogy(p.high, p.high) - ops.xlogy(p.low, p.low)) / (p.high - p.low) - 1  # Uniform


def _mean_log_rest(p: Any) -> Tensor:
    """E[log(1 - x)]"""
    if isinstance(p, Beta):
        a, b = p.concentration1, p.concentration0
        return ops.digamma(b) - ops.digamma(a + b)
    low, high = 1 - p.high, 1 - p.low  # Uniform
    return (ops.xlogy(high, high) - ops.xlogy(low, low)) / (high - low) - 1


def _mean_exp(p: Any, s: Tensor) -> Tensor:
    """E[exp(-x / s)]"""
    if isinstance(p, Normal):
        return (-p.loc / s + 0.5 * (p.scale / s) ** 2).exp()
    if isinstance(p, Gumbel):
        return (-p.loc / s + ops.lgamma(1 + p.scale / s)).exp()
    if isinstance(p, Gamma):
        return (1 + 1 / (p.rate * s)) ** -p.concentration
    if isinstance(p, Exponential):
        return 1 / (1 + 1 / (p.rate * s))
    return s * ((-p.low / s).exp() - (-p.high / s).exp()) / (p.high - p.low)  # Uniform


def _of_exponential(p: Any, q: Exponential) -> Tensor:
    return q.rate.log() - q.rate * p.mean


def _of_normal(p: Any, q: Normal) -> Tensor:
    squares = p.variance + (p.mean - q.loc) ** 2
    return -q.scale.log() - 0.5 * math.log(2 * math.pi) - squares / (2 * q.scale**2)


def _of_gamma(p: Any, q: Gamma) -> Tensor:
    a = q.concentration
    return a * q.rate.log() - ops.lgamma(a) + (a - 1) * _mean_log(p) - q.rate * p.mean


def _of_beta(p: Any, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    scale = ops.lgamma(a + b) - ops.lgamma(a) - ops.lgamma(b)
    return scale + (a - 1) * _mean_log(p) + (b - 1) * _mean_log_rest(p)


def _of_gumbel(p: Any, q: Gumbel) -> Tensor:
    away = (p.mean - q.loc) / q.scale
    return -q.scale.log() - away - (q.loc / q.scale).exp() * _mean_exp(p, q.scale)


def _of_pareto(p: Any, q: Pareto) -> Tensor:
    return q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _mean_log(p)


def _of_uniform(p: Any, q: Uniform) -> Tensor:
    return -(q.high - q.low).log()


def _of_continuous_bernoulli(p: Any, q: ContinuousBernoulli) -> Tensor:
    return p.mean * q.logits + ops.log1p(-q.probs) + q._log_scale()


def _of_laplace(p: Normal, q: Laplace) -> Tensor:
    away = p.loc - q.loc
    t = away / (p.scale * math.sqrt(2))
    spread = p.scale * math.sqrt(2 / math.pi) * (-t * t).exp() + away * ops.erf(t)
    return -(2 * q.scale).log() - spread / q.scale


def _of_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return p.probs * q.rate.log() - q.rate  # log x! is 0 for 0 and 1


def _ends(p: Any) -> tuple[Any, Any]:
    """The smallest and the largest number."""
    if isinstance(p, Uniform):
        return p.low, p.high
    if isinstance(p, Pareto):
        return p.scale, math.inf
    if isinstance(p, Beta | ContinuousBernoulli):
        return 0.0, 1.0
    return (0.0, math.inf) if isinstance(p, Gamma | Exponential) else (-math.inf, math.inf)


def _register(p_kinds: str, q_kind: type, mean_of_log: Callable[[Any, Any], Tensor]) -> None:
    def formula(p: Any, q: Any) -> Tensor:
        kl = -p.entropy() - mean_of_log(p, q)
        low, high = _ends(p)
        lowest, highest = _ends(q)
        outside = ops.as_tensor(low < lowest) | ops.as_tensor(high > highest)
        return ops.where(outside.to(kl.device), math.inf, kl)

    for name in p_kinds.split():
        register_kl(KINDS[name], q_kind)(formula)


KINDS: dict[str, type[Distribution]] = {
    each.__name__: each
    for each in (
        Bernoulli, Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Normal, Pareto,
        Uniform,
    )
}  # fmt: skip

_register("Beta ContinuousBernoulli Gamma Pareto Uniform", Exponential, _of_exponential)
_register("Beta ContinuousBernoulli Exponential Gamma Gumbel Laplace Pareto Uniform", Normal,
          _of_normal)  # fmt: skip
_register("Beta Exponential Pareto Uniform", Gamma, _of_gamma)
_register("Uniform", Beta, _of_beta)
_register("Exponential Gamma Gumbel Normal Uniform", Gumbel, _of_gumbel)
_register("Pareto Uniform", Pareto, _of_pareto)
_register("Beta ContinuousBernoulli", Uniform, _of_uniform)
_register("Beta ContinuousBernoulli Uniform", ContinuousBernoulli, _of_continuous_bernoulli)
_register("Normal", Laplace, _of_laplace)
_register("Bernoulli", Poisson, _of_poisson)


def _infinite(p: Any, q: Any) -> Tensor:
    """q never gives some of the numbers that p gives."""
    like = p.mean
    shape = ops.broadcast_shapes(p.batch_shape, q.batch_shape)
    kind = like.dtype if like.dtype.is_floating_point else get_default_dtype()
    return ops.full(shape, math.inf, dtype=kind, device=like.device)


_p: type[Distribution]
_q: type[Distribution]
for _p in (Exponential, Gamma):
    for _q in (Beta, ContinuousBernoulli, Pareto, Uniform):
        register_kl(_p, _q)(_infinite)
for _p in (Gumbel, Laplace, Normal):
    for _q in (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform):
        register_kl(_p, _q)(_infinite)
for _p, _q in (
    (Beta, Pareto), (ContinuousBernoulli, Pareto), (Pareto, Beta), (Pareto, ContinuousBernoulli),
    (Pareto, Uniform), (Poisson, Bernoulli), (Poisson, Binomial),
):  # fmt: skip
    register_kl(_p, _q)(_infinite)

for _each in KINDS.values():  # a LogNormal is a Normal by its code, not by its numbers
    if _each is not LogNormal:
        register_kl(LogNormal, _each)(_not_alike)
        register_kl(_each, LogNormal)(_not_alike)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    far = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return (far / (4 * p.scale * q.scale)).log()


for _p, _q in (
    (LowRankMultivariateNormal, LowRankMultivariateNormal),
    (LowRankMultivariateNormal, MultivariateNormal),
    (MultivariateNormal, LowRankMultivariateNormal),
):

    @register_kl(_p, _q)
    def _low_rank(p: Any, q: Any) -> Tensor:
        wide = (d._full() if isinstance(d, LowRankMultivariateNormal) else d for d in (p, q))
        return _multivariate_normal(*wide)
