"""The transforms as plain functions without randomness, torchvision.transforms.functional.

An image is a PIL image or a tensor (..., C, H, W). A function returns a new image of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from ..backend import array_module
from ..missing import refuse_missing as _refuse_missing
from ..nn.functional import pad as pad_tensor
from ..ops.arguments import as_int, as_number
from ..tensor import Tensor, wrap
from .color import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    rgb_to_grayscale,
    to_grayscale,
)
from .conversion import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from .filters import (
    adjust_sharpness,
    autocontrast,
    equalize,
    gaussian_blur,
    invert,
    posterize,
    solarize,
)
from .image import (
    NUMBER,
    InterpolationMode,
    array_of,
    as_interpolation,
    fill_for,
    get_dimensions,
    get_image_num_channels,
    get_image_size,
    is_pil,
    pair,
    through_pillow,
)
from .kinds import for_all_kinds
from .sampling import nearest, not_smoothed, sampled, turned_size
from .warp import elastic_transform, perspective

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "elastic_transform",
    "equalize",
    "erase",
    "five_crop",
    "gaussian_blur",
    "get_dimensions",
    "get_image_num_channels",
    "get_image_size",
    "hflip",
    "invert",
    "normalize",
    "pad",
    "perspective",
    "pil_to_tensor",
    "posterize",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "solarize",
    "ten_crop",
    "to_grayscale",
    "to_pil_image",
    "to_tensor",
    "vflip",
]

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


@for_all_kinds
def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image at another size: (height, width), or one number for the smaller edge.

    img: a PIL image or a tensor (..., H, W) of any dtype, which it keeps. With one number the shape
    is kept, and `max_size` limits the longer edge. Tensors go through Pillow too, so both kinds
    give the same values, except for NEAREST and for `antialias=False`, which are those of
    `interpolate`. Raises ValueError for a max_size beside two numbers or not above the one,
    RuntimeError for a tensor of no pixels or a size of 0, NotImplementedError for a tensor that
    requires a gradient.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.resize(mt.zeros(3, 10, 20), 5).shape
    minitorch_cnn.Size([3, 5, 10])
    >>> F.resize(mt.tensor([[[0.0, 1.0, 4.0, 5.0]]]), (1, 2))
    tensor([[[1., 4.]]])
    """
    mode = as_interpolation(interpolation)
    height, width = resized_size(img, size, max_size)
    if is_pil(img):
        return img.resize((width, height), mode.pillow())
    if min(height, width, *img.shape) < 1:
        raise RuntimeError(f"resize from shape {tuple(img.shape)} to {height}x{width} pixels")
    if mode is InterpolationMode.NEAREST:
        return nearest(img, height, width)
    if not antialias and mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        return not_smoothed(img, height, width, mode)
    return through_pillow(img, lambda plane, _: plane.resize((width, height), mode.pillow()))


def resized_size(img: Any, size: int | Sequence[int], max_size: int | None) -> tuple[int, int]:
    """(height, width) after `resize`."""
    short, second = pair(size, "size")
    if isinstance(size, list | tuple) and len(size) == 2:
        if max_size is not None:
            raise ValueError(f"max_size={max_size} only applies if size is one number, got {size}")
        return short, second
    width, height = get_image_size(img)
    if width == 0 or height == 0:
        raise ValueError(f"an image of {width} x {height} pixels has no shape to keep")
    long = int(short * max(width, height) / min(width, height))
    if max_size is not None:
        if max_size <= short:
            raise ValueError(f"max_size={max_size} must be greater than size={size}")
        if long > max_size:
            short, long = int(max_size * short / long), max_size
    return (long, short) if width <= height else (short, long)


