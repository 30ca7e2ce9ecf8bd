"""Losses of boxes that should lie on others: 1 - IoU, and what says where to go if they miss.

boxes1 is what a network says, boxes2 what is right: (N, 4) each, pair by pair, (x1, y1, x2, y2).
"""

from __future__ import annotations

from ..dtypes import float32, float64
from ..tensor import Tensor
from .boxes import far, hull, overlap, unlike
from .focal_loss import reduced


def _floats(boxes: Tensor) -> Tensor:
    return boxes if boxes.dtype in (float32, float64) else boxes.float()


def generalized_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - generalized IoU of each pair of boxes: (N, 4), (N, 4) -> (N,).

    reduction: none, mean or sum. Raises ValueError for another. Rezatofighi et al., "Generalized
    Intersection over Union", 2019.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[3.0, 0.0, 4.0, 1.0]])
    >>> generalized_box_iou_loss(a, b)
    tensor([1.5000])
    """
    a, b = _floats(boxes1), _floats(boxes2)
    both, either = overlap(a, b)
    width, height = hull(a, b)
    around = width * height
    loss = 1 - both / (either + eps) + (around - either) / (around + eps)
    return reduced(loss, reduction)


def distance_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """1 - IoU, and how far the middles are apart: (N, 4), (N, 4) -> (N,).

    reduction: none, mean or sum. Raises ValueError for another.
    Zheng et al., "Distance-IoU Loss", 2019.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[0.0, 0.0, 1.0, 1.0]])
    >>> distance_box_iou_loss(a, b).round(decimals=5)
    tensor([0.])
    """
    a, b = _floats(boxes1), _floats(boxes2)
    both, either = overlap(a, b)
    return reduced(1 - both / (either + eps) + far(a, b, eps), reduction)


def complete_box_iou_loss(
    boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7
) -> Tensor:
    """`distance_box_iou_loss`, and how much the proportions differ: (N, 4), (N, 4) -> (N,).

    reduction: none, mean or sum. Raises ValueError for another.
    Zheng et al., "Distance-IoU Loss", 2019.

    >>> import minitorch_cnn as mt
    >>> a, b = mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[0.0, 0.0, 1.0, 1.0]])
    >>> complete_box_iou_loss(a, b).round(decimals=5)
    tensor([0.])
    """
    a, b = _floats(boxes1), _floats(boxes2)
    both, either = overlap(a, b)
    iou = both / (either + eps)
    return reduced(1 - iou + far(a, b, eps) + unlike(a, b, iou, eps), reduction)
