"""Connectionist temporal classification: a loss for sequences whose alignment is not known.

Graves et al., "Connectionist Temporal Classification", 2006. The network says for each time step
how probable each class is, one of which is the blank, "nothing new". A target is any way through
the steps that gives its labels once repetitions are joined and blanks left out; the loss is -log of
the probability of all these ways together. alpha[l] is the log probability of all that have come to
place l of "blank, label, blank, label, ..., blank" so far. Its step is made of operations that
have gradients, so that the loss has them too, of every order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import backend
from ...autograd.function import Function
from ...tensor import Tensor, shape_text, wrap
from ..arithmetic import where
from ..exponentials import exp, log
from ..join import cat, stack
from ..loss import check_reduction, reduce_losses
from ..positions import gather
from ..precision import full_precision
from ..reduce import amax, sum

__all__ = ["ctc_loss"]


class AsNormalised(Function):
    """y = x, the losses, with the gradient that torch's loss has with respect to log_p.

    It takes log_p for the result of a log_softmax and adds p to the gradient, which log_softmax's
    own gradient takes off again. counts: whether a step belongs to its sequence, (T, N);
    odd: what an infinite loss has in its gradient instead, (N,), else 0.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, log_p: Tensor, counts: Tensor, odd: Tensor) -> Tensor:
        ctx.save_for_backward(log_p, counts, odd)
        return wrap(x.array)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        log_p, counts, odd = ctx.saved_tensors
        return gy, exp(log_p) * where(counts, gy + odd, 0.0).unsqueeze(2), None, None


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-log of the probability that the time steps give the target, over all alignments.

    log_probs: (T, N, C), log probabilities of C classes at T steps of N sequences, from
    `log_softmax`; or (T, C) of one sequence.
    targets: (N, S) class numbers, or those of all sequences one after the other in one dimension.
    input_lengths, target_lengths: N ints (tensor, list or tuple), how many steps and labels of each
    sequence count; one int or a tensor without dimensions for one sequence.
    blank: the class that says nothing. reduction: "none" gives (N,); "mean" divides each loss by
    its target's length first. zero_infinity: a target that has no alignment, since it is too long,
    costs inf; with this, 0, and it has no gradient.

    Raises RuntimeError for shapes, lengths or classes that do not fit, ValueError for another
    reduction.

    >>> import minitorch_cnn as mt
    >>> log_p = mt.full((3, 1, 2), 0.5).log()  # 3 steps; the label comes in 6 of 8 ways
    >>> mt.nn.functional.ctc_loss(log_p, mt.tensor([[1]]), [3], [1]).neg().exp()
    tensor(0.7500)
    """
    reduction = check_reduction("ctc_loss", None, None, reduction)
    (log_probs,) = full_precision(log_probs)
    one = log_probs.ndim == 2
    if one:
        log_probs = log_probs.unsqueeze(1)
    steps, sizes = _lengths(log_probs, input_lengths, target_lengths)
    labels = _labels(log_probs, targets, sizes, blank)
    losses = _losses(log_probs, labels, steps, sizes, zero_infinity)
    if reduction == "mean":
        losses = losses / _beside(log_probs, np.maximum(sizes, 1)).to(losses.dtype)
    return reduce_losses(losses.squeeze(0) if one and reduction == "none" else losses, reduction)


def _beside(like: Tensor, array: np.ndarray) -> Tensor:
    """A NumPy array as a tensor on the device of another one."""
    return wrap(backend.array_module(like.array).asarray(array))


def _lengths(log_probs: Tensor, *lengths: Any) -> list[np.ndarray]:
    """Both lengths as NumPy arrays, after checking them and the shape of log_probs."""
    if log_probs.ndim != 3 or not log_probs.dtype.itemsize > 2 or log_probs.dtype.category != 2:
        raise RuntimeError(
            "ctc_loss: log_probs must be (T, N, C) or (T, C) of float32 or float64, got "
            f"{shape_text(log_probs.shape)} of {log_probs.dtype}"
        )
    T, N, _ = log_probs.shape
    found = []
    for name, each in zip(("input_lengths", "target_lengths"), lengths, strict=True):
        array = backend.to_numpy(each.array) if isinstance(each, Tensor) else np.asarray(each)
        if array.dtype.kind not in "iu" and array.size:
            raise RuntimeError(f"ctc_loss: {name} must be integral, got {array.dtype}")
        array = array.reshape(-1).astype(np.int64)
        if array.shape != (N,):
            raise RuntimeError(f"{name} must be of size batch_size, {N}, got {array.size} of them")
        if (array < 0).any():
            raise RuntimeError(f"Expected {name} to have value at least 0, but got {array.min()}")
        found.append(array)
    if (found[0] > T).any():
        raise RuntimeError(
            f"Expected input_lengths to have value at most {T}, but got value {found[0].max()}"
        )
    return found


def _labels(log_probs: Tensor, targets: Tensor, sizes: np.ndarray, blank: int) -> np.ndarray:
    """(N, 2 S + 1): the targets with the blank before, between and after them."""
    _, N, C = log_probs.shape
    if not 0 <= blank < C:
        raise RuntimeError(f"blank must be in label range, 0 to {C - 1}, got {blank}")
    if targets.dtype.category != 1:
        raise RuntimeError(f"ctc_loss: targets must be integral, got {targets.dtype}")
    given = backend.to_numpy(targets.array)
    longest = int(sizes.max(initial=0))
    labels = np.full((N, 2 * longest + 1), blank, dtype=np.int64)
    if given.ndim == 1:
        if given.size != sizes.sum():
            raise RuntimeError(
                f"Expected tensor to have size {sizes.sum()} at dimension 0, the sum of "
                f"target_lengths, but got targets of size {given.size}"
            )
        rows = np.split(given, np.cumsum(sizes)[:-1])
    elif given.ndim == 2 and given.shape[0] == N and given.shape[1] >= longest:
        rows = [row[:size] for row, size in zip(given, sizes, strict=True)]
    else:
        raise RuntimeError(
            f"Expected tensor to have size at least {longest} at dimension 1, the longest target, "
            f"of {N} sequences, but got targets of shape {shape_text(targets.shape)}"
        )
    for n, row in enumerate(rows):
        if row.size and not 0 <= row.min() <= row.max() < C:
            wrong = row[(row < 0) | (row >= C)][0]
            raise RuntimeError(f"ctc_loss: a target is {wrong}, but there are {C} classes")
        labels[n, 1 : 2 * row.size : 2] = row
    return labels


def _log_sum(x: Tensor) -> Tensor:
    """log(sum exp(x)) over dimension 0; -inf, with a gradient of 0, where all of x is -inf."""
    largest = amax(x.detach(), 0)
    shift = where(largest.isfinite(), largest, 0.0)
    total = sum(exp(x - shift), 0)
    none = total == 0
    return where(none, -math.inf, log(where(none, 1.0, total))) + shift


def _losses(
    log_p: Tensor, labels: np.ndarray, steps: np.ndarray, sizes: np.ndarray, zero_infinity: bool
) -> Tensor:
    """-log of the probability of each sequence's target, (N,)."""
    T, N, _ = log_p.shape
    L = labels.shape[1]
    index = _beside(log_p, labels)
    emitted = gather(log_p, 2, index.expand(T, N, L))
    # From one label straight to the next, without the blank between, if the two differ.
    straight = np.zeros(labels.shape, dtype=bool)
    straight[:, 3::2] = labels[:, 3::2] != labels[:, 1:-2:2]
    may_skip, places = _beside(log_p, straight), np.arange(L)
    counts = np.arange(T)[:, None] < steps
    going_on = _beside(log_p, counts[:, :, None])
    nowhere = log_p.new_full((N, 2), -math.inf)
    start = np.where(places == 0, 0.0, -math.inf).astype(log_p.array.dtype)
    alpha = _beside(log_p, start).expand(N, L)  # before the first step: the blank, for nothing yet
    for t in range(T):
        behind = cat([nowhere, alpha], 1)
        skipped = where(may_skip, behind[:, :L], -math.inf)
        reached = stack([alpha, behind[:, 1 : L + 1], skipped])
        alpha = where(going_on[t], _log_sum(reached) + emitted[t], alpha)
    ends = (places == 2 * sizes[:, None]) | (places == 2 * sizes[:, None] - 1)
    losses = -_log_sum(where(_beside(log_p, ends), alpha, -math.inf).mT)
    infinite = losses.detach() == math.inf
    odd = where(infinite, 0.0 if zero_infinity else math.nan, 0.0).to(log_p.dtype)
    losses = AsNormalised.apply(losses, log_p, _beside(log_p, counts), odd)
    return where(infinite, 0.0, losses) if zero_infinity else losses
