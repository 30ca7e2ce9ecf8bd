"""Boxes around things in pictures: their areas, overlaps, and which of many to keep.

A box is (x1, y1, x2, y2): the upper left and the lower right corner, in pixels, y pointing down.
"""

from __future__ import annotations

import math

import numpy as np

from ..autograd.modes import no_grad
from ..backend import array_module, to_device, to_numpy
from ..dtypes import float32, float64, int32, int64
from ..ops import atan, clamp, maximum, minimum, stack, where, zeros
from ..tensor import Tensor, wrap

FORMATS = ("xyxy", "xywh", "cxcywh")


def _wide(x: Tensor) -> Tensor:
    """In a type in which areas do not overflow."""
    if x.is_floating_point():
        return x if x.dtype in (float32, float64) else x.float()
    return x if x.dtype in (int32, int64) else x.int()


def _check_boxes(name: str, boxes: Tensor) -> None:
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"{name} takes boxes of shape (..., 4), got shape {tuple(boxes.shape)}")


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes (..., 4) in another format.

        xyxy    the upper left and the lower right corner
        xywh    the upper left corner, width and height
        cxcywh  the middle, width and height

    Raises ValueError for another format; those of rotated boxes are not supported.

    >>> import minitorch_cnn as mt
    >>> box_convert(mt.tensor([[1.0, 2.0, 5.0, 4.0]]), "xyxy", "cxcywh")
    tensor([[3., 3., 4., 2.]])
    """
    if in_fmt not in FORMATS or out_fmt not in FORMATS:
        raise ValueError(
            f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt!r} and out_fmt "
            f"{out_fmt!r}; those of {FORMATS} are supported"
        )
    _check_boxes("box_convert", boxes)
    if in_fmt == out_fmt:
        return boxes.clone()
    a, b, c, d = boxes.unbind(-1)
    if in_fmt == "xywh":
        a, b, c, d = a, b, a + c, b + d
    elif in_fmt == "cxcywh":
        a, b, c, d = a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d
    if out_fmt == "xywh":
        a, b, c, d = a, b, c - a, d - b
    elif out_fmt == "cxcywh":
        a, b, c, d = (a + c) / 2, (b + d) / 2, c - a, d - b
    return stack((a, b, c, d), dim=-1)


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """The areas (...) of boxes (..., 4), in squared pixels.

    fmt: of the boxes, see `box_convert`. Raises ValueError for another one.

    >>> import minitorch_cnn as mt
    >>> box_area(mt.tensor([[0.0, 0.0, 2.0, 3.0], [1.0, 1.0, 2.0, 2.0]]))
    tensor([6., 1.])
    """
    if fmt not in FORMATS:
        raise ValueError(f"Unsupported Box Area for given format {fmt!r}; one of {FORMATS}")
    _check_boxes("box_area", boxes)
    a, b, c, d = _wide(boxes).unbind(-1)
    return (c - a) * (d - b) if fmt == "xyxy" else c * d


def _pairs(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """(N, 1, 4) and (1, M, 4), which broadcast to all pairs, in a wide type."""
    _check_boxes("box_iou", boxes1)
    _check_boxes("box_iou", boxes2)
    return _wide(boxes1).unsqueeze(-2), _wide(boxes2).unsqueeze(-3)


def _size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """(width, height) of each box."""
    return boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(area in both, area in either) of boxes that broadcast against each other."""
    low, high = maximum(a[..., :2], b[..., :2]), minimum(a[..., 2:], b[..., 2:])
    inside = clamp(high - low, min=0)
    both = inside[..., 0] * inside[..., 1]
    return both, box_area(a) + box_area(b) - both


