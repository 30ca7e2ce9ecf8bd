"""What the transforms that move pixels do to the boxes around things in the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import tv_tensors
from ..ops import stack
from ..tensor import Tensor
from ..tv_tensors import BoundingBoxes, BoundingBoxFormat
from ..vision_ops.boxes import box_convert, clip_boxes_to_image
from . import functional as F
from .image import pair
from .kinds import tv_plain


def corners_of(boxes: BoundingBoxes) -> Tensor:
    """The boxes as (N, 4) corners, a plain tensor.

    >>> boxes = BoundingBoxes([[2, 1, 4, 2]], format="XYWH", canvas_size=(9, 9))
    >>> corners_of(boxes).tolist()
    [[2, 1, 6, 3]]
    """
    return box_convert(tv_plain(boxes), boxes.format.value.lower(), "xyxy")


def boxes_of(corners: Tensor, like: BoundingBoxes, canvas_size: Any = None) -> BoundingBoxes:
    """Boxes of the format and dtype of `like` from corners, cut off at the canvas.

    >>> like = BoundingBoxes([[2, 1, 4, 2]], format="XYWH", canvas_size=(9, 9))
    >>> boxes_of(corners_of(like) + 5, like).tolist()
    [[7, 6, 2, 2]]
    """
    canvas = like.canvas_size if canvas_size is None else tuple(canvas_size)
    inside = clip_boxes_to_image(corners, canvas)
    given = box_convert(inside, "xyxy", like.format.value.lower()).to(like.dtype)
    return tv_tensors.wrap(given, like=like, canvas_size=canvas)


def convert_format(
    boxes: BoundingBoxes, new_format: BoundingBoxFormat | str = "XYXY"
) -> BoundingBoxes:
    """The boxes in another format.

    >>> boxes = BoundingBoxes([[2, 1, 4, 2]], format="XYWH", canvas_size=(9, 9))
    >>> convert_format(boxes, "XYXY").tolist()
    [[2, 1, 6, 3]]
    """
    name = new_format.upper() if isinstance(new_format, str) else new_format.value
    wanted = BoundingBoxFormat[name]
    converted = box_convert(corners_of(boxes), "xyxy", wanted.value.lower()).to(boxes.dtype)
    return tv_tensors.wrap(converted, like=boxes, format=wanted)


def move_boxes(name: str, boxes: BoundingBoxes, *settings: Any) -> BoundingBoxes:
    """What the function of that name does to the boxes of an image.

    settings: all other arguments of the function, in its order. Raises NotImplementedError for a
    function that bends the image or gives several.

    >>> boxes = BoundingBoxes([[2, 1, 6, 3]], format="XYXY", canvas_size=(9, 9))
    >>> move_boxes("hflip", boxes).tolist()
    [[3, 1, 7, 3]]
    """
    height, width = boxes.canvas_size
    x1, y1, x2, y2 = corners_of(boxes).unbind(-1)
    if name == "hflip":
        return boxes_of(stack([width - x2, y1, width - x1, y2], -1), boxes)
    if name == "vflip":
        return boxes_of(stack([x1, height - y2, x2, height - y1], -1), boxes)
    if name == "crop":
        top, left, h, w = settings
        return boxes_of(stack([x1 - left, y1 - top, x2 - left, y2 - top], -1), boxes, (h, w))
    if name == "center_crop":
        h, w = pair(settings[0], "output_size")
        return move_boxes("crop", boxes, round((height - h) / 2), round((width - w) / 2), h, w)
    if name == "resized_crop":
        part = move_boxes("crop", boxes, *settings[:4])
        return move_boxes("resize", part, settings[4], None, None)
    if name == "pad":
        left, top, right, bottom = F.parse_padding(settings[0])
        canvas = height + top + bottom, width + left + right
        return boxes_of(stack([x1 + left, y1 + top, x2 + left, y2 + top], -1), boxes, canvas)
    if name == "resize":
        h, w = F.resized_size(boxes, settings[0], settings[2])
        across, down = w / width, h / height
        return boxes_of(stack([x1 * across, y1 * down, x2 * across, y2 * down], -1), boxes, (h, w))
    if name not in ("rotate", "affine") or (name == "rotate" and settings[2]):
        raise NotImplementedError(f"{name} of boxes, with {settings}, is not supported")
    if name == "rotate":
        return _turned(boxes, F.rotation_back(boxes, settings[0], settings[3]))
    angle, translate, scale, shear, *_, center = settings
    return _turned(boxes, F.affine_back(boxes, angle, translate, scale, shear, center))


def _turned(boxes: BoundingBoxes, matrix: Any) -> BoundingBoxes:
    """The boxes around the corners after a move whose way back is the matrix (2, 3)."""
    height, width = boxes.canvas_size
    x1, y1, x2, y2 = (each.double() for each in corners_of(boxes).unbind(-1))
    across = stack([x1, x2, x2, x1], 0) - width / 2
    down = stack([y1, y1, y2, y2], 0) - height / 2
    across, down = across - float(matrix[0, 2]), down - float(matrix[1, 2])
    (a, b), (c, d) = np.linalg.inv(matrix[:, :2]).tolist()
    x, y = a * across + b * down + width / 2, c * across + d * down + height / 2
    edges = [x.min(0).values, y.min(0).values, x.max(0).values, y.max(0).values]
    return boxes_of(stack(edges, -1), boxes)