@for_all_kinds
def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The rectangle of that size at (top, left). What lies outside of the image is 0.

    img: a PIL image or a tensor (..., H, W) of any dtype. Raises TypeError for anything else, and
    for a tensor and numbers that are no integers; ValueError for a negative size.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    >>> F.crop(image, 0, 1, 2, 1), F.crop(image, -1, 0, 2, 2)
    (tensor([[[2.],
             [4.]]]), tensor([[[0., 0.],
             [1., 2.]]]))
    """
    if height < 0 or width < 0:
        raise ValueError(f"crop: height={height} and width={width} should be 0 or more")
    if is_pil(img):
        return img.crop((left, top, left + width, top + height))
    names = {"top": top, "left": left, "height": height, "width": width}
    top, left, height, width = (as_int("crop", *each) for each in names.items())
    bottom, right = top + height, left + width
    inside = img[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    above, before = min(max(-top, 0), height), min(max(-left, 0), width)
    below, after = height - above - inside.shape[-2], width - before - inside.shape[-1]
    return pad_tensor(inside, [before, after, above, below])


@for_all_kinds
def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle (height, width) of the image; where it is too small, 0 is added around it.

    img: a PIL image or a tensor (..., H, W). output_size: one number or two. Raises ValueError for
    more of them, TypeError for anything but an image.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.center_crop(mt.tensor([[[1.0, 2.0, 3.0, 4.0]]]), (1, 2))
    tensor([[[2., 3.]]])
    """
    crop_h, crop_w = pair(output_size, "output_size")
    width, height = get_image_size(img)
    if crop_w > width or crop_h > height:
        x, y = max(crop_w - width, 0), max(crop_h - height, 0)
        img = pad(img, [x // 2, y // 2, (x + 1) // 2, (y + 1) // 2])
        width, height = get_image_size(img)
    return crop(img, round((height - crop_h) / 2), round((width - crop_w) / 2), crop_h, crop_w)


@for_all_kinds
def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """`crop`, and then `resize` to (height, width).

    img: a PIL image or a tensor (..., H, W). Raises ValueError for a size of more than two numbers,
    TypeError for anything but an image.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.resized_crop(mt.zeros(3, 10, 10), 0, 0, height=4, width=4, size=(8, 8)).shape
    minitorch_cnn.Size([3, 8, 8])
    """
    part = crop(img, top, left, height, width)
    return resize(part, size, interpolation, antialias=antialias)


@for_all_kinds
def five_crop(img: Any, size: int | Sequence[int]) -> tuple[Any, ...]:
    """The four corners and the middle, all of (height, width): a tuple.

    Upper left, upper right, lower left, lower right, middle; img: a PIL image or a tensor (..., H,
    W). Raises ValueError for an image that is smaller, TypeError for anything but an image.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.arange(9).reshape(1, 3, 3)
    >>> [part.item() for part in F.five_crop(image, 1)]
    [0, 2, 6, 8, 4]
    """
    h, w = pair(size, "size")
    width, height = get_image_size(img)
    if w > width or h > height:
        raise ValueError(
            f"Requested crop size {(h, w)} is bigger than input size {(height, width)}"
        )
    corners = [crop(img, y, x, h, w) for y in (0, height - h) for x in (0, width - w)]
    return (*corners, center_crop(img, (h, w)))


@for_all_kinds
def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of the image and of its mirror image (upside down with vertical_flip): 10 images.

    Arguments, shapes and errors are those of `five_crop`.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.arange(9).reshape(1, 3, 3)
    >>> [part.item() for part in F.ten_crop(image, 1)]
    [0, 2, 6, 8, 4, 2, 0, 8, 6, 4]
    """
    mirrored = vflip(img) if vertical_flip else hflip(img)
    return five_crop(img, size) + five_crop(mirrored, size)


@for_all_kinds
def pad(
    img: Any,
    padding: int | Sequence[int],
    fill: float | Sequence[float] = 0,
    padding_mode: str = "constant",
) -> Any:
    """The image with a border.

    padding: one number, (left and right, top and bottom), or (left, top, right, bottom). img: a PIL
    image or a tensor (..., H, W).

        constant   0000|1234|0000   (`fill`: a number, for a PIL image also one per channel)
        edge       1111|1234|4444
        reflect     432|1234|321
        symmetric  4321|1234|4321

    A negative padding crops. Raises ValueError for another padding_mode or number of paddings,
    TypeError for what is no number and for a tensor with one fill per channel, RuntimeError for a
    fill that a tensor of integers cannot hold.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.pad(mt.tensor([[[1.0, 2.0, 3.0, 4.0]]]), (3, 0), padding_mode="reflect")
    tensor([[[4., 3., 2., 1., 2., 3., 4., 3., 2., 1.]]])
    """
    left, top, right, bottom = parse_padding(padding)
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode should be one of {PADDING_MODES}, got {padding_mode!r}")
    if min(left, top, right, bottom) < 0:
        _, height, width = get_dimensions(img)
        x, y = max(-left, 0), max(-top, 0)
        img = crop(img, y, x, height - y + min(bottom, 0), width - x + min(right, 0))
        left, top, right, bottom = (max(each, 0) for each in (left, top, right, bottom))
    if is_pil(img):
        if padding_mode == "constant":
            return ImageOps.expand(img, (left, top, right, bottom), fill_for(img, fill))
        pixels = np.asarray(img)
        border = [(top, bottom), (left, right), (0, 0)][: pixels.ndim]
        mode: Any = padding_mode
        padded = Image.fromarray(np.pad(pixels, border, mode=mode))
        if img.mode == "P":
            padded.putpalette(img.getpalette())
        return padded
    if padding_mode != "constant":
        array = array_of(img)
        border = [(0, 0)] * (array.ndim - 2) + [(top, bottom), (left, right)]
        return wrap(array_module(array).pad(array, border, mode=padding_mode))
    (value,) = fill if isinstance(fill, list | tuple) and len(fill) == 1 else (fill,)
    value = 0 if value is None else value
    if not isinstance(value, NUMBER):
        raise TypeError(f"pad of a tensor takes one number as fill, got fill={fill!r}")
    if img.dtype.category == 1:
        limits = np.iinfo(img.dtype.numpy)
        if not limits.min <= value <= limits.max:
            raise RuntimeError(f"pad: fill={fill} cannot be converted to {img.dtype}")
    value = float(value) if img.is_floating_point() else int(value)
    return pad_tensor(img, [left, right, top, bottom], value=value)


def parse_padding(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one, two or four numbers.

    Raises ValueError for three, TypeError for anything but integers.

    >>> parse_padding(3), parse_padding((1, 2)), parse_padding((1, 2, 3, 4))
    ((3, 3, 3, 3), (1, 2, 1, 2), (1, 2, 3, 4))
    """
    listed = padding if isinstance(padding, list | tuple) else [padding]
    if len(listed) not in (1, 2, 4):
        raise ValueError(f"padding should be 1, 2 or 4 numbers, got {padding}")
    left, top, right, bottom = [as_int("pad", "padding", each) for each in [*listed] * 4][:4]
    return left, top, right, bottom


@for_all_kinds
def hflip(img: Any) -> Any:
    """Left and right exchanged, in a PIL image or a tensor (..., H, W).

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.hflip(mt.tensor([[[1, 2], [3, 4]]]))
    tensor([[[2, 1],
             [4, 3]]])
    """
    if is_pil(img):
        return img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return img.flip(-1)


@for_all_kinds
def vflip(img: Any) -> Any:
    """Top and bottom exchanged, in a PIL image or a tensor (..., H, W).

    Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.vflip(mt.tensor([[[1, 2], [3, 4]]]))
    tensor([[[3, 4],
             [1, 2]]])
    """
    if is_pil(img):
        return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return img.flip(-2)


@for_all_kinds
def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: float | Sequence[float] | None = None,
) -> Any:
    """The image turned by `angle` degrees, counter-clockwise.

        expand  make the result large enough to hold the whole turned image
        center  (x, y) of the point that stays, from the upper left corner; default the middle
        fill    the value of what was outside, one number or one per channel; default 0

    img: a PIL image or a tensor (..., C, H, W) of any dtype, which it keeps. A tensor has
    torchvision's values for tensors, which at the border are not Pillow's, and exactly its pixels
    when turned by right angles. Raises ValueError for interpolations other than nearest and
    bilinear (for a PIL image bicubic), and for a fill of another number of channels; TypeError for
    what is no number.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.rotate(mt.tensor([[[1, 2], [3, 4]]]), 90)
    tensor([[[2, 4],
             [1, 3]]])
    """
    mode = as_interpolation(interpolation)
    angle = as_number("rotate", "angle", angle)
    middle = None if center is None else _point("center", center)
    if is_pil(img):
        colour = fill_for(img, fill)
        return img.rotate(angle, mode.pillow(), expand, middle, fillcolor=colour)
    _, height, width = get_dimensions(img)
    quarters, rest = divmod(angle, 90)
    if rest == 0 and middle is None and (expand or quarters % 2 == 0 or height == width):
        turned = array_module(img.array).rot90(array_of(img), int(quarters), axes=(-2, -1))
        return wrap(turned.copy())  # every pixel finds a place
    matrix = rotation_back(img, angle, middle)
    size = turned_size(matrix, height, width) if expand else (height, width)
    return sampled(img, matrix, size, mode, fill)


def rotation_back(img: Any, angle: float, center: Sequence[float] | None) -> np.ndarray:
    """The matrix (2, 3) by which a point of the turned image, from the middle, finds its source."""
    return _way_back(img, np.linalg.inv(_rotation(-angle)), center, (0, 0))


def _rotation(angle: float) -> np.ndarray:
    """The matrix (2, 2) that turns a point (x, y) clockwise, as y points down."""
    turn = math.radians(angle)
    return np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])


