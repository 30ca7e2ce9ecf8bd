"""Instance normalisation: every channel of every sample by itself."""

from __future__ import annotations

import warnings
from typing import Any

from ...tensor import Tensor
from ..functional import instance_norm
from .batchnorm import _RunningNorm

__all__ = ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"]


class _InstanceNorm(_RunningNorm):
    """Normalises every channel of every sample by itself. A subclass says how many dimensions."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def _get_no_batch_dim(self) -> int:
        """The dimensions of a sample without a batch, by torch's name: for classes of users."""
        raise NotImplementedError(f"{type(self).__name__} does not define _get_no_batch_dim()")

    def _check_input_dim(self, input: Tensor) -> None:
        dims = self._get_no_batch_dim()
        if input.ndim not in (dims, dims + 1):
            raise ValueError(f"expected {dims}D or {dims + 1}D input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        dims = self._get_no_batch_dim()
        where, channels = input.ndim - dims, input.shape[-dims]
        if channels != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={where} to match num_features "
                    f"({self.num_features}), but got: {channels}."
                )
            warnings.warn(
                f"input's size at dim={where} does not match num_features: {channels} and "
                f"{self.num_features}, which is not used because affine=False",
                stacklevel=3,
            )
        alone = input.ndim == dims  # one sample without a batch
        y = instance_norm(
            input.unsqueeze(0) if alone else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return y.squeeze(0) if alone else y


class InstanceNorm1d(_InstanceNorm):
    """Normalises every channel of every sequence (N, C, L) or (C, L) by itself.

    Arguments, formula and errors are those of `InstanceNorm2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.InstanceNorm1d(2)(mt.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """

    def _get_no_batch_dim(self) -> int:
        return 2


class InstanceNorm2d(_InstanceNorm):
    """Normalises every channel of every image of (N, C, H, W) or (C, H, W) by itself.

    y = (x - mean) / sqrt(var + eps), over the pixels of one channel; so contrast and brightness of
    an image are lost, as for the transfer of style. affine: learn weight and bias (num_features,),
    at first 1 and 0. track_running_stats: keep averages, and use them in eval mode. Raises
    ValueError for input of other dimensions, for a single pixel, and, with affine, for
    another number of channels. Ulyanov et al., "Instance normalization: the missing ingredient for
    fast stylization", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.InstanceNorm2d(1)(mt.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    def _get_no_batch_dim(self) -> int:
        return 3


class InstanceNorm3d(_InstanceNorm):
    """`InstanceNorm2d` for volumes (N, C, D, H, W) or (C, D, H, W).

    Arguments, formula and errors are those of `InstanceNorm2d`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.InstanceNorm3d(1)(mt.tensor([[[[1.0, 3.0]]]]))
    tensor([[[[-1.0000,  1.0000]]]])
    """

    def _get_no_batch_dim(self) -> int:
        return 4
