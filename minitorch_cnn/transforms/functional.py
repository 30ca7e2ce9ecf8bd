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
from ..dtypes import as_dtype
from ..missing import refuse_missing as _refuse_missing
from ..ops.common import fitting
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
    InterpolationMode,
    array_of,
    as_interpolation,
    fill_for,
    get_dimensions,
    get_image_size,
    is_pil,
    pair,
    through_pillow,
)

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
    "equalize",
    "erase",
    "five_crop",
    "gaussian_blur",
    "get_dimensions",
    "get_image_size",
    "hflip",
    "invert",
    "normalize",
    "pad",
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
    give the same values. Raises ValueError for a max_size beside two numbers or not above the one,
    NotImplementedError for a tensor with `antialias=False` (bilinear, bicubic) or that requires a
    gradient.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.resize(mt.zeros(3, 10, 20), 5).shape
    minitorch_cnn.Size([3, 5, 10])
    >>> F.resize(mt.tensor([[[0.0, 1.0, 4.0, 5.0]]]), (1, 2))
    tensor([[[1., 4.]]])
    """
    mode = as_interpolation(interpolation)
    height, width = _resized_size(img, size, max_size)
    if is_pil(img):
        return img.resize((width, height), mode.pillow())
    if not antialias and mode in (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC):
        raise NotImplementedError("resize of a tensor with antialias=False; see nn.functional")
    return through_pillow(img, lambda plane, _: plane.resize((width, height), mode.pillow()))


def _resized_size(img: Any, size: int | Sequence[int], max_size: int | None) -> tuple[int, int]:
    if isinstance(size, (int, float, np.number)) and not isinstance(size, (int, np.integer)):
        raise TypeError(f"size should be an int or (height, width), got {size}")
    short, other = pair(size, "size")
    if isinstance(size, Sequence) and len(size) == 2:
        if max_size is not None:
            raise ValueError(f"max_size={max_size} only applies if size is one number, got {size}")
        return short, other
    width, height = get_image_size(img)
    long = int(short * max(width, height) / min(width, height))
    if max_size is not None:
        if max_size <= short:
            raise ValueError(f"max_size={max_size} must be greater than size={size}")
        if long > max_size:
            short, long = int(max_size * short / long), max_size
    return (long, short) if width <= height else (short, long)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The rectangle of that size at (top, left). What lies outside of the image is 0.

    img: a PIL image or a tensor (..., H, W) of any dtype. Raises TypeError for anything else.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    >>> F.crop(image, 0, 1, 2, 1), F.crop(image, -1, 0, 2, 2)
    (tensor([[[2.],
             [4.]]]), tensor([[[0., 0.],
             [1., 2.]]]))
    """
    if is_pil(img):
        return img.crop((left, top, left + width, top + height))
    bottom, right = top + height, left + width
    array = array_of(img)
    inside = array[..., max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    rows = (min(max(-top, 0), height), 0)
    columns = (min(max(-left, 0), width), 0)
    rows = (rows[0], height - rows[0] - inside.shape[-2])
    columns = (columns[0], width - columns[0] - inside.shape[-1])
    before = [(0, 0)] * (array.ndim - 2)
    return wrap(array_module(array).pad(inside, [*before, rows, columns]))


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

    Raises ValueError for another padding_mode or number of paddings, NotImplementedError for
    negative ones and for a tensor with one fill per channel.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.pad(mt.tensor([[[1.0, 2.0, 3.0, 4.0]]]), (3, 0), padding_mode="reflect")
    tensor([[[4., 3., 2., 1., 2., 3., 4., 3., 2., 1.]]])
    """
    left, top, right, bottom = parse_padding(padding)
    if padding_mode not in PADDING_MODES:
        raise ValueError(f"padding_mode should be one of {PADDING_MODES}, got {padding_mode!r}")
    if min(left, top, right, bottom) < 0:
        raise NotImplementedError(f"pad: negative padding {padding}; use crop")
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
    array = array_of(img)
    xp = array_module(array)
    border = [(0, 0)] * (array.ndim - 2) + [(top, bottom), (left, right)]
    if padding_mode != "constant":
        return wrap(xp.pad(array, border, mode=padding_mode))
    if not isinstance(fill, (int, float, np.number)):
        raise NotImplementedError(f"pad of a tensor with one fill per channel, got fill={fill}")
    value = fitting(fill, as_dtype(array.dtype))  # 300 does not fit into uint8
    return wrap(xp.pad(array, border, constant_values=value))


def parse_padding(padding: int | Sequence[int]) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one, two or four numbers. Raises ValueError for three.

    >>> parse_padding(3), parse_padding((1, 2)), parse_padding((1, 2, 3, 4))
    ((3, 3, 3, 3), (1, 2, 1, 2), (1, 2, 3, 4))
    """
    if isinstance(padding, (int, np.integer)):
        return (int(padding),) * 4
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"padding should be 1, 2 or 4 numbers, got {padding}")
    left, top, right, bottom = (list(padding) * 4)[:4]
    return left, top, right, bottom


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
    return wrap(array_of(img)[..., ::-1].copy())


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
    return wrap(array_of(img)[..., ::-1, :].copy())


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

    img: a PIL image or a tensor (..., C, H, W) of any dtype, which it keeps. Raises ValueError for
    interpolations other than nearest, bilinear and bicubic (a multiple of 90 degrees may do
    without), or a fill of another number of channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> F.rotate(mt.tensor([[[1, 2], [3, 4]]]), 90)
    tensor([[[2, 4],
             [1, 3]]])
    """
    mode = as_interpolation(interpolation).pillow()
    middle = None if center is None else (float(center[0]), float(center[1]))
    return _with_fill(
        img,
        fill,
        lambda picture, colour: picture.rotate(angle, mode, expand, middle, fillcolor=colour),
    )


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

    img: a PIL image or a tensor (..., C, H, W) of any dtype; the size stays. Raises ValueError for
    a scale that is not positive, interpolations other than nearest, bilinear and bicubic, or a fill
    of another number of channels.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.transforms import functional as F
    >>> image = mt.tensor([[[1, 2, 3, 4]]])
    >>> F.affine(image, angle=0, translate=(1, 0), scale=1.0, shear=0.0)
    tensor([[[0, 1, 2, 3]]])
    """
    if scale <= 0.0:
        raise ValueError(f"Argument scale should be positive, got {scale}")
    for name, given in (("translate", translate), ("center", center)):
        if name == "center" and given is None:
            continue
        if not isinstance(given, tuple | list) or len(given) != 2:
            wrong_type = not isinstance(given, tuple | list)
            raise (TypeError if wrong_type else ValueError)(
                f"Argument {name} should be a sequence of length 2, got {given!r:.60}"
            )
    if not isinstance(shear, (int, float, np.number)) and len(shear) not in (1, 2):
        raise ValueError(f"Shear should be one or two numbers, got {shear}")
    mode = as_interpolation(interpolation).pillow()
    turn = math.radians(angle)
    shears = (shear, 0.0) if isinstance(shear, (int, float, np.number)) else (*shear, 0.0)[:2]
    tx, ty = (math.tan(math.radians(each)) for each in shears)
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    shearing = np.array([[1.0, -tx], [-ty, 1.0 + tx * ty]])
    # Pillow asks where each point of the result comes from.
    back = np.linalg.inv(scale * rotation @ shearing)
    width, height = get_image_size(img)
    middle = np.array([width / 2, height / 2] if center is None else center, float)
    offset = middle - back @ (middle + np.array(translate, float))
    matrix = (*back[0], offset[0], *back[1], offset[1])
    return _with_fill(
        img,
        fill,
        lambda picture, colour: picture.transform(
            picture.size, Image.Transform.AFFINE, matrix, mode, fillcolor=colour
        ),
    )


def _with_fill(img: Any, fill: float | Sequence[float] | None, function: Any) -> Any:
    """function(picture, colour) for a PIL image, or for each channel of a tensor."""
    fill = 0 if fill is None else fill
    if is_pil(img):
        return function(img, fill_for(img, fill))
    channels = get_dimensions(img)[0]
    fills = [fill] * channels if isinstance(fill, (int, float, np.number)) else list(fill)
    if len(fills) == 1:
        fills = fills * channels
    if len(fills) != channels:
        raise ValueError(f"fill={fill} has {len(fills)} numbers, the image {channels} channels")
    return through_pillow(
        img,
        lambda plane, channel: function(plane, fill_for(plane, fills[channel])),
    )


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
    array = array_of(img)
    result = img if inplace else wrap(array.copy())
    result[..., i : i + h, j : j + w] = v
    return result


_refuse_missing(globals())
