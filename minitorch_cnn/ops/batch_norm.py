"""Batch normalisation, and how what follows it is done in the same pass.

A batch norm takes two passes over its input: one for mean and variance, one that writes
y = x * scale + shift. The second is as cheap as a copy; nearly all its time goes into reading x
and writing y. A ReLU, or a residual block's ``relu(bn(x) + shortcut)``, would read y and write
again. So `batch_norm` puts its second pass off: its result is a tensor whose values are still to
be computed (PendingNorm). Then

- adding a tensor of the same shape only notes the sum down (AddToNorm),
- relu computes everything at once (BatchNormReLU), forward as well as backward,
- whatever else looks at the values has them computed at that moment.

Nobody can tell the difference but by the clock. What makes that true: the input's memory is not
written to while something is pending on it (Tensor._before_write), and the node of a fused relu
is split up into its parts as soon as somebody asks for a gradient in between (`split_up`).
"""

from __future__ import annotations

import weakref
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..autograd.modes import is_grad_enabled, state
from ..backend import array_module
from ..kernels import compute_type
from ..tensor import Tensor, later, shape_text, wrap
from .activation import ReLU, ReLUBackward
from .arithmetic import Add
from .common import same_device
from .standardize import Standardize, per_channel, standardize_gradient

__all__ = ["batch_norm"]


class PendingNorm:
    """y = x * scale + shift [+ residual], still to be computed."""

    def __init__(self, node, norm, scale, shift, residual=None, before=None) -> None:
        self.node = node  # of the operation whose result is pending
        self.norm = norm  # the arguments of BatchNorm
        self.scale, self.shift, self.residual = scale, shift, residual
        self.before: PendingNorm | None = before  # of the batch norm alone, in a sum
        self.shape, self.dtype = norm[0].array.shape, norm[0].array.dtype
        self.device = norm[0].device
        self.computed = False
        # Fused nodes that go around this result: a weak reference, and where they should go.
        self.skipped_by: list[tuple] = []

    def sources(self) -> list[Tensor]:
        """The tensors whose memory has to stay as it is until `compute`."""
        return [self.norm[0]] if self.residual is None else [self.norm[0], self.residual]

    def compute(self) -> Any:
        """The array."""
        x = self.norm[0].array
        residual = None if self.residual is None else self.residual.array
        self.computed = True
        self.norm = self.residual = self.before = None
        return kernels.batch_norm_forward(x, self.scale, self.shift, residual)

    def _may_fuse(self) -> bool:
        """Not if it was computed already, or if the steps in between matter to somebody."""
        return not (self.computed or self.node.hooks or state.observer)

    def plus(self, y: Tensor, other: Tensor) -> Tensor | None:
        """y + other, pending, where y is this one's tensor; None if that cannot be put off."""
        if self.residual is not None or not self._may_fuse() or other.array.shape != self.shape:
            return None
        if other.array.dtype != self.dtype or other.device != self.device:
            return None
        return AddToNorm.apply(y, other)

    def relu(self, y: Tensor) -> Tensor | None:
        """relu(y), computed at once; None if the parts have to be computed one by one."""
        if not self._may_fuse() or (self.before and self.before.node.hooks):
            return None
        if y._node is not None and y._node is not self.node:
            return None  # the history was changed meanwhile
        tensors = *self.norm[:3], self.residual
        recorded = is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
        if recorded and y._node is None:
            return None  # detached meanwhile
        z = BatchNormReLU.apply(*tensors, self)
        if z._node is not None:
            step = weakref.ref(z._node), self.node
            self.skipped_by.append(step)
            if self.before is not None:
                self.before.skipped_by.append(step)
        return z

    def split_up(self) -> None:
        """Turns the fused nodes that skip this tensor into plain ReLUs of it.

        Somebody wants the gradient that arrives here, or its node: it must exist then.
        """
        for reference, node in self.skipped_by:
            fused = reference()
            if fused is not None and fused.function is BatchNormReLU and fused._saved:
                fused.become(ReLU, [(node, 0)], fused._saved[-1:])
        self.skipped_by = []


