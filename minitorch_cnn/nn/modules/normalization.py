"""Normalisation layers without running averages: group, layer, RMS and local response norm."""

from __future__ import annotations

from typing import Any

from ...ops.arguments import as_int, as_ints
from ...ops.creation import empty
from ...tensor import Tensor
from .. import init
from ..functional import group_norm, layer_norm, local_response_norm, rms_norm
from ..parameter import Parameter
from .module import Module
from .utils import _ntuple

__all__ = ["GroupNorm", "LayerNorm", "RMSNorm", "LocalResponseNorm"]


class GroupNorm(Module):
    """Normalises groups of num_channels / num_groups channels of each sample of (N, C, ...).

    y = (x - mean) / sqrt(var + eps) * weight + bias, mean and biased variance over a group and all
    its pixels: the same in training and evaluation, whatever the batch. affine: learn weight
    (num_channels,), at first 1, and (unless bias is False) bias (num_channels,), at first 0.
    Raises ValueError if num_groups does not divide num_channels, or for a single number in all;
    RuntimeError for another number of channels. Wu and He, "Group normalization", 2018.

    >>> import minitorch_cnn as mt
    >>> mt.nn.GroupNorm(2, 4)(mt.tensor([[1.0, 3.0, 10.0, 30.0]])).detach()
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """

    weight: Parameter  # None without affine parameters
    bias: Parameter

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        num_groups = as_int("GroupNorm", "num_groups", num_groups)
        num_channels = as_int("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups, self.num_channels = num_groups, num_channels
        self.eps, self.affine = eps, affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            values = empty(num_channels, device=device, dtype=dtype) if wanted else None
            self.register_parameter(name, None if values is None else Parameter(values))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1 and bias 0."""
        _ones_and_zeros(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LayerNorm(Module):
    """Normalises over the last dimensions, whose lengths are normalized_shape (int or tuple).

    (..., normalized_shape) keeps its shape. y = (x - mean) / sqrt(var + eps) * weight + bias, with
    the biased variance. elementwise_affine: learn weight, at first 1, and (unless bias is False)
    bias, at first 0, both normalized_shape. Raises RuntimeError if the input does not end in
    normalized_shape. Ba et al., "Layer normalization", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LayerNorm(2)(mt.tensor([[1.0, 3.0], [10.0, 30.0]])).detach()
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    weight: Parameter  # None without affine parameters
    bias: Parameter

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(self, normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, wanted in (
            ("weight", elementwise_affine),
            ("bias", elementwise_affine and bias),
        ):
            values = empty(self.normalized_shape, device=device, dtype=dtype) if wanted else None
            self.register_parameter(name, None if values is None else Parameter(values))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1 and bias 0."""
        _ones_and_zeros(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divides by the root of the mean square over the last dimensions: x / sqrt(mean(x^2) + eps).

    Shapes as `LayerNorm`, without mean and bias. normalized_shape: int or tuple, the last lengths.
    eps None: the smallest step of the dtype at 1. elementwise_affine: a weight of normalized_shape,
    at first 1. Raises RuntimeError if the input does not end in normalized_shape. Zhang and
    Sennrich, "Root mean square layer normalization", 2019.

    >>> import minitorch_cnn as mt
    >>> mt.nn.RMSNorm(2)(mt.tensor([1.0, 7.0])).detach()  # sqrt((1 + 49) / 2) = 5
    tensor([0.2000, 1.4000])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(self, normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype))
        else:
            self.register_parameter("weight", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """weight 1."""
        _ones_and_zeros(self.weight, None)

    def forward(self, input: Tensor) -> Tensor:
        return rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class LocalResponseNorm(Module):
    """x / (k + alpha mean)^beta, with the mean of x^2 over `size` neighbouring channels.

    input: (N, C, ...), at least 3 dimensions. Beyond the first and last channel the squares are 0.
    Raises ValueError for fewer dimensions or size < 1. Krizhevsky et al., "ImageNet classification
    with deep convolutional neural networks", 2012.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.LocalResponseNorm(2, alpha=2.0, beta=1.0)
    >>> layer(mt.tensor([[[1.0], [3.0]]])).flatten()  # 1 / (1 + 0 + 1), 3 / (1 + 1 + 9)
    tensor([0.5000, 0.2727])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape(module: Module, normalized_shape: Any) -> tuple[int, ...]:
    shape = _ntuple(1)(normalized_shape)
    return as_ints(type(module).__name__, "normalized_shape", shape)


def _ones_and_zeros(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)
