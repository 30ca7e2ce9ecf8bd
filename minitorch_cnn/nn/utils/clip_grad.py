"""Limiting gradients, between backward and the optimizer's step."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ...autograd.modes import no_grad
from ...ops.creation import tensor
from ...ops.join import stack
from ...tensor import Tensor
from ..init import _older


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


@no_grad()
def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors, of any shapes, as one long vector: a 0-d tensor.

    norm_type: 2, math.inf (the largest number) or any p. foreach is ignored. No tensors give 0.
    Raises RuntimeError for a norm that is not finite, if error_if_nonfinite.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.get_total_norm([mt.tensor([3.0]), mt.tensor([4.0])])
    tensor(5.)
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return tensor(0.0)
    total = stack([each.norm(norm_type) for each in tensors]).norm(norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scales all gradients by max_norm / total_norm, in place, if that is below 1.

    total_norm: a 0-d tensor, as `get_total_norm` gives it. Parameters without a gradient are left
    out. Raises AttributeError for parameters or a total_norm that are no tensors.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.zeros(2))
    >>> p.grad = mt.tensor([3.0, 4.0])
    >>> mt.nn.utils.clip_grads_with_norm_([p], 1.0, mt.tensor(10.0))
    >>> p.grad
    tensor([0.3000, 0.4000])
    """
    # The small number is torch's; without a test of the norm, a GPU need not be waited for.
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for gradient in _gradients(parameters):
        gradient.mul_(scale.to(gradient.dtype))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales all gradients, in place, so that their norm as one long vector is at most max_norm.

    norm_type: 2, math.inf or any p. Returns the norm that they had, a 0-d tensor; parameters
    without a gradient are left out. Raises RuntimeError for a norm that is not finite, if
    error_if_nonfinite. Pascanu et al., "On the difficulty of training recurrent neural networks",
    2013.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.zeros(2))
    >>> p.grad = mt.tensor([3.0, 4.0])
    >>> mt.nn.utils.clip_grad_norm_([p], max_norm=1.0), p.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    parameters = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, total)
    return total


clip_grad_norm = _older(clip_grad_norm_, "torch.nn.utils")


@no_grad()
def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Limits every element of all gradients to [-clip_value, clip_value], in place.

    Gradients of any shape; those that are None stay so. Their direction changes, other than with
    `clip_grad_norm_`. Raises AttributeError for parameters that are no tensors.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.zeros(2))
    >>> p.grad = mt.tensor([0.5, -4.0])
    >>> mt.nn.utils.clip_grad_value_([p], 1.0)
    >>> p.grad
    tensor([ 0.5000, -1.0000])
    """
    for gradient in _gradients(parameters):
        gradient.clamp_(min=-float(clip_value), max=float(clip_value))
