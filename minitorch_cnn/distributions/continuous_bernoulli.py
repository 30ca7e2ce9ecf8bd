"""The continuous Bernoulli distribution."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..nn.functional import binary_cross_entropy_with_logits
from ..tensor import Tensor
from . import constraints
from .discrete import _OfOneProbability
from .distribution import ExponentialFamily, blank
from .utils import clamp_probs


class ContinuousBernoulli(_OfOneProbability, ExponentialFamily):
    """p^x (1 - p)^(1 - x), scaled, for x from 0 to 1: for the pixels of an autoencoder.

    p: probs, or logits = log(p / (1 - p)); it is not the mean. Loaiza-Ganem and Cunningham, "The
    continuous Bernoulli", 2019. lims: between them, where the formulas are 0 / 0, series are used.

    >>> import minitorch_cnn as mt
    >>> grey = mt.distributions.ContinuousBernoulli(mt.tensor([0.5, 0.9]))
    >>> grey.mean
    tensor([0.5000, 0.6699])
    """

    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        super().__init__(probs, logits, validate_args)
        if probs is not None:  # away from 0 and 1, whose logits are infinite
            self.probs = clamp_probs(self.probs)
        self._lims = lims

    def _of_logits(self) -> Tensor:  # away from 0 and 1, where the factor is infinite
        return clamp_probs(super()._of_logits())

    def expand(self, batch_shape: Any, _instance: Any = None) -> ContinuousBernoulli:
        value = {self._given: self._param.expand(batch_shape)}
        return type(self)(**value, lims=self._lims, validate_args=self._validate_args)

    @property
    def _central(self) -> Tensor:
        return (self.probs > self._lims[0]) & (self.probs <= self._lims[1])

    @property
    def _outside(self) -> Tensor:
        """p, or another number where the formulas do not hold."""
        return ops.where(self._central, self._lims[0], self.probs)

    def _chosen(self, formula: Tensor, series: Tensor) -> Tensor:
        return ops.where(self._central, series, formula)

    @property
    def mean(self) -> Tensor:
        p, x = self._outside, self.probs - 0.5
        formula = p / (2 * p - 1) + 1 / (ops.log1p(-p) - p.log())
        return self._chosen(formula, 0.5 + (1 / 3 + 16 / 45 * x**2) * x)

    @property
    def variance(self) -> Tensor:
        p, x = self._outside, (self.probs - 0.5) ** 2
        formula = p * (p - 1) / (1 - 2 * p) ** 2 + 1 / (ops.log1p(-p) - p.log()) ** 2
        return self._chosen(formula, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def _log_scale(self) -> Tensor:
        """log of the factor that makes the integral 1, 2 atanh(1 - 2p) / (1 - 2p)."""
        p, x = self._outside, (self.probs - 0.5) ** 2
        formula = (ops.log1p(-p) - p.log()).abs().log() - (1 - 2 * p).abs().log()
        return self._chosen(formula, math.log(2.0) + (4 / 3 + 104 / 45 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(blank(self.probs, self._extended_shape(sample_shape)).uniform_())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = ops.broadcast_tensors(self.logits, value)
        like = -binary_cross_entropy_with_logits(logits, value, reduction="none")
        return like + self._log_scale()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        p = self._outside
        formula = (p**value * (1 - p) ** (1 - value) + p - 1) / (2 * p - 1)
        return self._chosen(formula, value).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        p = self._outside
        formula = ops.log1p(-p + value * (2 * p - 1)) - ops.log1p(-p)
        return self._chosen(formula / (p.log() - ops.log1p(-p)), value)

    def entropy(self) -> Tensor:
        rest = ops.log1p(-self.probs)
        return self.mean * (rest - self.probs.log()) - self._log_scale() - rest
