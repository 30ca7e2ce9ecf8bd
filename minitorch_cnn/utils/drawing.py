"""Boxes and masks drawn on images, to look at what a network says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from ..backend import array_module, to_device, to_numpy
from ..dtypes import uint8
from ..tensor import Tensor, wrap

Colour = str | tuple[int, ...]


def _colours(colours: Any, count: int) -> list[tuple[int, ...]]:
    """`count` colours: those given, one for all, or some that differ.

    >>> _colours("red", 2)
    [(255, 0, 0), (255, 0, 0)]
    """
    if colours is None:
        steps = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])
        colours = [tuple(int(each) for each in i * steps % 255) for i in range(count)]
    elif not isinstance(colours, list):
        colours = [colours] * count
    if len(colours) < count:
        raise ValueError(f"Number of colors must be equal or larger than {count}: got {colours}")
    return [ImageColor.getrgb(each) if isinstance(each, str) else each for each in colours[:count]]


def _check_image(name: str, image: Tensor, channels: Sequence[int]) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"{name}: the image must be a tensor, got {type(image)}")
    if image.dtype is not uint8 and not image.is_floating_point():
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3 or image.shape[0] not in channels:
        raise ValueError(f"{name} takes images (C, H, W) of {channels} channels: {image.shape}")


def draw_segmentation_masks(
    image: Tensor,
    masks: Tensor,
    alpha: float = 0.8,
    colors: list[Colour] | Colour | None = None,
) -> Tensor:
    """An RGB image (3, H, W), uint8 or float 0..1, with masks in colours over it.

    masks: bool, (H, W) or (N, H, W); alpha: 0 shows the image alone, 1 the colours alone. Raises
    TypeError and ValueError for others.

    >>> import minitorch_cnn as mt
    >>> image = mt.zeros(3, 1, 2, dtype=mt.uint8)
    >>> draw_segmentation_masks(image, mt.tensor([[True, False]]), colors="red")[0].tolist()
    [[204, 0]]
    """
    _check_image("draw_segmentation_masks", image, (3,))
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3 or masks.array.dtype != np.bool_ or masks.shape[1:] != image.shape[1:]:
        raise ValueError(
            f"masks are bool (H, W) or (N, H, W) as the image, got {masks.dtype} "
            f"{tuple(masks.shape)} for {tuple(image.shape)}"
        )
    xp = array_module(image.array)
    drawn = image.array.copy()
    scale = 1 if image.dtype is uint8 else 255
    for mask, colour in zip(masks.array, _colours(colors, len(masks)), strict=True):
        values = xp.asarray((np.array(colour) / scale).astype(drawn.dtype))
        drawn[:, mask] = values[:, None]
    drawn[:, masks.array.sum(axis=0) > 1] = 0  # where masks overlap it is black
    mixed = image.array.astype(np.float32) * (1 - alpha) + drawn.astype(np.float32) * alpha
    return wrap(mixed.astype(drawn.dtype))


def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str] | None = None,
    colors: list[Colour] | Colour | None = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
) -> Tensor:
    """An image (1 or 3, H, W), uint8 or float 0..1, with boxes (N, 4) and their labels on it.

    fill: the boxes are filled, half transparent. Labels are written in Pillow's own font. Raises
    TypeError and ValueError for others, NotImplementedError for a font.

    >>> import minitorch_cnn as mt
    >>> image = mt.zeros(3, 3, 3, dtype=mt.uint8)
    >>> draw_bounding_boxes(image, mt.tensor([[0, 0, 2, 2]]), colors="red")[0].tolist()
    [[255, 255, 255], [255, 0, 255], [255, 255, 255]]
    """
    _check_image("draw_bounding_boxes", image, (1, 3))
    if font is not None or font_size is not None:
        raise NotImplementedError(f"draw_bounding_boxes: font={font!r} is not supported")
    places = to_numpy(boxes.array)
    if places.ndim != 2 or places.shape[1] != 4:
        raise ValueError(f"boxes should have shape (N, 4), got {places.shape}")
    if (places[:, 0] > places[:, 2]).any() or (places[:, 1] > places[:, 3]).any():
        raise ValueError(
            "Boxes need to be (xmin, ymin, xmax, ymax), with xmin <= xmax, ymin <= ymax"
        )
    if labels is not None and len(labels) != len(places):
        raise ValueError(f"{len(labels)} labels for {len(places)} boxes: give each a label")
    picture = _picture(image)
    draw = ImageDraw.Draw(picture, "RGBA" if fill else None)
    for number, (box, colour) in enumerate(
        zip(places.tolist(), _colours(colors, len(places)), strict=True)
    ):
        inside = (*colour, 100) if fill else None
        draw.rectangle(box, width=width, outline=colour, fill=inside)
        if labels is not None and labels[number] is not None:
            draw.text((box[0] + width + 1, box[1] + width + 1), labels[number], fill=colour)
    return _drawn(picture, image)


def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: list[tuple[int, int]] | None = None,
    colors: Colour | None = None,
    radius: int = 2,
    width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:
    """An image (3, H, W), uint8 or float 0..1, with points (N, K, 2), x and y, of N things on it.

    connectivity: pairs of points to be joined by white lines of this width; visibility: bool
    (N, K), False for what is not drawn. Raises TypeError and ValueError for others.

    >>> import minitorch_cnn as mt
    >>> image = mt.zeros(3, 9, 9, dtype=mt.uint8)
    >>> draw_keypoints(image, mt.tensor([[[4, 6]]]), colors="red")[:, 6, 4].tolist()
    [255, 0, 0]
    """
    _check_image("draw_keypoints", image, (3,))
    places = to_numpy(keypoints.array)
    if places.ndim != 3 or places.shape[2] != 2:
        raise ValueError(
            f"keypoints must be of shape (num_instances, K, 2), got {tuple(keypoints.shape)}"
        )
    seen = np.ones(places.shape[:2], bool)
    if visibility is not None:
        seen = to_numpy(visibility.array).astype(bool)
        seen = seen[..., 0] if seen.ndim == 3 else seen
        if seen.shape != places.shape[:2]:
            raise ValueError(
                "keypoints and visibility must have the same dimensionality for num_instances and "
                f"K. Got visibility.shape={tuple(visibility.shape)} and "
                f"keypoints.shape={tuple(keypoints.shape)}"
            )
    picture = _picture(image)
    draw = ImageDraw.Draw(picture)
    for points, shown in zip(places.tolist(), seen.tolist(), strict=True):
        for (x, y), visible in zip(points, shown, strict=True):
            if visible:
                box = (x - radius, y - radius, x + radius, y + radius)
                draw.ellipse(box, fill=colors, outline=None, width=0)
        for first, last in connectivity or ():
            if shown[first] and shown[last]:
                draw.line([*points[first], *points[last]], width=width)
    return _drawn(picture, image)


def _picture(image: Tensor) -> Image.Image:
    """The image to be drawn on, in colours."""
    pixels = to_numpy(image.array)
    if image.dtype is not uint8:
        pixels = (pixels * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(np.repeat(pixels, 3 // len(pixels), axis=0).transpose(1, 2, 0).copy())


def _drawn(picture: Image.Image, image: Tensor) -> Tensor:
    """The picture as a tensor of the image's kind."""
    result = np.asarray(picture).transpose(2, 0, 1)
    if image.dtype is not uint8:
        result = (result / 255).astype(image.array.dtype)
    return wrap(to_device(result.copy(), image.device))