def hull(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(width, height) of the smallest box around two."""
    low, high = minimum(a[..., :2], b[..., :2]), maximum(a[..., 2:], b[..., 2:])
    inside = clamp(high - low, min=0)
    return inside[..., 0], inside[..., 1]


def far(a: Tensor, b: Tensor, eps: float) -> Tensor:
    """The squared distance of the middles by the squared diagonal of the box around both."""
    width, height = hull(a, b)
    middles = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return (middles**2).sum(-1) / (width**2 + height**2 + eps)


def unlike(a: Tensor, b: Tensor, iou: Tensor, eps: float) -> Tensor:
    """How much the proportions of two boxes differ, weighted as in complete IoU."""
    (w1, h1), (w2, h2) = _size(a), _size(b)
    v = 4 / math.pi**2 * (atan(w1 / h1) - atan(w2 / h2)) ** 2
    with no_grad():
        alpha = v / (1 - iou + v + eps)
    return alpha * v


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of all pairs: (N, 4) and (M, 4) -> (N, M).

    fmt: of the boxes, see `box_convert`. Raises ValueError for another one.

    >>> import minitorch_cnn as mt
    >>> box_iou(mt.tensor([[0.0, 0.0, 2.0, 2.0]]), mt.tensor([[1.0, 0.0, 3.0, 2.0]]))
    tensor([[0.3333]])
    """
    if fmt != "xyxy":
        boxes1, boxes2 = (box_convert(each, fmt, "xyxy") for each in (boxes1, boxes2))
    both, either = overlap(*_pairs(boxes1, boxes2))
    return both / either


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the part of the box around both that neither covers: (N, 4), (M, 4) -> (N, M).

    Between -1 and 1. Raises ValueError for another shape. Rezatofighi et al., 2019.

    >>> import minitorch_cnn as mt
    >>> generalized_box_iou(mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[3.0, 0.0, 4.0, 1.0]]))
    tensor([[-0.5000]])
    """
    a, b = _pairs(boxes1, boxes2)
    both, either = overlap(a, b)
    width, height = hull(a, b)
    return both / either - (width * height - either) / (width * height)


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """IoU less the distance of the middles, relative to the box around both.

    (N, 4) and (M, 4) -> (N, M). Raises ValueError for another shape. Zheng et al., 2019.

    >>> import minitorch_cnn as mt
    >>> distance_box_iou(mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[0.0, 0.0, 1.0, 1.0]]))
    tensor([[1.]])
    """
    a, b = _pairs(boxes1, boxes2)
    both, either = overlap(a, b)
    return both / either - far(a, b, eps)


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """`distance_box_iou` less what the proportions differ.

    (N, 4) and (M, 4) -> (N, M). Raises ValueError for another shape. Zheng et al., 2019.

    >>> import minitorch_cnn as mt
    >>> complete_box_iou(mt.tensor([[0.0, 0.0, 1.0, 1.0]]), mt.tensor([[0.0, 0.0, 1.0, 1.0]]))
    tensor([[1.]])
    """
    a, b = _pairs(boxes1, boxes2)
    both, either = overlap(a, b)
    iou = both / either
    return iou - far(a, b, eps) - unlike(a, b, iou, eps)


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (..., 4) cut off at the edges of an image of size (height, width).

    Raises ValueError for another shape.

    >>> import minitorch_cnn as mt
    >>> clip_boxes_to_image(mt.tensor([[-1.0, 2.0, 30.0, 9.0]]), (8, 16))
    tensor([[ 0.,  2., 16.,  8.]])
    """
    _check_boxes("clip_boxes_to_image", boxes)
    height, width = size
    limits = (width, height, width, height)
    edges = [clamp(edge, 0, limit) for edge, limit in zip(boxes.unbind(-1), limits, strict=True)]
    return stack(edges, dim=-1)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """The indices (K,), int64, of the boxes (N, 4) whose both sides are at least min_size long.

    Raises ValueError for another shape.

    >>> import minitorch_cnn as mt
    >>> remove_small_boxes(mt.tensor([[0.0, 0.0, 1.0, 9.0], [0.0, 0.0, 5.0, 5.0]]), 2)
    tensor([1])
    """
    _check_boxes("remove_small_boxes", boxes)
    width, height = _size(boxes)
    return where((width >= min_size) & (height >= min_size))[0]


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: the best box, then the best that overlaps none so far, and so on.

    boxes: (N, 4); scores: (N,); iou_threshold: boxes with a larger IoU than this are one and the
    same. Returns the indices (K,), int64, of what is kept, best first; of equal scores the first
    is the better. It runs on the host. Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> boxes = mt.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0], [9.0, 9.0, 12.0, 12.0]])
    >>> nms(boxes, mt.tensor([0.5, 0.9, 0.2]), iou_threshold=0.5)
    tensor([1, 2])
    """
    if boxes.ndim != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise RuntimeError(
            "nms takes boxes (N, 4) and scores (N,), got shapes "
            f"{tuple(boxes.shape)} and {tuple(scores.shape)}"
        )
    # In the boxes' own type: what is exactly at the threshold is decided by its rounding.
    x1, y1, x2, y2 = to_numpy(boxes.array).T
    areas = (x2 - x1) * (y2 - y1)
    left = np.argsort(-to_numpy(scores.array), kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        width = np.minimum(x2[best], x2[left]) - np.maximum(x1[best], x1[left])
        height = np.minimum(y2[best], y2[left]) - np.maximum(y1[best], y1[left])
        both = width.clip(0) * height.clip(0)
        with np.errstate(invalid="ignore", divide="ignore"):  # of boxes without area
            iou = both / (areas[best] + areas[left] - both)
        left = left[~(iou > iou_threshold)]
    return wrap(to_device(np.array(kept, np.int64), boxes.device))


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` of each category by itself; idxs: (N,), the category of each box.

    Arguments, shapes and errors are otherwise those of `nms`.

    >>> import minitorch_cnn as mt
    >>> boxes = mt.tensor([[0.0, 0.0, 4.0, 4.0], [0.0, 0.0, 4.0, 5.0]])
    >>> batched_nms(boxes, mt.tensor([0.5, 0.9]), mt.tensor([0, 1]), iou_threshold=0.5)
    tensor([1, 0])
    """
    if boxes.numel() == 0:
        return zeros(0, dtype=int64, device=boxes.device)
    category, points = to_numpy(idxs.array), to_numpy(scores.array)
    kept = []
    for each in np.unique(category):
        (index,) = np.nonzero(category == each)
        chosen = wrap(to_device(index, boxes.device))
        kept.append(index[to_numpy(nms(boxes[chosen], scores[chosen], iou_threshold).array)])
    found = np.sort(np.concatenate(kept))
    found = found[np.argsort(-points[found], kind="stable")]
    return wrap(to_device(found, boxes.device))


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The boxes (N, 4), float32, around what is not 0 in each mask of (N, H, W).

    The lower right corner is that of the last pixel inside. Raises RuntimeError for a mask without
    any pixel, ValueError for another shape.

    >>> import minitorch_cnn as mt
    >>> masks_to_boxes(mt.tensor([[[0, 0, 0], [0, 1, 1]]]))
    tensor([[1., 1., 2., 1.]])
    """
    if masks.numel() == 0:
        return zeros(0, 4, device=masks.device)
    if masks.ndim != 3:
        raise ValueError(f"masks_to_boxes takes masks (N, H, W), got {tuple(masks.shape)}")
    array = masks.array != 0
    xp = array_module(array)
    if not bool(array.any(axis=(1, 2)).all()):
        raise RuntimeError("masks_to_boxes: a mask has no pixel that is not 0, so it has no box")
    edges = []
    for along in (array.any(axis=1), array.any(axis=2)):  # columns, then rows
        last = along.shape[1] - 1 - along[:, ::-1].argmax(axis=1)
        edges.append((along.argmax(axis=1), last))
    (x1, x2), (y1, y2) = edges
    return wrap(xp.stack([x1, y1, x2, y2], axis=1).astype(np.float32))
