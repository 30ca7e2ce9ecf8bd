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
from .image import get_dimensions, white
from .kinds import for_all_kinds


def pil_to_tensor(pic: Image.Image) -> Tensor:
    """PIL image -> tensor (C, H, W) of the same values: uint8 for most kinds of image.

    Raises TypeError for anything but a PIL image, NotImplementedError for one of 16 bits.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.functional.pil_to_tensor(Image.new("RGB", (1, 1), (10, 20, 30))).tolist()
    [[[10]], [[20]], [[30]]]
    """
    if not isinstance(pic, Image.Image):
        raise TypeError(f"pic should be a PIL Image, got {type(pic).__name__}")
    if pic.mode.startswith("I;16"):
        raise NotImplementedError(
            f"an image of mode {pic.mode} has 16-bit numbers without a sign, which tensors here do "
            'not have: use pic.convert("I") for int32, or to_tensor, which makes them int16'
        )
    array = np.array(pic)
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    return wrap(np.ascontiguousarray(array.transpose(2, 0, 1)))


def to_tensor(pic: Image.Image | np.ndarray) -> Tensor:
    """PIL image, or array (H, W) or (H, W, C) -> tensor (C, H, W).

    8-bit values (and the two of mode "1") become floats from 0 to 1, all others keep their value
    and type; those of a 16-bit image become int16, so from 32768 on they are negative. Raises
    TypeError for anything else, ValueError for an array of other dimensions.

    >>> import minitorch_cnn as mt
    >>> from PIL import Image
    >>> mt.transforms.functional.to_tensor(Image.new("L", (2, 1), 51))
    tensor([[[0.2000, 0.2000]]])
    """
    if isinstance(pic, Image.Image):
        if pic.mode == "1":
            return to_tensor(pic.convert("L"))
        array = np.array(pic)
        if array.dtype.kind == "u" and array.dtype.itemsize == 2:  # of mode I;16
            array = array.astype(np.int16)
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


# Pillow's names for the pixels: for one channel by their type, for several of 8 bits by how many.
_ONE_CHANNEL = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}
_CHANNELS = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


def to_pil_image(pic: Tensor | np.ndarray, mode: str | None = None) -> Image.Image:
    """Tensor (C, H, W) or (H, W), or array (H, W, C) or (H, W) -> PIL image.

    Floats, of values 0..1, become 8 bit: times 255, rounded down; with mode "F" they stay. Integers
    keep their values: int16 becomes mode "I;16", int32 mode "I".

    `mode`: Pillow's name for the pixels, by default L, LA, RGB or RGBA for 1 to 4 channels of 8
    bits; three may be YCbCr or HSV too, and four CMYK or RGBX. No colours are converted.

    Raises TypeError for anything but a tensor or an array, and for other types of number;
    ValueError for other shapes, and for a mode that does not fit.

    >>> import minitorch_cnn as mt
    >>> image = mt.transforms.functional.to_pil_image(mt.ones(3, 2, 4))
    >>> image.mode, image.size, image.getpixel((0, 0))
    ('RGB', (4, 2), (255, 255, 255))
    """
    if isinstance(pic, Tensor):
        array = to_numpy(pic.array)
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    channels = array.shape[2] if array.ndim == 3 else 1
    if not 1 <= channels <= 4:
        raise ValueError(f"pic should have 1 to 4 channels. Got {channels} channels.")
    if array.dtype.kind == "f" and mode != "F":
        array = (array * 255).astype(np.uint8)
    kind = array.dtype.name
    modes = (_ONE_CHANNEL.get(kind),) if channels == 1 else _CHANNELS[channels]
    if mode is not None and mode not in modes:
        allowed = ", ".join(str(each) for each in modes)
        raise ValueError(f"mode {mode!r} does not fit {channels} channels of {kind}: {allowed}")
    if modes[0] is None or (channels > 1 and kind != "uint8"):
        raise TypeError(f"Input type {kind} is not supported for {channels} channels")
    # Pillow wants the 16 bits of its mode I;16 in this order.
    data = array.astype("<i2") if kind == "int16" else array
    return Image.frombytes(mode or modes[0], array.shape[1::-1], data.tobytes())


@for_all_kinds
def convert_image_dtype(image: Tensor, dtype: dtype = float32) -> Tensor:
    """A tensor image with another type, its values in that type's range: 0..1 or 0..255, ...

    Any shape; a bool counts as an integer from 0 to 1. Raises RuntimeError for floats to integers
    that have more digits, TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.transforms.functional.convert_image_dtype(mt.tensor([[[0.0, 0.5, 1.0]]]), mt.uint8)
    tensor([[[  0, 127, 255]]], dtype=minitorch_cnn.uint8)
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"Input img should be Tensor Image, got {type(image).__name__}")
    if dtype == image.dtype:
        return image
    array, limit, largest = image.array, white(image.dtype.numpy), white(dtype.numpy)
    if dtype.is_floating_point:
        return image.to(dtype) if limit == 1 else image.to(dtype) / float(limit)
    if image.is_floating_point():
        if dtype.itemsize >= max(image.dtype.itemsize, 4):
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely")
        # Every integer gets an equal part of 0..1.
        return wrap((array * (largest + 1 - 1e-3)).astype(dtype.numpy))
    if largest <= limit:
        return wrap((array // int((limit + 1) // (largest + 1))).astype(dtype.numpy))
    return wrap(array.astype(dtype.numpy) * int((largest + 1) // (limit + 1)))


@for_all_kinds
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
    channels = get_dimensions(tensor)[0]
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
    if not {len(shift), len(scale)} <= {1, channels}:
        raise RuntimeError(
            f"mean={mean} and std={std} need one number, or one for each of {channels} channels"
        )
    if not scale.all():
        raise ValueError(f"std evaluated to zero, leading to division by zero: std={std}")
    if inplace:
        return tensor.sub_(wrap(shift)).div_(wrap(scale))
    return (tensor - wrap(shift)) / wrap(scale)
