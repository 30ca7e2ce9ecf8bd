"""Distributions of whole numbers and classes, by probabilities or their logits."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd.modes import enable_grad, no_grad
from ..dtypes import finfo
from ..nn.functional import binary_cross_entropy_with_logits, one_hot, softmax
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, ExponentialFamily, broadcast_all
from .utils import clamp_probs


def _only_one(probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class _OfOneProbability(Distribution):
    """A distribution with one probability: probs or logits = log(p / (1 - p))."""

    arg_constraints = {
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }

    probs: Any
    logits: Any

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _only_one(probs, logits)
        self._given = "logits" if probs is None else "probs"
        (value,) = broadcast_all(logits if probs is None else probs)
        setattr(self, self._given, value)
        super().__init__(value.shape, validate_args=validate_args)

    @enable_grad()  # also when `sample` asks
    def __getattr__(self, name: str) -> Any:
        """probs of logits, or logits of probs, when first asked for."""
        if name == "probs" and "logits" in self.__dict__:
            self.probs = self._of_logits()
        elif name == "logits" and "probs" in self.__dict__:
            clamped = clamp_probs(self.probs)
            self.logits = clamped.log() - ops.log1p(-clamped)
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[name]

    def _of_logits(self) -> Tensor:
        return self.logits.sigmoid()

    @property
    def _param(self) -> Tensor:
        return self.__dict__[self._given]

    @property
    def param_shape(self) -> Any:
        return self._param.shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        value = {self._given: self._param.expand(batch_shape)}
        return type(self)(**value, validate_args=self._validate_args)


class Bernoulli(_OfOneProbability, ExponentialFamily):
    """1 with probability probs, else 0.

    >>> import minitorch_cnn as mt
    >>> coin = mt.distributions.Bernoulli(mt.tensor([0.25]))
    >>> coin.log_prob(mt.tensor([1.0])).exp(), coin.entropy()
    (tensor([0.2500]), tensor([0.5623]))
    """

    support = constraints.boolean
    has_enumerate_support = True

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    @property
    def mode(self) -> Tensor:
        mode = (self.probs >= 0.5).to(self.probs.dtype)
        return ops.where(self.probs == 0.5, math.nan, mode)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return ops.bernoulli(self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """0 and 1, along a new first axis."""
        values = self._param.detach().new_tensor([0.0, 1.0])
        values = values.reshape(2, *[1] * len(self.batch_shape))
        return values.expand(2, *self.batch_shape) if expand else values


class Geometric(_OfOneProbability):
    """How often a coin shows tails before its first head, which has probability probs.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Geometric(mt.tensor([0.25])).mean
    tensor([3.])
    """

    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        super().__init__(probs, logits, validate_args)
        if self._validate_args and probs is not None and not bool((self.probs > 0).all()):
            raise ValueError(f"Geometric needs probs above 0, got {self.probs}")

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape, tiny = self._extended_shape(sample_shape), finfo(self.probs.dtype).tiny
        with no_grad():
            u = ops.rand(shape, dtype=self.probs.dtype, device=self.probs.device).clamp(min=tiny)
            return (u.log() / ops.log1p(-self.probs)).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        certain = (probs == 1) & (value == 0)
        return value * ops.log1p(-ops.where(certain, 0.0, probs)) + self.probs.log()

    def entropy(self) -> Tensor:
        bce = binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return bce / self.probs


class Categorical(Distribution):
    """One of K classes: probs (..., K), which are scaled to a sum of 1, or logits (..., K).

    >>> import minitorch_cnn as mt
    >>> die = mt.distributions.Categorical(mt.ones(6))
    >>> die.log_prob(mt.tensor([3])).exp(), die.sample((4,)).shape
    (tensor([0.1667]), minitorch_cnn.Size([4]))
    """

    arg_constraints = {
        "probs": constraints.simplex,
        "logits": constraints.real_vector,
    }
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        _only_one(probs, logits)
        given = logits if probs is None else probs
        assert given is not None
        if given.ndim < 1:
            raise ValueError("`probs` or `logits` must be at least one-dimensional.")
        self._given = "logits" if probs is None else "probs"
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = given - ops.logsumexp(given, -1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], validate_args=validate_args)

    @enable_grad()  # also when `sample` asks
    def __getattr__(self, name: str) -> Any:
        """probs of logits, or logits of probs, when first asked for."""
        if name == "probs" and "logits" in self.__dict__:
            self.probs = softmax(self.logits, -1)
        elif name == "logits" and "probs" in self.__dict__:
            self.logits = clamp_probs(self.probs).log()
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[name]

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def param_shape(self) -> Any:
        return self.__dict__[self._given].shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Categorical:
        value = self.__dict__[self._given].expand(*batch_shape, self._num_events)
        return type(self)(**{self._given: value}, validate_args=self._validate_args)

    @property
    def mean(self) -> Tensor:
        """NaN: classes have no mean."""
        return ops.full(self.batch_shape, math.nan, dtype=self.probs.dtype)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        count = math.prod(sample_shape)
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = ops.multinomial(rows, count, True).T
        return drawn.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value, logits = ops.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=finfo(self.logits.dtype).min)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All classes, along a new first axis."""
        values = ops.arange(self._num_events, device=self.__dict__[self._given].device)
        values = values.reshape(-1, *[1] * len(self.batch_shape))
        return values.expand(-1, *self.batch_shape) if expand else values


class _OfCategorical(Distribution):
    """What distributions share whose probabilities (..., K) are those of a Categorical."""

    _categorical: Categorical

    @property
    def probs(self) -> Tensor:
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        return self._categorical.logits

    @property
    def param_shape(self) -> Any:
        return self._categorical.param_shape

    def _expanded(self, batch_shape: Any) -> dict[str, Any]:
        """The probabilities or logits, whichever were given, in another batch shape."""
        inner = self._categorical.expand(batch_shape)
        return {inner._given: inner.__dict__[inner._given]}


class OneHotCategorical(_OfCategorical):
    """As `Categorical`, with samples (..., K) that are 1 at the class and 0 elsewhere.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.OneHotCategorical(mt.tensor([0.0, 1.0])).sample()
    tensor([0., 1.])
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits, validate_args)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> OneHotCategorical:
        return type(self)(**self._expanded(batch_shape))

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    @property
    def mode(self) -> Tensor:
        return one_hot(self.probs.argmax(-1), self.event_shape[0]).to(self.probs.dtype)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """The rows of the unit matrix, along a new first axis."""
        n, given = self.event_shape[0], self._categorical.__dict__[self._categorical._given]
        values = ops.eye(n, dtype=given.dtype, device=given.device)
        values = values.reshape(n, *[1] * len(self.batch_shape), n)
        return values.expand(n, *self.batch_shape, n) if expand else values

    def sample(self, sample_shape: Any = ()) -> Tensor:
        indices = self._categorical.sample(sample_shape)
        return one_hot(indices, self.event_shape[0]).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()

    def __repr__(self) -> str:
        return repr(self._categorical).replace("Categorical", type(self).__name__)


class Poisson(ExponentialFamily):
    """How often something happens that happens `rate` times on average.

    >>> import minitorch_cnn as mt
    >>> mt.distributions.Poisson(2.0).log_prob(mt.tensor([0.0]))
    tensor([-2.])
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Poisson:
        return type(self)(self.rate.expand(batch_shape), self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return ops.poisson(self.rate.detach().expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        rate, value = broadcast_all(self.rate, value)
        return ops.xlogy(value, rate) - rate - ops.lgamma(value + 1)
