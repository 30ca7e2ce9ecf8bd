"""Batch normalisation.

A batch norm takes two passes over its input: one for mean and variance, one that writes
y = x * scale + shift. The second one is put off (autograd/deferred.py): a residual and a ReLU that
follow are done in the same pass, forward as well as backward.
"""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..autograd.deferred import Deferred, MaskedGradient, before_write, written_by_kernel
from ..autograd.function import Function
from ..autograd.modes import is_grad_enabled
from ..backend import ahead
from ..kernels import compute_type
from ..tensor import Tensor, later, may_run_ahead, running, shape_text
from .common import same_device
from .standardize import Standardize, per_channel, standardize_gradient

__all__ = ["batch_norm"]


class BatchNorm(Function):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with a number of each for each channel

    batch_statistics: mean and var are those of x itself, and depend on it; otherwise constants.
    """

    runs_ahead = True

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,
        var: Tensor,
        eps: float,
        batch_statistics: bool,
    ) -> Tensor:
        ctx.eps, ctx.batch_statistics = eps, batch_statistics
        ctx.save_for_backward(x, weight, mean, var)
        array = x.arriving
        w, b = (None if each is None else each.arriving for each in (weight, bias))
        ctx.invstd, scale, shift = kernels.scale_and_shift(mean.arriving, var.arriving, w, b, eps)

        def kernel(relu: bool, residual: Any = None) -> Any:
            return kernels.batch_norm_forward(array, scale, shift, residual, relu)

        put_off = Deferred(kernel, array.shape, (array,), takes_relu=True, takes_residual=True)
        return later(put_off, x)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, weight, mean, var = ctx.saved_tensors
        if is_grad_enabled():
            # Somebody will differentiate this gradient: the same formulas, recorded.
            gx, gweight, gbias = BatchNorm.recorded_backward(ctx, gy, x, weight, mean, var)
        else:
            gx, gweight, gbias = BatchNorm.gradients(ctx, gy, x, weight, mean)
        needs = ctx.needs_input_grad
        gweight, gbias = gweight if needs[1] else None, gbias if needs[2] else None
        return gx, gweight, gbias, None, None, None, None

    @staticmethod
    def gradients(ctx: Any, gy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor) -> Any:
        """Of x, weight and bias. A ReLU's mask that gy waits for is applied on the way."""
        masked = gy._deferred
        if not isinstance(masked, MaskedGradient) or masked.kernel is None:
            masked = None
        unmasked, y = (gy.arriving, None) if masked is None else masked.sources
        start = ahead.start if may_run_ahead(gy, x, weight, mean) else ahead.completed
        *arrays, gresidual = start(
            kernels.batch_norm_backward,
            unmasked,
            x.arriving,
            None if weight is None else weight.arriving,
            mean.arriving,
            ctx.invstd,
            ctx.batch_statistics,
            y,
            masked is not None and masked.shared,
        )
        if masked is not None and gresidual is not None:
            masked.finish(gresidual)
        return [running(array) for array in arrays]

    @staticmethod
    def recorded_backward(
        ctx: Any, gy: Tensor, x: Tensor, weight: Tensor | None, mean: Tensor, var: Tensor
    ) -> tuple:
        dims = (0, *range(2, x.ndim))
        if ctx.batch_statistics:
            xhat, invstd = Standardize.apply(x, dims, ctx.eps)
        else:
            invstd = per_channel((var + ctx.eps).rsqrt(), x)
            xhat = (x - per_channel(mean, x)) * invstd
        gxhat = gy if weight is None else gy * per_channel(weight, x)
        if ctx.batch_statistics:
            gx = standardize_gradient(gxhat, xhat, invstd, dims)
        else:
            gx = gxhat * invstd
        return gx, (gy * xhat).sum(dim=dims), gy.sum(dim=dims)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalises each channel of (N, C, ...) over the batch and all pixels.

    training: with the mean and variance of this very batch; and running_mean, running_var (C),
    if given, move towards them: running = (1 - momentum) running + momentum batch, where the
    variance is the unbiased one. Otherwise with running_mean and running_var.
    weight, bias: (C,) or None. In float16 the sums are float32.
    Raises ValueError if there is one value per channel only (its deviation would be 0), and
    RuntimeError for vectors that are missing or of the wrong length.

    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training" (2015).

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0], [3.0]])
    >>> mt.nn.functional.batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    x = input.arriving
    if x.shape == (0,):  # torch takes this one as well
        return input.clone()
    if x.ndim < 2:
        raise RuntimeError(f"batch_norm expects (N, C, ...), got {shape_text(x.shape)}")
    C = x.shape[1]
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    vectors = running_mean, running_var, weight, bias
    same_device(input, *vectors)
    # float16 images may go with float32 statistics and parameters, nothing else is mixed.
    kinds = x.dtype, compute_type(x)
    names = "running_mean", "running_var", "weight", "bias"
    for name, vector in zip(names, vectors, strict=True):
        if vector is None:
            continue
        array = vector.arriving
        if array.shape != (C,):
            raise RuntimeError(f"{name} should contain {C} elements not {vector.numel()}")
        if array.dtype not in kinds:
            raise RuntimeError(
                f"batch_norm: {name} has type {vector.dtype}, but input has {input.dtype}"
            )
    if eps < 0 or (training and not eps > 0):  # nor NaN
        raise ValueError(f"batch_norm eps must be positive (in evaluation or 0), but got {eps}")
    eps = float(eps)  # a tensor of one number is taken, too
    if not training:
        return BatchNorm.apply(input, weight, bias, running_mean, running_var, eps, False)

    count = x.size // max(C, 1)
    if count == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{shape_text(input.shape)}"
        )
    if count == 0:  # an empty batch: nothing to normalise, and nothing to learn about averages
        return BatchNorm.apply(
            input, weight, bias, input.new_zeros(C), input.new_ones(C), eps, False
        )
    moved = [None if each is None else each.arriving for each in (running_mean, running_var)]
    for array in moved:
        if array is not None:
            before_write(array)
    start = ahead.start if may_run_ahead(input) else ahead.completed
    mean, var = start(kernels.channel_mean_var, x, *moved, momentum)
    for vector in (running_mean, running_var):
        if vector is not None:
            written_by_kernel(vector)
    return BatchNorm.apply(input, weight, bias, running(mean), running(var), eps, True)


def move_towards(running: Tensor | None, batch: Any, momentum: float) -> None:
    """running = (1 - momentum) running + momentum batch, in place and unrecorded."""
    if running is not None:
        running._before_write()
        kernels.move_towards(running.array, batch, momentum)
        running._bump_version()
