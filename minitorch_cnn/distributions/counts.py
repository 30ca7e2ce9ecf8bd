"""How often something succeeds in many trials, and one-hot samples with a gradient."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd.modes import no_grad
from ..nn.functional import logsigmoid
from ..tensor import Tensor
from . import constraints
from .discrete import (
    Categorical,
    OneHotCategorical,
    _OfCategorical,
    _OfOneProbability,
    _only_one,
)
from .distribution import Distribution, broadcast_all
from .gamma import Gamma


class _OfTrials(_OfOneProbability):
    """total_count trials, each of which succeeds with probability probs."""

    total_count: Tensor

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        _only_one(probs, logits)
        self._given = "logits" if probs is None else "probs"
        total, given = broadcast_all(total_count, logits if probs is None else probs)
        self.total_count = total.type_as(given)
        setattr(self, self._given, given)
        Distribution.__init__(self, given.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        value = {self._given: self._param.expand(batch_shape)}
        total = self.total_count.expand(batch_shape)
        return type(self)(total, **value, validate_args=self._validate_args)


class Binomial(_OfTrials):
    """How many of total_count trials succeed, each with probability probs.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Binomial(3, mt.tensor([0.5])).log_prob(mt.tensor([1.0])).exp()
    tensor([0.3750])
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return ops.binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n, logits = self.total_count, self.logits
        ways = ops.lgamma(n + 1) - ops.lgamma(value + 1) - ops.lgamma(n - value + 1)
        return value * logits + ways + n * logsigmoid(-logits)

    def entropy(self) -> Tensor:
        if not bool((self.total_count == self.total_count.max()).all()):
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `entropy`: "
                f"{self.total_count.min().item()} to {self.total_count.max().item()}"
            )
        log_p = self.log_prob(self.enumerate_support(False))
        return -(log_p.exp() * log_p).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 to total_count, along a new first axis."""
        largest = int(self.total_count.max())
        if not bool((self.total_count == largest).all()):
            raise NotImplementedError(
                f"Inhomogeneous total count not supported by `enumerate_support`: up to {largest}"
            )
        values = ops.arange(1 + largest, dtype=self._param.dtype, device=self._param.device)
        values = values.reshape(-1, *[1] * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values


class NegativeBinomial(_OfTrials):
    """How many trials succeed, each with probability probs, before total_count have failed.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.NegativeBinomial(2, mt.tensor([0.5])).mean
    tensor([2.])
    """

    arg_constraints = {
        "total_count": constraints.nonnegative,
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(total_count, probs, logits, validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
            return ops.poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n = self.total_count
        chances = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = -ops.lgamma(n + value) + ops.lgamma(1.0 + value) + ops.lgamma(n)
        return chances - ops.where(n + value == 0.0, 0.0, ways)


class Multinomial(_OfCategorical):
    """How often each of K classes (..., K) comes among total_count drawn ones.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Multinomial(6, mt.tensor([1.0, 2.0])).mean
    tensor([2., 4.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError(
                f"inhomogeneous total_count is not supported: it is an int, got {total_count}"
            )
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Multinomial:
        value = self._expanded(batch_shape)
        return type(self)(self.total_count, **value, validate_args=self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)
        counts = drawn.new_zeros(self._extended_shape(sample_shape))
        counts = counts.scatter_add(-1, drawn, ops.ones_like(drawn))
        return counts.type_as(self.probs)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        logits = ops.where((value == 0) & (logits == -math.inf), 0.0, logits)
        ways = ops.lgamma(value.sum(-1) + 1) - ops.lgamma(value + 1).sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = ops.tensor(float(self.total_count), dtype=self.probs.dtype)
        each = Binomial(self.total_count, probs=self.probs, validate_args=False)
        counts = each.enumerate_support(expand=False)[1:]
        weights = each.log_prob(counts).exp()
        ways = (weights * ops.lgamma(counts + 1)).sum((0, -1))
        return n * self._categorical.entropy() - ops.lgamma(n + 1) + ways


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """`OneHotCategorical`, whose `rsample` hands the sample's gradient on to the probabilities.

    Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013.

    >>> import minitorch_cnn as mt
    >>> probs = mt.tensor([0.0, 1.0], requires_grad=True)
    >>> mt.distributions.OneHotCategoricalStraightThrough(probs).rsample().detach()
    tensor([0., 1.])
    """

    has_rsample = True

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        drawn, probs = self.sample(sample_shape), self._categorical.probs
        return drawn + (probs - probs.detach())
