"""Functions of random numbers: a base distribution, and transforms that its samples go through."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..tensor import Tensor
from . import constraints
from .continuous import Cauchy, Exponential, Gumbel, Normal, Uniform
from .discrete import Categorical, _OfCategorical, _OfOneProbability, clamp_probs
from .distribution import Distribution, Independent, blank, broadcast_all
from .gamma import Gamma
from .transforms import (
    AbsTransform,
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    PowerTransform,
    SigmoidTransform,
    StickBreakingTransform,
    Transform,
    sum_last,
)


class TransformedDistribution(Distribution):
    """The distribution of f(x), where x is drawn from another one and f is one or more transforms.

    Raises ValueError if the base's samples have fewer dimensions than the transform's values, or
    what is given is no transform.

    >>> import minitorch_cnn as mt
    >>> d = mt.distributions
    >>> base = d.Uniform(mt.zeros(2), mt.ones(2))
    >>> logistic = d.TransformedDistribution(base, [d.transforms.SigmoidTransform().inv])
    >>> logistic.log_prob(mt.zeros(2)).exp()
    tensor([0.2500, 0.2500])
    """

    arg_constraints = {}

    def __init__(
        self, base_distribution: Distribution, transforms: Any, validate_args: bool | None = None
    ) -> None:
        chain = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(chain, list) or not all(isinstance(each, Transform) for each in chain):
            raise ValueError(
                f"transforms must be a Transform or list of Transforms, but was {transforms}"
            )
        self.transforms = chain
        base_shape = base_distribution.batch_shape + base_distribution.event_shape
        whole = ComposeTransform(chain)
        if len(base_shape) < whole.domain.event_dim:
            raise ValueError(
                "base_distribution needs to have shape with size at least "
                f"{whole.domain.event_dim}, but got {base_shape}."
            )
        shape = whole.forward_shape(base_shape)
        widened = whole.inverse_shape(shape)  # loc and scale may have more dimensions
        base_dims = len(base_distribution.event_shape)
        if base_shape != widened:
            cut = len(widened) - base_dims
            base_distribution = base_distribution.expand(widened[:cut])
        missing_dims = whole.domain.event_dim - base_dims
        if missing_dims > 0:
            base_distribution = Independent(base_distribution, missing_dims)
        self.base_dist = base_distribution
        change = whole.codomain.event_dim - whole.domain.event_dim
        cut = len(shape) - max(whole.codomain.event_dim, base_dims + change)
        super().__init__(shape[:cut], shape[cut:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        codomain = self.transforms[-1].codomain
        more = len(self.event_shape) - codomain.event_dim
        return constraints.independent(codomain, more) if more > 0 else codomain

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        wanted = (*batch_shape, *self.event_shape)
        base_shape = ComposeTransform(self.transforms).inverse_shape(wanted)
        cut = len(base_shape) - len(self.base_dist.event_shape)
        new.base_dist = self.base_dist.expand(base_shape[:cut])
        new._batch_shape = type(self.batch_shape)(batch_shape)
        return new

    def _transformed(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._transformed(self.base_dist.sample(sample_shape)).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._transformed(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        dims = len(self.event_shape)
        total: Any = 0.0
        y = value
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            dims += transform.domain.event_dim - transform.codomain.event_dim
            stretched = transform.log_abs_det_jacobian(x, y)
            total = total - sum_last(stretched, dims - transform.domain.event_dim)
            y = x
        inner = self.base_dist.log_prob(y)
        return total + sum_last(inner, dims - len(self.base_dist.event_shape))

    def _one_sided(self, value: Tensor) -> Tensor:
        """The probability is 1 - p where the transforms fall."""
        sign: Any = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return sign * (value - 0.5) + 0.5

    def cdf(self, value: Tensor) -> Tensor:
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._one_sided(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._transformed(self.base_dist.icdf(self._one_sided(value)))

    def __repr__(self) -> str:
        if type(self) is TransformedDistribution:
            return f"TransformedDistribution({self.base_dist}, {self.transforms})"
        return super().__repr__()


class _Fixed(TransformedDistribution):
    """A distribution with a name of its own that is made of others."""

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape)
        for name in self.arg_constraints:
            if name in self.__dict__:
                setattr(new, name, self.__dict__[name].expand(batch_shape))
        return new


class _Half(_Fixed):
    """|x| of a distribution that is symmetrical around 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, base: Any, validate_args: bool | None) -> None:
        self.scale = base.scale
        super().__init__(base, AbsTransform(), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return type(self)(self.scale.expand(batch_shape), self._validate_args)

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        inside = self.base_dist.log_prob(value) + math.log(2)
        return ops.where(value >= 0, inside, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of normally distributed x around 0.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.HalfNormal(1.0).mean
    tensor(0.7979)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (1 - 2 / math.pi)


class HalfCauchy(_Half):
    """|x| of Cauchy distributed x around 0.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.HalfCauchy(1.0).cdf(mt.tensor(1.0))
    tensor(0.5000)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        """Infinite."""
        return ops.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance


class Pareto(_Fixed):
    """alpha scale^alpha / x^(alpha + 1) for x >= scale: few are very rich.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Pareto(1.0, 3.0).mean
    tensor(1.5000)
    """

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        chain = [ExpTransform(), AffineTransform(loc=0, scale=self.scale)]
        super().__init__(base, chain, validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Pareto:
        return type(self)(self.scale.expand(batch_shape), self.alpha.expand(batch_shape))

    @property
    def mean(self) -> Tensor:
        a = self.alpha.clamp(min=1)  # inf below
        return a * self.scale / (a - 1)

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha.clamp(min=2)
        return self.scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())


class Weibull(_Fixed):
    """How long something lasts that ages: concentration above 1, or hardens: below 1.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Weibull(2.0, 1.0).mean
    tensor(2.)
    """

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        base = Exponential(ops.ones_like(self.scale), validate_args=validate_args)
        chain = [
            PowerTransform(exponent=self.concentration_reciprocal),
            AffineTransform(loc=0, scale=self.scale),
        ]
        super().__init__(base, chain, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Weibull:
        return type(self)(self.scale.expand(batch_shape), self.concentration.expand(batch_shape))

    def _moment(self, order: int) -> Tensor:
        return ops.exp(ops.lgamma(1 + order * self.concentration_reciprocal))

    @property
    def mean(self) -> Tensor:
        return self.scale * self._moment(1)

    @property
    def mode(self) -> Tensor:
        k = self.concentration
        return self.scale * ((k - 1) / k) ** k.reciprocal()

    @property
    def variance(self) -> Tensor:
        return self.scale.pow(2) * (self._moment(2) - self._moment(1).pow(2))

    def entropy(self) -> Tensor:
        rest = ops.log(self.scale * self.concentration_reciprocal) + 1
        return Gumbel.EULER * (1 - self.concentration_reciprocal) + rest


class Kumaraswamy(_Fixed):
    """Numbers from 0 to 1, much like Beta's, with a cdf that is easily inverted.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Kumaraswamy(1.0, 1.0).mean
    tensor(0.5000)
    """

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zero, one = ops.zeros_like(self.concentration0), ops.ones_like(self.concentration0)
        chain = [
            PowerTransform(exponent=self.concentration0.reciprocal()),
            AffineTransform(loc=1.0, scale=-1.0),
            PowerTransform(exponent=self.concentration1.reciprocal()),
        ]
        super().__init__(Uniform(zero, one, validate_args=validate_args), chain, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Kumaraswamy:
        a, b = self.concentration1.expand(batch_shape), self.concentration0.expand(batch_shape)
        return type(self)(a, b)

    def _moment(self, n: int) -> Tensor:
        first = 1 + n / self.concentration1
        b = self.concentration0
        beta = ops.lgamma(first) + ops.lgamma(b) - ops.lgamma(first + b)
        return b * beta.exp()

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        peaked = (a >= 1) & (b >= 1) & (a * b > 1)
        ratio = ops.where(peaked, a - 1, 1.0) / ops.where(peaked, a * b - 1, 1.0)
        return ops.where(peaked, ratio ** (1 / a), math.nan)

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1).pow(2)

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = ops.digamma(b + 1) + Gumbel.EULER
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()


class InverseGamma(_Fixed):
    """1 / x of gamma distributed x.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.InverseGamma(3.0, 4.0).mean
    tensor(2.)
    """

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        self.concentration, self.rate = base.concentration, base.rate
        minus_one = -base.rate.new_ones(())
        super().__init__(base, PowerTransform(minus_one), validate_args)

    @property
    def mean(self) -> Tensor:
        k = self.concentration
        return ops.where(k > 1, self.rate / (k - 1), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.rate / (self.concentration + 1)

    @property
    def variance(self) -> Tensor:
        k = self.concentration
        return ops.where(k > 2, self.rate.square() / ((k - 1).square() * (k - 2)), math.inf)

    def entropy(self) -> Tensor:
        k = self.concentration
        return k + self.rate.log() + ops.lgamma(k) - (1 + k) * ops.digamma(k)


class LogisticNormal(_Fixed):
    """Probabilities (..., K + 1) made of K normally distributed numbers by breaking a stick.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.LogisticNormal(mt.zeros(2), mt.ones(2)).sample().shape
    minitorch_cnn.Size([3])
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args)

    @property
    def loc(self) -> Tensor:
        return self.base_dist.base_dist.loc  # type: ignore[attr-defined]

    @property
    def scale(self) -> Tensor:
        return self.base_dist.base_dist.scale  # type: ignore[attr-defined]


class LogitRelaxedBernoulli(_OfOneProbability):
    """The logits of `RelaxedBernoulli`."""

    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        value = {self._given: self._param.expand(batch_shape)}
        return type(self)(self.temperature, **value, validate_args=self._validate_args)

    @property
    def param_shape(self) -> Any:
        return self._param.shape

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        probs = clamp_probs(self.probs.expand(shape))
        u = clamp_probs(ops.rand(shape, dtype=probs.dtype, device=probs.device))
        drawn = u.log() - ops.log1p(-u) + probs.log() - ops.log1p(-probs)
        return drawn / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        away = logits - value * self.temperature
        return self.temperature.log() + away - 2 * ops.log1p(away.exp())


class _Relaxed(_Fixed):
    """What both relaxed distributions hand on from the one that they transform."""

    @property
    def temperature(self) -> Tensor:
        return self.base_dist.temperature  # type: ignore[attr-defined]

    @property
    def probs(self) -> Tensor:
        return self.base_dist.probs  # type: ignore[attr-defined]

    @property
    def logits(self) -> Tensor:
        return self.base_dist.logits  # type: ignore[attr-defined]


class RelaxedBernoulli(_Relaxed):
    """Numbers near 0 or 1, with gradients: the nearer, the lower the temperature.

    Maddison et al., "The Concrete Distribution", 2017. probs or logits as in Bernoulli.

    >>> import minitorch_cnn as mt
    >>> probs = mt.tensor([0.1, 0.9], requires_grad=True)
    >>> mt.distributions.RelaxedBernoulli(mt.tensor(0.5), probs).rsample().requires_grad
    True
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(
        self,
        temperature: Tensor,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits, validate_args)
        super().__init__(base, SigmoidTransform(), validate_args)


class ExpRelaxedCategorical(_OfCategorical):
    """The logarithms of `RelaxedOneHotCategorical`."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        value = self._expanded(batch_shape)
        return type(self)(self.temperature, **value, validate_args=self._validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = clamp_probs(blank(self.logits, self._extended_shape(sample_shape)).uniform_(0, 1))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - ops.logsumexp(scores, -1, True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        K = self._categorical._num_events
        logits, value = broadcast_all(self.logits, value)
        score = logits - value * self.temperature
        score = (score - ops.logsumexp(score, -1, True)).sum(-1)
        return score + (K - 1) * self.temperature.log() + math.lgamma(K)


class RelaxedOneHotCategorical(_Relaxed):
    """Probabilities (..., K) that are nearly all of one class, with gradients (Gumbel-softmax).

    Maddison et al., "The Concrete Distribution", 2017. probs or logits as in Categorical.

    >>> import minitorch_cnn as mt
    >>> relaxed = mt.distributions.RelaxedOneHotCategorical(mt.tensor(0.5), mt.ones(4))
    >>> mt.allclose(relaxed.rsample().sum(), mt.tensor(1.0))
    True
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)