def _point(name: str, value: Any) -> tuple[float, float]:
    """(x, y) of two numbers. TypeError for no sequence, ValueError for another number of them."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} should be (x, y), got {value!r}")
    if len(value) != 2:
        raise ValueError(f"{name} should be two numbers (x, y), got {value}")
    return float(value[0]), float(value[1])


def _way_back(img: Any, back: np.ndarray, center: Any, translate: Sequence[float]) -> np.ndarray:
    """The matrix (2, 3) by which a point of the result, from the middle, finds its source."""
    width, height = get_image_size(img)
    middle = np.array([width / 2, height / 2])
    fixed = middle if center is None else np.array(center, float)
    offset = fixed - middle + back @ (middle - fixed - np.array(translate, float))
    return np.hstack([back, offset[:, np.newaxis]])


@for_all_kinds
def affine(
    img: Any,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: float | Sequence[float] | None = None,
    center: Sequence[float] | None = None,
) -> Any:
    """The image sheared, scaled, turned and moved, about its middle or `center` (x, y).

        angle      degrees, clockwise
        translate  (x, y) in pixels, to the right and down
        scale      how much larger, above 0
        shear      degrees along x, or (along x, along y)
        fill       the value of what was outside, one number or one per channel; default 0

    img: a PIL image or a tensor (..., C, H, W) of any dtype; the size stays. A tensor has
    torchvision's values for tensors, which at the border are not Pillow's. Raises ValueError for a
    scale that is not positive, interpolations other than nearest and bilinear (for a PIL image
    bicubic), and for another number of values; TypeError for what is no number.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[1, 2, 3, 4]]])
    >>> F.affine(image, angle=0, translate=(1, 0), scale=1.0, shear=0.0)
    tensor([[[0, 1, 2, 3]]])
    """
    if scale <= 0.0:
        raise ValueError(f"Argument scale should be positive, got {scale}")
    mode = as_interpolation(interpolation)
    matrix = affine_back(img, angle, translate, scale, shear, center)
    if not is_pil(img):
        _, height, width = get_dimensions(img)
        return sampled(img, matrix, (height, width), mode, fill)
    # Pillow measures from the upper left corner.
    half, back = np.array(img.size) / 2, matrix[:, :2]
    offset = matrix[:, 2] + half - back @ half
    places = (*back[0], offset[0], *back[1], offset[1])
    colour = fill_for(img, fill)
    return img.transform(img.size, Image.Transform.AFFINE, places, mode.pillow(), fillcolor=colour)


def affine_back(
    img: Any,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    center: Sequence[float] | None,
) -> np.ndarray:
    """As `rotation_back`, for `affine`, whose arguments and errors these are."""
    shears = (shear, 0.0) if isinstance(shear, NUMBER) else (*shear, 0.0)[: max(len(shear), 2)]
    tx, ty = (math.tan(math.radians(each)) for each in _point("shear", shears))
    shearing = np.array([[1.0, -tx], [-ty, 1.0 + tx * ty]])
    turning = _rotation(as_number("affine", "angle", angle))
    back = np.linalg.inv(float(scale) * turning @ shearing)
    middle = None if center is None else _point("center", center)
    return _way_back(img, back, middle, _point("translate", translate))


@for_all_kinds
def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """A tensor image whose rectangle of h rows and w columns at row i, column j is `v`.

    img: (..., C, H, W); `v` is a number or a tensor that broadcasts to (C, h, w). inplace: writes
    into the image itself. Raises TypeError for anything but a tensor, NotImplementedError for one
    that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.erase(mt.ones(1, 2, 3), i=0, j=1, h=2, w=2, v=0.0)
    tensor([[[1., 0., 0.],
             [1., 0., 0.]]])
    """
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if img.ndim < 2:
        raise TypeError(f"an image tensor has shape (..., H, W), got shape {tuple(img.shape)}")
    array = array_of(img)
    result = img if inplace else wrap(array.copy())
    result[..., i : i + h, j : j + w] = v
    return result


_refuse_missing(globals())