class BatchNorm(Function):
    """y = (x - mean) / sqrt(var + eps) * weight + bias, with a number of each for each channel

    batch_statistics: mean and var are those of x itself, and depend on it; otherwise constants.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, mean, var, eps, batch_statistics):
        xp = array_module(x.array)
        ctx.eps, ctx.batch_statistics = eps, batch_statistics
        ctx.save_for_backward(x, weight, mean, var)
        kind = compute_type(x.array)
        scale = 1 / xp.sqrt(var.array.astype(kind) + eps)
        if weight is not None:
            scale = scale * weight.array
        shift = -mean.array.astype(kind) * scale
        if bias is not None:
            shift = shift + bias.array
        norm = x, weight, bias, mean, var, eps, batch_statistics
        return later(PendingNorm(ctx, norm, scale, shift))

    @staticmethod
    def backward(ctx, gy):
        x, weight, mean, var = ctx.saved_tensors
        if is_grad_enabled():
            # Somebody will differentiate this gradient: the same formulas, recorded.
            gx, gweight, gbias = BatchNorm.recorded_backward(ctx, gy, x, weight, mean, var)
        else:
            gx, gweight, gbias, _ = BatchNorm.gradients(ctx, gy, x, weight, mean, var)
        needs = ctx.needs_input_grad
        gweight, gbias = gweight if needs[1] else None, gbias if needs[2] else None
        return gx, gweight, gbias, None, None, None, None

    @staticmethod
    def gradients(ctx, gy, x, weight, mean, var, y=None, residual=False):
        """Of x, weight, bias, and a residual; y: the output, if a ReLU was applied to it."""
        invstd = 1 / array_module(x.array).sqrt(var.array.astype(compute_type(x.array)) + ctx.eps)
        arrays = kernels.batch_norm_backward(
            gy.array,
            x.array,
            None if weight is None else weight.array,
            mean.array,
            invstd,
            ctx.batch_statistics,
            None if y is None else y.array,
            residual,
        )
        return [None if array is None else wrap(array) for array in arrays]

    @staticmethod
    def recorded_backward(ctx, gy, x, weight, mean, var):
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


class AddToNorm(Add):
    """y + other, where y is the pending result of a batch norm: pending as well."""

    @staticmethod
    def forward(ctx, y, other):
        before = y._pending
        ctx.shapes = before.shape, before.shape
        return later(PendingNorm(ctx, before.norm, before.scale, before.shift, other, before))


class BatchNormReLU(Function):
    """max(batch norm [+ residual], 0) in one pass, with the gradient of all of it."""

    @staticmethod
    def forward(ctx, x, weight, bias, residual, pending):
        _, _, _, mean, var, ctx.eps, ctx.batch_statistics = pending.norm
        more = None if residual is None else residual.array
        y = wrap(kernels.batch_norm_forward(x.array, pending.scale, pending.shift, more, True))
        ctx.save_for_backward(x, weight, mean, var, y)
        return y

    @staticmethod
    def backward(ctx, gy):
        x, weight, mean, var, y = ctx.saved_tensors
        needs = ctx.needs_input_grad
        if is_grad_enabled():
            g = ReLUBackward.apply(gy, y.detach())  # goes on into the residual as well
            grads = *BatchNorm.recorded_backward(ctx, g, x, weight, mean, var), g
        else:
            grads = BatchNorm.gradients(ctx, gy, x, weight, mean, var, y, needs[3])
        wanted = (grad if need else None for grad, need in zip(grads, needs[:4], strict=True))
        return *wanted, None


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
    if input.shape == (0,):  # torch takes this one as well
        return input.clone()
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm expects (N, C, ...), got {shape_text(input.shape)}")
    C = input.shape[1]
    if not training and (running_mean is None or running_var is None):
        missing = "running_mean" if running_mean is None else "running_var"
        raise RuntimeError(f"{missing} must be defined in evaluation mode")
    vectors = dict(running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    same_device(input, *vectors.values())
    # float16 images may go with float32 statistics and parameters, nothing else is mixed.
    kinds = input.array.dtype, compute_type(input.array)
    for name, vector in vectors.items():
        if vector is None:
            continue
        if vector.array.shape != (C,):
            raise RuntimeError(f"{name} should contain {C} elements not {vector.numel()}")
        if vector.array.dtype not in kinds:
            raise RuntimeError(
                f"batch_norm: {name} has type {vector.dtype}, but input has {input.dtype}"
            )
    if not training:
        return BatchNorm.apply(input, weight, bias, running_mean, running_var, eps, False)

    count = input.numel() // max(C, 1)
    if count == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{shape_text(input.shape)}"
        )
    if count == 0:  # an empty batch: nothing to normalise, and nothing to learn about averages
        return BatchNorm.apply(
            input, weight, bias, input.new_zeros(C), input.new_ones(C), eps, False
        )
    mean, var = (wrap(each) for each in kernels.channel_mean_var(input.array))
    move_towards(running_mean, mean.array, momentum)
    move_towards(running_var, var.array * (count / (count - 1)), momentum)
    return BatchNorm.apply(input, weight, bias, mean, var, eps, True)


def move_towards(running: Tensor | None, batch: Any, momentum: float) -> None:
    """running = (1 - momentum) running + momentum batch, in place and unrecorded."""
    if running is None:
        return
    array = running.array
    array *= 1 - momentum
    array += (momentum * batch).astype(array.dtype, copy=False)
    running._bump_version()
