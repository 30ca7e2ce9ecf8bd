"""Normally distributed vectors, and mixtures of distributions."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd.modes import enable_grad, no_grad
from ..ops.breadth.linalg_decompositions import cholesky
from ..ops.breadth.linalg_solvers import solve_triangular
from ..tensor import Tensor
from . import constraints
from .discrete import Categorical
from .distribution import Distribution, blank

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


# The three ways to give a matrix of covariances.
FORMS = {
    "covariance_matrix": constraints.positive_definite,
    "precision_matrix": constraints.positive_definite,
    "scale_tril": constraints.lower_cholesky,
}


def one_of_the_forms(
    covariance_matrix: Tensor | None, precision_matrix: Tensor | None, scale_tril: Tensor | None
) -> tuple[str, Tensor]:
    """The only one of three that is given, with its name. Raises ValueError for none and for two.

    >>> import minitorch_cnn as mt
    >>> one_of_the_forms(None, None, mt.eye(1))
    ('scale_tril', tensor([[1.]]))
    """
    forms = {
        "covariance_matrix": covariance_matrix,
        "precision_matrix": precision_matrix,
        "scale_tril": scale_tril,
    }
    given = {name: value for name, value in forms.items() if value is not None}
    if len(given) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
            f"specified, got {len(given)} of them"
        )
    ((name, matrix),) = given.items()
    if matrix.ndim < 2:
        raise ValueError(
            f"{name} must be at least two-dimensional, with optional leading batch dimensions"
        )
    return name, matrix


class MultivariateNormal(Distribution):
    """Normally distributed vectors (..., n) around loc.

    One of covariance_matrix, precision_matrix (its inverse) and scale_tril (its Cholesky factor L,
    lower triangular), (..., n, n), says how they spread.

    >>> import minitorch_cnn as mt
    >>> normal = mt.distributions.MultivariateNormal(mt.zeros(2), mt.eye(2))
    >>> normal.log_prob(mt.zeros(2)), normal.rsample((3,)).shape
    (tensor(-1.8379), minitorch_cnn.Size([3, 2]))
    """

    arg_constraints = {"loc": constraints.real_vector, **FORMS}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        self._given, matrix = one_of_the_forms(covariance_matrix, precision_matrix, scale_tril)
        batch_shape = ops.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        matrix = matrix.expand((*batch_shape, *matrix.shape[-2:]))
        setattr(self, self._given, matrix)
        self.loc = loc.expand((*batch_shape, loc.shape[-1]))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args)
        if self._given == "covariance_matrix":
            self.scale_tril = cholesky(matrix)
        elif self._given == "precision_matrix":
            # P = U U^T of the matrix turned by half is an upper factor of P; its inverse is lower.
            turned = cholesky(matrix.flip((-2, -1))).flip((-2, -1)).mT
            one = ops.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
            self.scale_tril = solve_triangular(turned, one, upper=False)

    @enable_grad()  # also when a sample asks
    def __getattr__(self, name: str) -> Any:
        """The forms that were not given, when first asked for."""
        if name == "covariance_matrix" and "scale_tril" in self.__dict__:
            self.covariance_matrix = self.scale_tril @ self.scale_tril.mT
        elif name == "precision_matrix" and "scale_tril" in self.__dict__:
            self.precision_matrix = ops.cholesky_inverse(self.scale_tril)
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return self.__dict__[name]

    def expand(self, batch_shape: Any, _instance: Any = None) -> MultivariateNormal:
        n = self.event_shape[0]
        matrix = {self._given: self.__dict__[self._given].expand((*batch_shape, n, n))}
        loc = self.loc.expand((*batch_shape, n))
        return type(self)(loc, **matrix, validate_args=self._validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.scale_tril.pow(2).sum(-1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        drawn = blank(self.loc, self._extended_shape(sample_shape)).normal_()
        return self.loc + _times(self.scale_tril, drawn)

    def _half_log_det(self) -> Tensor:
        return self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        away = (value - self.loc).unsqueeze(-1)
        z = solve_triangular(self.scale_tril, away, upper=False).squeeze(-1)
        n = self.event_shape[0]
        return -0.5 * z.pow(2).sum(-1) - n * HALF_LOG_2PI - self._half_log_det()

    def entropy(self) -> Tensor:
        return self.event_shape[0] * (0.5 + HALF_LOG_2PI) + self._half_log_det()

    def __repr__(self) -> str:
        matrix = self.__dict__[self._given]
        return f"MultivariateNormal(loc: {self.loc.shape}, {self._given}: {matrix.shape})"


class LowRankMultivariateNormal(Distribution):
    """As `MultivariateNormal`, with the covariance W W^T + D: cov_factor W and cov_diag, D's.

    loc: (..., n); cov_factor: (..., n, k); cov_diag: (..., n), positive.

    >>> import minitorch_cnn as mt
    >>> low = mt.distributions.LowRankMultivariateNormal(mt.zeros(2), mt.ones(2, 1), mt.ones(2))
    >>> low.covariance_matrix
    tensor([[2., 1.],
            [1., 2.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None
    ) -> None:
        if loc.ndim < 1 or cov_factor.ndim < 2:
            raise ValueError(
                "loc must be at least one-dimensional and cov_factor two-dimensional, got "
                f"{loc.shape} and {cov_factor.shape}"
            )
        n = loc.shape[-1]
        if cov_factor.shape[-2] != n or cov_diag.shape[-1:] != (n,):
            raise ValueError(
                f"cov_factor must be a batch of matrices {n} x m and cov_diag of vectors of {n}, "
                f"got {cov_factor.shape} and {cov_diag.shape}"
            )
        batch_shape = ops.broadcast_shapes(
            loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
        )
        self.loc = loc.expand((*batch_shape, n))
        self.cov_factor = cov_factor.expand((*batch_shape, n, cov_factor.shape[-1]))
        self.cov_diag = cov_diag.expand((*batch_shape, n))
        super().__init__(batch_shape, (n,), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LowRankMultivariateNormal:
        shape, k = (*batch_shape, *self.event_shape), self.cov_factor.shape[-1]
        return type(self)(
            self.loc.expand(shape),
            self.cov_factor.expand((*shape, k)),
            self.cov_diag.expand(shape),
            validate_args=self._validate_args,
        )

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.cov_factor.pow(2).sum(-1) + self.cov_diag

    @property
    def covariance_matrix(self) -> Tensor:
        return self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()

    @property
    def scale_tril(self) -> Tensor:
        return cholesky(self.covariance_matrix)

    @property
    def precision_matrix(self) -> Tensor:
        return ops.cholesky_inverse(self.scale_tril)

    def _full(self) -> MultivariateNormal:
        covariance = self.covariance_matrix
        return MultivariateNormal(self.loc, covariance, validate_args=False)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        common = blank(self.loc, (*shape[:-1], self.cov_factor.shape[-1])).normal_()
        own = blank(self.loc, shape).normal_()
        return self.loc + _times(self.cov_factor, common) + self.cov_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return self._full().log_prob(value)

    def entropy(self) -> Tensor:
        return self._full().entropy()


class MixtureSameFamily(Distribution):
    """One of K distributions, drawn by a Categorical: the last of the component's batch dimensions.

    >>> import minitorch_cnn as mt
    >>> d = mt.distributions
    >>> two = d.Normal(mt.tensor([-1.0, 1.0]), mt.tensor([0.1, 0.1]))
    >>> d.MixtureSameFamily(d.Categorical(mt.ones(2)), two).mean
    tensor(0.)
    """

    arg_constraints = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an instance of distributions.Categorical, "
                f"got {mixture_distribution!r}"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of distributions.Distribution, "
                f"got {component_distribution!r}"
            )
        shape, weights = component_distribution.batch_shape, mixture_distribution.batch_shape
        for a, b in zip(reversed(weights), reversed(shape[:-1]), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({weights}) is not compatible with "
                    f"`component_distribution.batch_shape`({shape})"
                )
        k = mixture_distribution.param_shape[-1]
        if k != shape[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({k}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({shape[-1]})"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(shape[:-1], event_shape, validate_args)

    @property
    def mixture_distribution(self) -> Categorical:
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        return self._component_distribution

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return False

    @constraints.dependent_property()
    def support(self) -> Any:
        return self._component_distribution.support

    def expand(self, batch_shape: Any, _instance: Any = None) -> MixtureSameFamily:
        k = self._component_distribution.batch_shape[-1]
        return type(self)(
            self._mixture_distribution.expand(batch_shape),
            self._component_distribution.expand((*batch_shape, k)),
            self._validate_args,
        )

    def _weights(self) -> Tensor:
        probs = self._mixture_distribution.probs
        return probs.reshape(*probs.shape, *[1] * self._event_ndims)

    @property
    def mean(self) -> Tensor:
        dim = -1 - self._event_ndims
        return (self._weights() * self._component_distribution.mean).sum(dim)

    @property
    def variance(self) -> Tensor:
        dim, weights = -1 - self._event_ndims, self._weights()
        within = (weights * self._component_distribution.variance).sum(dim)
        away = self._component_distribution.mean - self.mean.unsqueeze(dim)
        return within + (weights * away.pow(2)).sum(dim)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            which = self._mixture_distribution.sample(sample_shape)
            drawn = self._component_distribution.sample(sample_shape)
            which = which.reshape(*which.shape, *[1] * (self._event_ndims + 1))
            shape = list(drawn.shape)
            shape[dim] = 1
            return drawn.gather(dim, which.expand(shape)).squeeze(dim)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        each = self._component_distribution.log_prob(value.unsqueeze(-1 - self._event_ndims))
        weights = ops.log_softmax(self._mixture_distribution.logits, -1)
        return ops.logsumexp(each + weights, -1)

    def cdf(self, value: Tensor) -> Tensor:
        each = self._component_distribution.cdf(value.unsqueeze(-1 - self._event_ndims))
        return (each * self._mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
