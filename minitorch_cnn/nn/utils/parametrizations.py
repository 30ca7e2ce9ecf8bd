"""Weights that stay normal or orthogonal, as parametrizations."""

from __future__ import annotations

from typing import Any

from ...autograd.modes import no_grad
from ...dtypes import finfo
from ...ops import allclose, cat, eye, geqrf, matrix_exp, randn
from ...ops.breadth.linalg_decompositions import householder_product, qr
from ...ops.breadth.linalg_solvers import solve
from ...ops.normalization import normalize
from ...tensor import Tensor
from .. import init
from ..modules.module import Module
from .parametrize import register_parametrization
from .spectral_norm import as_matrix, check_iterations, dim_of_outputs
from .weight_norm import norm_except

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """g v / |v|, from its length and its direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """`nn.utils.weight_norm` as a parametrization: original0, the length, original1, the direction.

    A state dict of the older form, with name_g and name_v, can be loaded. Shapes and errors as
    there. Returns the module.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.parametrizations.weight_norm(mt.nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    minitorch_cnn.Size([40, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: Any, prefix: str, *rest: Any) -> None:
        for index, letter in enumerate("gv"):
            old = f"{prefix}{name}_{letter}"
            if old in state_dict:
                state_dict[f"{prefix}parametrizations.{name}.original{index}"] = state_dict.pop(old)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """The weight over its largest singular value, which is followed by the power iteration."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        check_iterations(n_power_iterations)
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})"
            )
        self.dim, self.eps, self.n_power_iterations = dim, eps, n_power_iterations
        if weight.ndim > 1:
            with no_grad():
                matrix = as_matrix(weight, dim)
                u, v = (init.normal_(weight.new_empty(n)) for n in matrix.shape)
                self.register_buffer("_u", normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", normalize(v, dim=0, eps=eps))
                self._improve(matrix, 15)  # so that it is near the truth at once

    def _improve(self, matrix: Tensor, steps: int) -> None:
        with no_grad():
            for _ in range(steps):
                self._u.copy_(normalize(matrix @ self._v, dim=0, eps=self.eps))
                self._v.copy_(normalize(matrix.mT @ self._u, dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._improve(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # backward needs them as they are now
        return weight / u.dot(matrix @ v)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """`nn.utils.spectral_norm` as a parametrization, which also divides a parameter (n,).

    Arguments as there. Returns the module. Raises ValueError for n_power_iterations below 1 or no
    such parameter, IndexError for a dim that is not there.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.parametrizations.spectral_norm(mt.nn.Linear(20, 40))
    >>> abs(mt.linalg.matrix_norm(layer.weight, 2).item() - 1) < 0.1
    True
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = dim_of_outputs(module) if dim is None else dim
    function = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return register_parametrization(module, name, function)


def _orthonormal(A: Tensor) -> Tensor:
    """Q of A = Q R, with the signs that make R's diagonal positive."""
    Q, R = qr(A)
    return Q * R.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, if it is wide) from any matrix of that shape.

    With a base B the matrix is B q(X), and X begins where q(X) is the identity.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        if wide:
            X = X.mT
        if self.orthogonal_map == "householder":
            below = X.tril(-1)
            Q = householder_product(below, 2.0 / (1.0 + (below * below).sum(dim=-2)))
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            Q = self._of_skew_symmetric(X)
        if self.use_trivialization:
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _of_skew_symmetric(self, X: Tensor) -> Tensor:
        """exp(A), or the Cayley map (1 + A/2) / (1 - A/2): orthogonal if A is skew-symmetric."""
        n, k = X.shape[-2:]
        lower = X.tril()
        if n != k:
            lower = cat([lower, X.new_zeros(*X.shape[:-1], n - k)], -1)
        A = lower - lower.mT
        if self.orthogonal_map == "matrix_exp":
            Q = matrix_exp(A)
        else:
            one = eye(n, dtype=A.dtype, device=A.device)
            Q = solve(one - 0.5 * A, one + 0.5 * A)
        return Q[..., :k]

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {Q.shape}."
            )
        start = Q
        n, k = Q.shape[-2:]
        if wide := n < k:
            Q, n, k = Q.mT, k, n
        if self.use_trivialization:
            if n == k and self._is_orthogonal(Q):
                self.base = Q.clone()
            else:  # more columns are drawn until the base is square
                more = randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype, device=Q.device)
                self.base = _orthonormal(Q if n == k else cat([Q, more], -1))
            minus_one = start.new_zeros(start.shape)
            minus_one.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return minus_one
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        A, tau = geqrf(Q)
        diagonal = A.diagonal(dim1=-2, dim2=-1)
        diagonal.sign_()
        diagonal[tau == 0] *= -1
        return A.mT if wide else A

    @staticmethod
    def _is_orthogonal(Q: Tensor) -> bool:
        n = Q.shape[-1]
        one = eye(n, dtype=Q.dtype, device=Q.device)
        return allclose(Q.mT @ Q, one, atol=10.0 * n * finfo(Q.dtype).eps)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keeps a parameter (..., n, k) orthogonal: its columns, or rows if k > n, are orthonormal.

    orthogonal_map: how the matrix comes from the unconstrained parameter. "matrix_exp" or "cayley"
    of a skew-symmetric matrix, or "householder", a product of reflections; by default matrix_exp
    for square matrices, else householder.
    use_trivialization: times a base, so that the weight can be assigned and training starts from
    what it was (Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds",
    2019). Without, householder alone can be assigned.

    Returns the module. Raises ValueError for no such parameter, fewer than two dimensions or
    another map.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.utils.parametrizations.orthogonal(mt.nn.Linear(20, 40))
    >>> mt.dist(layer.weight.mT @ layer.weight, mt.eye(20)).item() < 1e-4
    True
    """
    weight: Any = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: '
            f"{orthogonal_map}"
        )
    function = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, function, unsafe=True)
