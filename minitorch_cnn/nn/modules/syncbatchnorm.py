"""Batch normalisation over the batches of several processes."""

from __future__ import annotations

from typing import Any

from ... import distributed, kernels
from ...autograd.function import Function
from ...autograd.modes import is_grad_enabled
from ...backend import array_module
from ...kernels import compute_type
from ...ops.batch_norm import BatchNorm, move_towards
from ...ops.standardize import per_channel
from ...tensor import Tensor, shape_text, wrap
from ..functional import batch_norm
from .batchnorm import _BatchNorm
from .module import Module

__all__ = ["SyncBatchNorm"]


class SumOverGroup(Function):
    """The sum of x (any shape) over the processes of a group, which all of them get"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: Any) -> Tensor:
        ctx.group = group
        y = wrap(x.array.copy())
        distributed.all_reduce(y, group=group)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # Every process has a loss, and each of them depends on this x through that process's y.
        return SumOverGroup.apply(gy, ctx.group), None


class NormaliseOverGroup(Function):
    """`BatchNorm` with mean and var (C) of all processes: `count` numbers for each channel"""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        var: Tensor,
        count: int,
        eps: float,
        group: Any,
    ) -> Tensor:
        ctx.count, ctx.group = count, group
        return BatchNorm.forward(ctx, x, weight, bias, mean, var, eps, True)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, weight, mean, var = ctx.saved_tensors
        gradients = recorded_gradients if is_grad_enabled() else bare_gradients
        gx, gweight, gbias = gradients(ctx, gy, x, weight, mean, var)
        needs = ctx.needs_input_grad
        return gx, gweight if needs[1] else None, gbias if needs[2] else None, *[None] * 5


def bare_gradients(
    ctx: Any, gy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor
) -> tuple:
    """Of x, weight and bias. The two sums that gx needs are over all processes, see
    `kernels.batch_norm_backward`; those of weight and bias are this process's own, to be averaged
    like all gradients.
    """
    xp, kind = array_module(x.array), compute_type(x.array)
    numbers, gys = x.array.astype(kind, copy=False), gy.array.astype(kind, copy=False)
    invstd = 1 / xp.sqrt(var.array.astype(kind) + ctx.eps)
    a = invstd if weight is None else weight.array.astype(kind) * invstd
    means = mean.array.astype(kind)
    gx, gweight, gbias, _ = kernels.batch_norm_backward(
        gys, numbers, None if weight is None else weight.array, means, invstd, False, None, False
    )
    sums = wrap(xp.stack([gweight, gbias]).astype(kind, copy=False))
    distributed.all_reduce(sums, group=ctx.group)
    b = -a * invstd * sums.array[0] / ctx.count
    c = -a * sums.array[1] / ctx.count - b * means
    row = (-1, *[1] * (x.ndim - 2))  # a number for each channel, along (N, C, ...)
    gx += numbers * b.reshape(row)
    gx += c.reshape(row)
    return wrap(gx.astype(x.array.dtype, copy=False)), wrap(gweight), wrap(gbias)


def recorded_gradients(
    ctx: Any, gy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor
) -> tuple:
    """The same in differentiable operations, for gradients of gradients."""
    dims = (0, *range(2, x.ndim))

    def average(y: Tensor) -> Tensor:
        return per_channel(SumOverGroup.apply(y.sum(dim=dims), ctx.group) / ctx.count, x)

    deviation = x - average(x)
    invstd = (average(deviation * deviation) + ctx.eps).rsqrt()
    xhat = deviation * invstd
    gxhat = gy if weight is None else gy * per_channel(weight, x)
    gx = invstd * (gxhat - average(gxhat) - xhat * average(gxhat * xhat))
    return gx, (gy * xhat).sum(dim=dims), gy.sum(dim=dims)


def group_statistics(x: Any, group: Any) -> tuple[Any, Any, int]:
    """Mean and variance (C) of all processes' numbers in each channel, and how many they are.

    By the law of total variance, as in `kernels.channel_mean_var`, from everybody's own mean and
    variance. In float64, and in the order of ranks: all get the same.
    """
    xp, C = array_module(x), x.shape[1]
    count = x.size // C
    mine = xp.zeros(2 * C + 1)
    if count:
        mean, var = kernels.channel_mean_var(x)
        mine[:C], mine[C:-1], mine[-1] = mean, var, count
    parts = [wrap(xp.zeros_like(mine)) for _ in range(distributed.get_world_size(group))]
    distributed.all_gather(parts, wrap(mine), group=group)
    all_ = xp.stack([part.array for part in parts])
    means, variances, counts = all_[:, :C], all_[:, C:-1], all_[:, -1:]
    total = int(counts.sum())
    weights = counts / max(total, 1)
    mean = (weights * means).sum(0)
    var = (weights * (variances + (means - mean) ** 2)).sum(0)
    return mean, var, total


class SyncBatchNorm(_BatchNorm):
    """Batch norm of (N, C, ...) whose mean and variance are those of all processes' batches.

    For small batches on each process. In training mode every forward and backward waits for the
    others, who must call it as often; N may differ, or be 0. In eval mode, and in a group of one,
    it is `BatchNorm2d`, as are arguments, formula and state dict. process_group: default all.
    Gradients of weight and bias are those of this process, for `DistributedDataParallel`.

    Raises ValueError for input of one dimension, without channels, or with one value for each
    channel in all processes together; RuntimeError for another number of channels.

    >>> import minitorch_cnn as mt
    >>> net = mt.nn.Sequential(mt.nn.Conv2d(3, 8, 3), mt.nn.BatchNorm2d(8))
    >>> mt.nn.SyncBatchNorm.convert_sync_batchnorm(net)[1]
    SyncBatchNorm(8, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input)")
        if input.shape[1] == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None,
        bias: Tensor | None,
        use_batch: bool,
        momentum: float,
        eps: float,
    ) -> Tensor:
        group = self.process_group
        together = self.training and distributed.is_initialized()
        if not together or distributed.get_world_size(group) == 1:
            return batch_norm(
                input, running_mean, running_var, weight, bias, use_batch, momentum, eps
            )
        if input.shape[1] != self.num_features:
            raise RuntimeError(
                f"running_mean should contain {input.shape[1]} elements not {self.num_features}"
            )
        mean, var, count = group_statistics(input.array, group)
        if count <= 1:
            raise ValueError(
                "Expected more than 1 value per channel when training, got input size "
                f"{shape_text(input.shape)}, and {count} in all processes"
            )
        move_towards(running_mean, mean, momentum)
        move_towards(running_var, var * (count / (count - 1)), momentum)
        kind = compute_type(input.array)
        mean, var = wrap(mean.astype(kind)), wrap(var.astype(kind))
        return NormaliseOverGroup.apply(input, weight, bias, mean, var, count, eps, group)

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with a SyncBatchNorm in the place of every batch norm, which it takes over:
        parameters, running averages and settings. A network is changed in place and returned.

        >>> import minitorch_cnn as mt
        >>> net = mt.nn.Sequential(mt.nn.BatchNorm1d(4), mt.nn.ReLU())
        >>> mt.nn.SyncBatchNorm.convert_sync_batchnorm(net) is net
        True
        >>> list(net.state_dict())[-1]
        '0.num_batches_tracked'
        """
        result = module
        if isinstance(module, _BatchNorm):
            result = cls(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            # The very tensors, whatever their device and dtype: an optimizer may hold them.
            result._parameters.update(module._parameters)
            result._buffers.update(module._buffers)
            result.training = module.training
        for name, child in list(module._modules.items()):
            if child is not None:
                result.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return result
