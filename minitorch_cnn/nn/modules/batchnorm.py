"""Batch normalisation, and the running averages that it and instance normalisation keep."""

from __future__ import annotations

from typing import Any

from ... import dtypes
from ...ops.arguments import as_int, as_number, as_tensor
from ...ops.batch_norm import batch_norm
from ...ops.creation import empty, ones, zeros
from ...tensor import Tensor
from .. import init
from ..parameter import Parameter
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"]


class _RunningNorm(Module):
    """Parameters weight and bias, and the running averages, all (num_features)."""

    weight: Parameter  # None without affine
    bias: Parameter
    running_mean: Tensor  # None without track_running_stats
    running_var: Tensor
    num_batches_tracked: Tensor
    _version = 2  # since num_batches_tracked is in the state dict

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        device: Any,
        dtype: Any,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if affine or track_running_stats:  # else nobody needs the number
            num_features = as_int(type(self).__name__, "num_features", num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        options: dict[str, Any] = dict(device=device, dtype=dtype)
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            parameter = Parameter(empty(num_features, **options)) if wanted else None
            self.register_parameter(name, parameter)
        mean = var = count = None
        if track_running_stats:
            mean, var = zeros(num_features, **options), ones(num_features, **options)
            count = zeros((), dtype=dtypes.int64, device=device)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", var)
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        *args: Any,
    ) -> None:
        version, name = local_metadata.get("version"), prefix + "num_batches_tracked"
        if (version is None or version < 2) and self.num_batches_tracked is not None:
            state_dict.setdefault(name, self.num_batches_tracked)  # older files do not have it
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *args)

    def reset_running_stats(self) -> None:
        """Mean 0, variance 1, no batch seen."""
        if self.track_running_stats:
            init.zeros_(self.running_mean)
            init.ones_(self.running_var)
            init.zeros_(self.num_batches_tracked)

    def reset_parameters(self) -> None:
        """weight 1 and bias 0, and the running averages as new."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


_NormBase = _RunningNorm  # torch's name


class _BatchNorm(_RunningNorm):
    _normalise: Any = staticmethod(batch_norm)  # SyncBatchNorm has another

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias
        )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(as_tensor("batch_norm", "input", input))
        mean: Tensor | None = self.running_mean
        var: Tensor | None = self.running_var
        momentum = 0.0 if self.momentum is None else self.momentum
        if type(momentum) is not float:
            momentum = as_number("batch_norm", "momentum", momentum)
        update = self.training and self.track_running_stats
        count = self.num_batches_tracked if update else None
        if count is not None:
            count.array += 1
            count._bump_version()
            if self.momentum is None:  # the plain average over all batches so far
                momentum = 1.0 / count.item()
        # In eval mode without running averages there is nothing but the batch to go by.
        use_batch = self.training or mean is None or var is None
        if use_batch and not update:
            mean = var = None
        settings = use_batch, momentum, self.eps
        return self._normalise(input, mean, var, self.weight, self.bias, *settings)


class BatchNorm1d(_BatchNorm):
    """Normalises each feature of (N, C), or each channel of (N, C, L), over the batch.

    Arguments, formula and errors as `BatchNorm2d` (ValueError for input that is not 2D or 3D).

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.BatchNorm1d(1)
    >>> layer(mt.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    >>> layer.running_mean, layer.running_var  # 0.9 old + 0.1 new: the mean is 2, the variance too
    (tensor([0.2000]), tensor([1.1000]))
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.ndim}D input)")


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of (N, C, H, W) over the batch and all pixels.

    y = (x - mean) / sqrt(var + eps) * weight + bias. In training mode mean and (biased) variance
    are the batch's, and running_mean and running_var move towards them by `momentum` (None: they
    are the plain averages of all batches), the variance unbiased; in eval mode they are used
    instead. affine: learn weight (num_features,), at first 1, and bias (num_features,), at first 0.
    track_running_stats: False keeps no averages and always uses the batch.
    Raises ValueError for input of other dimensions, and in training for one value in each channel;
    RuntimeError for another number of channels. Ioffe and Szegedy, "Batch normalization:
    accelerating deep network training by reducing internal covariate shift", 2015.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.BatchNorm2d(16)
    >>> layer(mt.zeros(2, 16, 4, 4)).shape, layer.num_batches_tracked
    (minitorch_cnn.Size([2, 16, 4, 4]), tensor(1))
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim != 4:
            raise ValueError(f"expected 4D input (got {input.ndim}D input)")


class BatchNorm3d(_BatchNorm):
    """`BatchNorm2d` for volumes: normalises each channel of (N, C, D, H, W).

    Arguments and errors as `BatchNorm2d`, for input that is not 5D.

    >>> import minitorch_cnn as mt
    >>> layer = mt.nn.BatchNorm3d(1)
    >>> layer(mt.tensor([1.0, 3.0]).reshape(1, 1, 2, 1, 1)).flatten().detach()
    tensor([-1.0000,  1.0000])
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim != 5:
            raise ValueError(f"expected 5D input (got {input.ndim}D input)")
