"""The loss of detectors that see a thousand empty places for each thing."""

from __future__ import annotations

from ..nn.functional import binary_cross_entropy_with_logits
from ..tensor import Tensor


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean or their sum, by the word.

    The mean of no losses is 0, which still has a gradient. Raises ValueError for another word.

    >>> import minitorch_cnn as mt
    >>> reduced(mt.tensor([1.0, 3.0]), "mean")
    tensor(2.)
    """
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean() if loss.numel() > 0 else 0.0 * loss.sum()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(
        f"Invalid Value for arg 'reduction': '{reduction}'\n Supported reduction modes: 'none', "
        "'mean', 'sum'"
    )


def sigmoid_focal_loss(
    inputs: Tensor,
    targets: Tensor,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> Tensor:
    """Binary cross entropy, in which what is nearly right counts little; elementwise.

        inputs   scores (...), before the sigmoid
        targets  0 or 1 (...), of the inputs' type
        alpha    weight of the targets that are 1; below 0: no weights
        gamma    how little the easy ones count: (1 - probability of the target)^gamma

    reduction: none, mean or sum. Raises ValueError for another one and for an alpha above 1.
    Lin et al., "Focal Loss for Dense Object Detection", 2017.

    >>> import minitorch_cnn as mt
    >>> scores, targets = mt.tensor([0.0, 4.0]), mt.tensor([1.0, 1.0])
    >>> sigmoid_focal_loss(scores, targets, alpha=-1)
    tensor([1.7329e-01, 5.8716e-06])
    """
    if not (0 <= alpha <= 1) and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in [0,1] or -1 for ignore.")
    p = inputs.sigmoid()
    wrong = 1 - (p * targets + (1 - p) * (1 - targets))
    loss = binary_cross_entropy_with_logits(inputs, targets, reduction="none") * wrong**gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return reduced(loss, reduction)
