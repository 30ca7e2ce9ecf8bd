"""From one kind of image to another: PIL images, arrays and tensors, their types and ranges.

A PIL image and an array hold (H, W, C), a tensor (C, H, W).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..backend import array_module, to_numpy
from ..dtypes import dtype, float32, get_default_dtype
from ..tensor import Tensor, wrap
from .image import array_of


def pil_to_tensor(pic: Image.Image) -> Tensor:
    """PIL image -> tensor (C, H, W) of the same values: uint8 for most kinds of image.

    Raises TypeError for anything but a PIL image.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.functional.pil_to_tensor(Image.new("RGB", (1, 1), (10, 20, 30))).tolist()
    [[[10]], [[20]], [[30]]]
    """
    if not isinstance(pic, Image.Image):
        raise TypeError(f"pic should be a PIL Image, got {type(pic).__name__}")
    array = np.array(pic)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    return wrap(np.ascontiguousarray(array.transpose(2, 0, 1)))


def to_tensor(pic: Image.Image | np.ndarray) -> Tensor:
    """PIL image, or array (H, W) or (H, W, C) -> tensor (C, H, W).

    8-bit values (and the two of mode "1") become floats from 0 to 1, all others keep their value
    and type. Raises TypeError for anything else, ValueError for an array of other dimensions.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.functional.to_tensor(Image.new("L", (2, 1), 51))
    tensor([[[0.2000, 0.2000]]])
    """
    if isinstance(pic, Image.Image):
        if pic.mode == "1":
            return to_tensor(pic.convert("L"))
        array = np.array(pic)
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    array = array.transpose(2, 0, 1)
    if array.dtype == np.uint8:
        array = array.astype(get_default_dtype().numpy, order="C")
        array /= 255
        return wrap(array)
    return wrap(np.array(array, order="C"))


def to_pil_image(pic: Tensor | np.ndarray, mode: str | None = None) -> Image.Image:
    """Tensor (C, H, W) or (H, W), or array (H, W, C) or (H, W) -> PIL image.

    A float tensor, of values 0..1, becomes 8 bit: times 255, rounded down. Everything else keeps
    its values; a float array of one channel becomes mode "F".

    `mode`: Pillow's name for the channels, by default L, LA, RGB or RGBA.

    Raises TypeError for anything but a tensor or an array, and for several channels that are not 8
    bit; ValueError for other shapes, and for a mode with another number of channels.

    >>> import minitorch_cnn as mt
    >>> image = mt.transforms.functional.to_pil_image(mt.ones(3, 2, 4))
    >>> image.mode, image.size, image.getpixel((0, 0))
    ('RGB', (4, 2), (255, 255, 255))
    """
    if isinstance(pic, Tensor):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        array = to_numpy(array_of(pic))
        if array.ndim == 3:
            array = array.transpose(1, 2, 0)
        if array.dtype.kind == "f" and mode != "F":
            array = (array * 255).astype(np.uint8)
    elif isinstance(pic, np.ndarray):
        array = pic
        if array.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {channels} channels.")
    if array.ndim == 3 and channels == 1:
        array = array[:, :, 0]
    if array.ndim == 3 and array.dtype != np.uint8:
        raise TypeError(f"Input type {array.dtype} is not supported for {channels} channels")
    image = Image.fromarray(np.ascontiguousarray(array))
    if mode is None or mode == image.mode:
        return image
    if len(Image.new(mode, (1, 1)).getbands()) != channels:
        raise ValueError(f"mode {mode!r} does not fit an image of {channels} channels")
    # Other names for the same bytes (HSV, YCbCr, CMYK, ...), not a conversion of colours.
    return Image.frombytes(mode, image.size, image.tobytes())


def _largest(kind: dtype) -> float:
    """What white is in an image of that type."""
    return float(np.iinfo(kind.numpy).max) if kind.category == 1 else 1.0


def convert_image_dtype(image: Tensor, dtype: dtype = float32) -> Tensor:
    """A tensor image with another type, its values in that type's range: 0..1 or 0..255, ...

    Any shape; a bool counts as an integer from 0 to 1. Raises RuntimeError for floats to integers
    that have more digits, NotImplementedError for a tensor that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.functional.convert_image_dtype(mt.tensor([[[0.0, 0.5, 1.0]]]), mt.uint8)
    tensor([[[  0, 127, 255]]], dtype=minitorch_cnn.uint8)
    """
    array = array_of(image)
    if dtype == image.dtype:
        return image
    limit, largest = _largest(image.dtype), _largest(dtype)
    if dtype.is_floating_point:
        scaled = wrap(array.astype(dtype.numpy))
        return scaled if limit == 1 else scaled / limit
    if image.is_floating_point():
        if dtype.itemsize >= max(image.dtype.itemsize, 4):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely")
        # Every integer gets an equal part of 0..1.
        return wrap((array * (largest + 1 - 1e-3)).astype(dtype.numpy))
    if largest <= limit:
        return wrap((array // int((limit + 1) // (largest + 1))).astype(dtype.numpy))
    return wrap(array.astype(dtype.numpy) * int((largest + 1) // (limit + 1)))


def normalize(
    tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False
) -> Tensor:
    """(tensor - mean) / std, channel by channel, for a float tensor (..., C, H, W).

    mean, std: one number per channel, or one for all. inplace: writes over the tensor. Raises
    TypeError for anything but a float tensor, ValueError for fewer than three dimensions or a std
    of zero, RuntimeError for another number of channels.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.functional.normalize(mt.tensor([[[0.0, 0.5, 1.0]]]), [0.5], [0.5])
    tensor([[[-1.,  0.,  1.]]])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got {tensor.shape}"
        )
    for name, given in (("mean", mean), ("std", std)):
        if not hasattr(given, "dtype") and np.asarray(given).dtype.kind not in "biuf":
            # NumPy would read None as NaN
            raise TypeError(f"normalize: {name} should be numbers, got {given!r:.60}")
    xp = array_module(tensor.array)
    shift = xp.asarray(mean, dtype=tensor.array.dtype).reshape(-1, 1, 1)
    scale = xp.asarray(std, dtype=tensor.array.dtype).reshape(-1, 1, 1)
    if not scale.all():
        raise ValueError(f"std evaluated to zero, leading to division by zero: std={std}")
    if inplace:
        return tensor.sub_(wrap(shift)).div_(wrap(scale))
    return (tensor - wrap(shift)) / wrap(scale)
