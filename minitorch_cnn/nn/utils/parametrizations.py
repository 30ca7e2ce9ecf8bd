"""Weights that stay normal, as parametrizations: torch's newer forms of both normalisations."""

from __future__ import annotations

from typing import Any

from ...autograd.modes import no_grad
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


def orthogonal(*args: Any, **kwargs: Any) -> Any:
    """Not supported: raises NotImplementedError. `nn.init.orthogonal_` gives initial values."""
    raise NotImplementedError(
        "nn.utils.parametrizations.orthogonal is not supported: there is nn.init.orthogonal_ for "
        "the initial values"
    )
