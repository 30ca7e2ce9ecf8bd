"""What all distributions share: shapes, checks of parameters and values, and `Independent`."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from .. import ops
from ..autograd.modes import no_grad
from ..dtypes import get_default_dtype
from ..tensor import Size, Tensor
from . import constraints
from .constraints import Constraint


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors of one shape out of tensors and numbers, which take on the tensors' dtype.

    >>> import minitorch_cnn as mt
    >>> [each.shape for each in broadcast_all(mt.zeros(2, 1), 1.0, mt.zeros(3))]
    [minitorch_cnn.Size([2, 3]), minitorch_cnn.Size([2, 3]), minitorch_cnn.Size([2, 3])]
    """
    tensors = [each for each in values if isinstance(each, Tensor)]
    for each in values:
        if not isinstance(each, Tensor | int | float):
            raise ValueError(
                f"parameters of distributions are tensors and numbers, got {each!r:.60}"
            )
    if not tensors:
        made = [ops.tensor(each, dtype=get_default_dtype()) for each in values]
    else:
        made = [e if isinstance(e, Tensor) else tensors[0].new_tensor(e) for e in values]
    return tuple(ops.broadcast_tensors(*made))


def blank(like: Tensor, shape: Any) -> Tensor:
    """An uninitialised tensor of that shape, with another's dtype and device, to draw into."""
    return ops.empty(shape, dtype=like.dtype, device=like.device)


class Distribution:
    """A distribution: batch_shape of independent ones, whose samples have event_shape each.

    A sample has the shape sample_shape + batch_shape + event_shape, and `log_prob` of it the shape
    sample_shape + batch_shape. Parameters and values are checked (ValueError) unless validate_args
    is False; `set_default_validate_args` says what holds where it is None.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    support: Constraint | None = None
    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__

    def __init__(
        self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None
    ) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        if self.arg_constraints is Distribution.arg_constraints:
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set "
                "`arg_constraints = {}` or initialize the distribution with `validate_args=False`.",
                stacklevel=4,
            )
        for name, constraint in self.arg_constraints.items():
            value = self.__dict__.get(name)  # of probs and logits, only one was given
            if value is None or bool(constraint.check(value).all()):
                continue
            raise ValueError(
                f"Expected parameter {name} (Tensor of shape {tuple(value.shape)}) of distribution "
                f"{self!r} to satisfy the constraint {constraint}, but found invalid values:\n"
                f"{value}"
            )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether parameters and values are checked where nothing is said."""
        if value not in (True, False):
            raise ValueError(f"validate_args is True or False, not {value!r}")
        Distribution._validate_args = value

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Any) -> None:
        """Raises ValueError for a value whose shape or numbers cannot be a sample's."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        count = len(self._event_shape)
        if value.shape[value.ndim - count :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {value.shape} vs "
                f"{self._event_shape}."
            )
        for i, j in zip(
            reversed(value.shape), reversed(self._batch_shape + self._event_shape), strict=False
        ):
            if i != 1 and j != 1 and i != j:
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: {value.shape} vs "
                    f"{self._batch_shape + self._event_shape}."
                )
        if self.support is None:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
        elif not bool(self.support.check(value).all()):
            raise ValueError(
                f"Expected value argument (Tensor of shape {tuple(value.shape)}) to be within the "
                f"support ({self.support}) of the distribution {self!r}, but found invalid values:"
                f"\n{value}"
            )

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn from the distribution, without gradients."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn so that gradients reach the parameters, where that is possible."""
        raise NotImplementedError(f"{type(self).__name__}.rsample is not supported: use sample")

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density (or of the probability) at the value."""
        raise NotImplementedError(f"{type(self).__name__}.log_prob is not supported")

    def entropy(self) -> Tensor:
        """The mean of -log_prob, of shape batch_shape."""
        raise NotImplementedError(f"{type(self).__name__}.entropy is not supported")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a number up to the value."""
        raise NotImplementedError(f"{type(self).__name__}.cdf is not supported")

    def icdf(self, value: Tensor) -> Tensor:
        """The number up to which the probability is the value."""
        raise NotImplementedError(f"{type(self).__name__}.icdf is not supported")

    def expand(self, batch_shape: Any, _instance: Any = None) -> Distribution:
        """The same distribution with parameters expanded to another batch_shape."""
        raise NotImplementedError(f"{type(self).__name__}.expand is not supported")

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__}.mean is not supported")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__}.variance is not supported")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    @property
    def mode(self) -> Tensor:
        """The most likely value, of shape batch_shape + event_shape."""
        raise NotImplementedError(f"{type(self).__name__}.mode is not supported")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first axis."""
        raise NotImplementedError(f"{type(self).__name__}.enumerate_support is not supported")

    def sample_n(self, n: int) -> Tensor:
        """n samples: an old name of ``sample((n,))``."""
        return self.sample((n,))

    def perplexity(self) -> Tensor:
        """exp(entropy): of how many equal choices the entropy would be."""
        return self.entropy().exp()

    def __repr__(self) -> str:
        shown = []
        for name in self.arg_constraints:
            value = self.__dict__.get(name)
            if isinstance(value, Tensor):
                shown.append(f"{name}: {value if value.numel() == 1 else value.shape}")
        return f"{type(self).__name__}({', '.join(shown)})"


class ExponentialFamily(Distribution):
    """A distribution whose density is the exponential of a product; a name that torch has."""


class Independent(Distribution):
    """Takes the last dimensions of another distribution's batch_shape for one event.

    `log_prob` adds up over them.

    >>> import minitorch_cnn as mt
    >>> normal = mt.distributions.Normal(mt.zeros(2, 3), mt.ones(2, 3))
    >>> rows = mt.distributions.Independent(normal, 1)
    >>> rows.batch_shape, rows.event_shape
    (minitorch_cnn.Size([2]), minitorch_cnn.Size([3]))
    """

    arg_constraints = {}

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        shape, count = base_distribution.batch_shape, reinterpreted_batch_ndims
        if count > len(shape):
            raise ValueError(
                "Expected reinterpreted_batch_ndims <= len(base_distribution.batch_shape), actual "
                f"{count} vs {len(shape)}"
            )
        self.base_dist, self.reinterpreted_batch_ndims = base_distribution, count
        self.has_rsample = base_distribution.has_rsample
        cut = len(shape) - count
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    @constraints.dependent_property()
    def support(self) -> Any:
        base, count = self.base_dist.support, self.reinterpreted_batch_ndims
        return constraints.independent(base, count) if count and base is not None else base

    def _summed(self, values: Tensor) -> Tensor:
        count = self.reinterpreted_batch_ndims
        return values.sum(tuple(range(-count, 0))) if count else values

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def expand(self, batch_shape: Any, _instance: Any = None) -> Independent:
        inner = self.base_dist.batch_shape[len(self.batch_shape) :]
        expanded = self.base_dist.expand(Size(batch_shape) + inner)
        return type(self)(expanded, self.reinterpreted_batch_ndims)

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        return not self.reinterpreted_batch_ndims and self.base_dist.has_enumerate_support

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"
