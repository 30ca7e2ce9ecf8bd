"""Images bent: seen from the side, and as if drawn on rubber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ..backend import to_numpy
from ..tensor import Tensor
from .conversion import pil_to_tensor, to_pil_image
from .image import InterpolationMode, as_interpolation, fill_for, get_dimensions, is_pil
from .kinds import for_all_kinds
from .sampling import middles, sampled_at

Points = Sequence[Sequence[float]]


def coefficients(startpoints: Points, endpoints: Points) -> list[float]:
    """The 8 numbers a..h by which (x, y) of the result comes from

        (a x + b y + c) / (g x + h y + 1),  (d x + e y + f) / (g x + h y + 1)

    so that each endpoint comes from its startpoint. Raises ValueError for other than 4 of each.

    >>> square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    >>> [round(abs(each), 5) for each in coefficients(square, square)]
    [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
            f"{len(endpoints)} endpoints."
        )
    equations, wanted = [], []
    for (u, v), (x, y) in zip(startpoints, endpoints, strict=True):
        equations.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        equations.append([0, 0, 0, x, y, 1, -v * x, -v * y])
        wanted += [u, v]
    solution = np.linalg.lstsq(np.array(equations, float), np.array(wanted, float), rcond=None)[0]
    return solution.astype(np.float32).tolist()


@for_all_kinds
def perspective(
    img: Any,
    startpoints: Points,
    endpoints: Points,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: float | Sequence[float] | None = None,
) -> Any:
    """The image as seen from the side: its points `startpoints` move to `endpoints`.

    Each is a list of four points (x, y): upper left, upper right, lower right, lower left. fill:
    what was outside, one number or one per channel; default 0. img: a PIL image or a tensor
    (..., C, H, W) of any dtype; the size stays. Raises ValueError for another number of points and
    for interpolations other than nearest and bilinear (for a PIL image bicubic).

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> corners = [[0, 0], [3, 0], [3, 3], [0, 3]]  # of a tensor: the edges of its pixels
    >>> image = mt.arange(9.0).reshape(1, 3, 3)
    >>> F.perspective(image, corners, corners[1:] + corners[:1]).round()  # turned by 90 degrees
    tensor([[[6., 3., 0.],
             [7., 4., 1.],
             [8., 5., 2.]]])
    """
    places = coefficients(startpoints, endpoints)
    mode = as_interpolation(interpolation)
    if is_pil(img):
        if mode not in (
            InterpolationMode.NEAREST,
            InterpolationMode.BILINEAR,
            InterpolationMode.BICUBIC,
        ):
            raise ValueError(f"Interpolation mode {mode.value!r} is unsupported for perspective")
        how, colour = Image.Transform.PERSPECTIVE, fill_for(img, fill)
        return img.transform(img.size, how, places, mode.pillow(), fillcolor=colour)
    _, height, width = get_dimensions(img)
    a, b, c, d, e, f, g, h = (np.float32(each) for each in places)
    x = np.arange(width, dtype=np.float32) + np.float32(0.5)
    y = (np.arange(height, dtype=np.float32) + np.float32(0.5))[:, np.newaxis]
    below = g * x + h * y + 1
    half_width, half_height = np.float32(width / 2), np.float32(height / 2)
    with np.errstate(divide="ignore", invalid="ignore"):  # no pixels: refused in sampled_at
        across = (a / half_width * x + b / half_width * y + c / half_width) / below - 1
        down = (d / half_height * x + e / half_height * y + f / half_height) / below - 1
    return sampled_at(img, *_pixels_of(across, down, height, width), mode, fill)


def _pixels_of(
    across: np.ndarray, down: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """(columns, rows) of places from -1 to 1, the edges of the image."""
    one = np.float32(1)
    columns = ((across + one) * np.float32(width) - one) / 2
    rows = ((down + one) * np.float32(height) - one) / 2
    return columns.astype(np.float32), rows.astype(np.float32)


@for_all_kinds
def elastic_transform(
    img: Any,
    displacement: Tensor,
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: float | Sequence[float] | None = None,
) -> Any:
    """The image with every pixel taken from a place beside it.

    displacement: (1, H, W, 2), how far beside in x and y; 2 is the whole width or height. fill:
    what was outside, one number or one per channel; default 0. img: a PIL image or a tensor
    (..., C, H, W) of any dtype. Raises TypeError for a displacement that is no tensor, ValueError
    for another shape of it and for interpolations other than nearest and bilinear.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> right = mt.zeros(1, 1, 4, 2)
    >>> right[..., 0] = 2 / 4  # from one of four pixels to the right
    >>> F.elastic_transform(mt.tensor([[[1.0, 2.0, 3.0, 4.0]]]), right)
    tensor([[[2., 3., 4., 0.]]])
    """
    if not isinstance(displacement, Tensor):
        raise TypeError(f"Argument displacement should be a Tensor, got {type(displacement)}")
    _, height, width = get_dimensions(img)
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ValueError(
            f"Argument displacement shape should be {(1, height, width, 2)}, but given "
            f"{tuple(displacement.shape)}"
        )
    mode = as_interpolation(interpolation)
    picture = pil_to_tensor(img) if is_pil(img) else img
    moved = to_numpy(displacement.detach().array).astype(np.float32)[0]
    x, y = middles(width), middles(height)[:, np.newaxis]
    places = _pixels_of(x + moved[..., 0], y + moved[..., 1], height, width)
    bent = sampled_at(picture, *places, mode, fill)
    return to_pil_image(bent, img.mode) if is_pil(img) else bent
