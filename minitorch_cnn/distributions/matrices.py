"""Random matrices: Wishart's covariances, and Cholesky factors of correlations."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd.modes import enable_grad
from ..dtypes import finfo
from ..ops.breadth.linalg_decompositions import cholesky
from ..ops.breadth.linalg_solvers import solve_triangular
from ..tensor import Tensor
from . import constraints
from .distribution import Distribution, ExponentialFamily, blank, broadcast_all
from .gamma import Beta, Chi2
from .multivariate import FORMS, one_of_the_forms
from .utils import vec_to_tril_matrix


def _log_diagonal(factor: Tensor) -> Tensor:
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


class Wishart(ExponentialFamily):
    """Covariance matrices (..., n, n): X X^T of n rows of df normally distributed numbers.

    df: more than n - 1. One of covariance_matrix (of each column of X), precision_matrix, its
    inverse, and scale_tril, its Cholesky factor, (..., n, n).

    >>> import minitorch_cnn as mt
    >>> wishart = mt.distributions.Wishart(3.0, mt.eye(2))
    >>> wishart.mean, wishart.rsample((5,)).shape
    (tensor([[3., 0.],
            [0., 3.]]), minitorch_cnn.Size([5, 2, 2]))
    """

    arg_constraints = {**FORMS, "df": constraints.positive}
    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._given, matrix = one_of_the_forms(covariance_matrix, precision_matrix, scale_tril)
        n = matrix.shape[-1]
        df = df if isinstance(df, Tensor) else matrix.new_tensor(df)
        batch_shape = ops.broadcast_shapes(df.shape, matrix.shape[:-2])
        self.df = df.expand(batch_shape)
        matrix = matrix.expand((*batch_shape, n, n))
        setattr(self, self._given, matrix)
        if bool((self.df <= n - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {n - 1}.")
        super().__init__(batch_shape, (n, n), validate_args)
        if self._given == "covariance_matrix":
            self.scale_tril = cholesky(matrix)
        elif self._given == "precision_matrix":
            self.scale_tril = cholesky(ops.cholesky_inverse(cholesky(matrix)))
        degrees = self.df.unsqueeze(-1) - ops.arange(n, dtype=self.df.dtype, device=self.df.device)
        self._chi2 = Chi2(degrees, False)

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

    def expand(self, batch_shape: Any, _instance: Any = None) -> Wishart:
        shape = (*batch_shape, *self.event_shape)
        matrix = {self._given: self.__dict__[self._given].expand(shape)}
        return type(self)(self.df.expand(batch_shape), **matrix, validate_args=self._validate_args)

    @property
    def _wide_df(self) -> Tensor:
        return self.df[..., None, None]

    @property
    def mean(self) -> Tensor:
        return self._wide_df * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self.event_shape[0] - 1
        return ops.where(factor <= 0, math.nan, factor)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._wide_df * (v.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Bartlett's way: a triangular matrix of chi and normally distributed numbers, squared."""
        n = self.event_shape[0]
        diagonal = self._chi2.rsample(sample_shape).sqrt().diag_embed()
        shape = (*self._extended_shape(sample_shape)[:-2], n * (n - 1) // 2)
        below = vec_to_tril_matrix(blank(self.df, shape).normal_(), diag=-1) if n > 1 else 0.0
        factor = self.scale_tril @ (diagonal + below)
        return factor @ factor.mT

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n, df = self.event_shape[0], self.df
        factor = cholesky(value)
        ratio = solve_triangular(self.scale_tril, factor, upper=False)
        scale = df * (n * math.log(2.0) / 2 + _log_diagonal(self.scale_tril))
        density = (df - n - 1) * _log_diagonal(factor) - ratio.pow(2).sum((-2, -1)) / 2
        return density - scale - ops.mvlgamma(df / 2, n)

    def entropy(self) -> Tensor:
        n, df = self.event_shape[0], self.df
        steps = ops.arange(n, dtype=df.dtype, device=df.device) / 2
        digammas = ops.digamma(df.unsqueeze(-1) / 2 - steps).sum(-1)
        scale = (n + 1) * (n * math.log(2.0) / 2 + _log_diagonal(self.scale_tril))
        return scale + ops.mvlgamma(df / 2, n) - (df - n - 1) / 2 * digammas + df * n / 2

    def __repr__(self) -> str:
        df, matrix = self.df, self.__dict__[self._given]
        return f"Wishart({self._given}: {matrix.shape}, df: {df if df.numel() == 1 else df.shape})"


class LKJCholesky(Distribution):
    """Cholesky factors L (dim, dim) of correlation matrices: density ~ det(L L^T)^(eta - 1).

    concentration: eta. At 1 all correlation matrices are equally likely, above it those near the
    identity are more likely. Lewandowski, Kurowicka and Joe, "Generating random correlation
    matrices based on vines and extended onion method", 2009.

    >>> import minitorch_cnn as mt
    >>> factor = mt.distributions.LKJCholesky(3, 1.0).sample()
    >>> mt.allclose((factor @ factor.mT).diagonal(), mt.ones(3))
    True
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        # The square of a row's length before the diagonal is beta distributed.
        like = self.concentration
        offset = ops.arange(dim - 1, dtype=like.dtype, device=like.device)
        offset = ops.cat([offset.new_zeros((1,)), offset])
        high = like.unsqueeze(-1) + 0.5 * (dim - 2)
        self._beta = Beta(offset + 0.5, high - 0.5 * offset, False)
        super().__init__(like.shape, (dim, dim), validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> LKJCholesky:
        return type(self)(self.dim, self.concentration.expand(batch_shape), self._validate_args)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """The onion method: each row is a random direction of a random length."""
        y = self._beta.sample(sample_shape).unsqueeze(-1)
        shape = self._extended_shape(sample_shape)
        normal = blank(self.concentration.detach(), shape).normal_().tril(-1)
        length = normal.norm(dim=-1, keepdim=True)
        direction = normal / ops.where(length == 0, 1.0, length)  # the first row is empty
        rows = y.sqrt() * direction
        rest = 1 - rows.pow(2).sum(-1)
        return rows + rest.clamp(min=finfo(y.dtype).tiny).sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        eta, n = self.concentration, self.dim - 1
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        order = self.dim - ops.arange(2, self.dim + 1, dtype=eta.dtype, device=eta.device)
        powers = ((2 * (eta - 1)).unsqueeze(-1) + order) * diagonal.log()
        alpha = eta + 0.5 * n
        volume = 0.5 * n * math.log(math.pi) + ops.mvlgamma(alpha - 0.5, n) - ops.lgamma(alpha) * n
        return powers.sum(-1) - volume
