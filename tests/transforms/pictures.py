"""Images of all kinds and calls on them, for torchvision and for minitorch_cnn alike.

An image has a name, as "pil L 4x3", "array uint8 2,3,3 readonly" or "tensor bool 3,3,4". A call is
a function of a library, which has the modules F, T and utils and the functions tensor and dtype,
and of an image.
"""

from __future__ import annotations

import fnmatch
import math
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

MODES = [
    *("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB"),
    *("HSV", "I", "I;16", "I;16L", "I;16B", "I;16N", "F"),
]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]

# What torchvision does otherwise than here, and on purpose: calls, images, why.
OTHERWISE = [
    ("*_tensor*", "pil I;16[LBN] *", "torchvision keeps 8 of the 16 bits"),
    ("pil_to_tensor", "pil I;16 *", "there is no uint16"),
    ("to_tensor", "array uint*[!8] *", "there is no uint16"),
    ("to_tensor", "array * swapped", "read in its own byte order, which torch refuses"),
    ("to_tensor", "array * reversed", "read backwards, which torch refuses"),
    ("to_pil_image*", "array *int*[!8] * swapped", "read in its own byte order"),
    ("to_pil_image*", "* 2,3,0", "no channel is refused as a shape"),
    ("to_pil_image*", "* 0,2,3", "no channel is refused as a shape"),
    ("to_pil_image ??*", "array *int* 2,3,[234]", "torchvision shows the bytes of the integers"),
    ("to_pil_image ??*", "array bool 2,3,[234]", "torchvision shows the bytes of the bools"),
    ("to_pil_image ??*", "tensor *int* [234],2,3", "torchvision shows the bytes of the integers"),
    ("to_pil_image ??*", "tensor bool [234],2,3", "torchvision shows the bytes of the bools"),
    ("convert int*", "tensor float16 *", "torchvision's values overflow"),
    ("convert float16", "tensor int[36]* *", "torchvision's values are infinite"),
    ("convert *int*", "tensor float* *grad", "torchvision's values overflow"),
    ("resize *", "pil * 0x3", "torchvision divides by zero"),
    ("resize *", "tensor * 3,0,4", "torchvision divides by zero"),
    ("resize cubic", "tensor int8 *", "torchvision's values overflow"),
    ("elastic*", "pil I;16*", "there is no uint16"),
    ("perspective 2", "pil I 4x3", "32 bits show the last digit of the places"),
    ("rotate 90 *", "tensor *", "torchvision doubles pixels and drops others"),
    ("grey 3", "tensor * 1,*", "torchvision gives one channel"),
    ("hue", "tensor int[81]* *", "no image has negative values"),
    ("gamma", "tensor int* *", "torchvision's numbers have too few digits"),
    ("pad negative", "tensor uint8 3,1,1", "its width would be negative"),
    ("grid*", "tensor * 4", "no image is refused as a shape"),
    ("grid of two", "tensor uint8 2,3,3,4", "no image is refused as a shape"),
    *(
        (calls, "tensor int[36]* *", "torchvision's numbers have too few digits")
        for calls in (
            "perspective*",
            "elastic*",
            "resize*",
            "rotate*",
            "affine*",
            "blur*",
            "grey*",
            "autocontrast",
            "hue",
        )
    ),
    *(
        (calls, "tensor int[36]* *", "torchvision's numbers have too few digits")
        for calls in ("brightness", "contrast", "saturation", "sharpness", "pad edge")
    ),
    ("pad reflect", "tensor int[36]* *", "torchvision's numbers have too few digits"),
    ("*", "tensor bool *", "black and white are an image here"),
]


def numbers(name: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """The same numbers everywhere: integers of the whole range, floats from 0 to 1."""
    raw = np.random.Philox(key=zlib.crc32(name.encode())).random_raw(math.prod(shape))
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = (raw >> np.uint64(56)) / 256  # which float16 can hold
    elif kind.kind == "b":
        values = raw >> np.uint64(63)
    else:
        values = (raw >> np.uint64(64 - 8 * kind.itemsize)).astype(kind)
    return values.astype(kind).reshape(shape)


def picture(mode: str, width: int, height: int) -> Image.Image:
    """A PIL image of any mode."""
    if mode == "1":
        return Image.fromarray(numbers(mode, (height, width), "bool"))
    if mode == "F":
        return Image.fromarray(numbers(mode, (height, width), "float32") * 300)
    if mode == "I":
        return Image.fromarray(numbers(mode, (height, width), "int16").astype(np.int32) * 4)
    depth = 2 if mode.startswith("I;16") else len(Image.new(mode, (1, 1)).getbands())
    data = numbers(mode, (height, width, depth), "uint8")
    if mode.startswith("P"):
        data[..., 0] %= 4
    image = Image.frombytes(mode, (width, height), data.tobytes())
    if mode.startswith("P"):
        image.putpalette(numbers("palette", (4, 3), "uint8").tobytes())
    return image


def image(lib: Any, name: str) -> Any:
    """The image of that name."""
    kind, what, size, *how = name.split()
    if kind == "pil":
        width, height = size.split("x")
        return picture(what, int(width), int(height))
    array = numbers(name, tuple(int(each) for each in size.split(",")), what)
    if "reversed" in how:
        array = array[::-1]
    if "swapped" in how:
        array = array.astype(array.dtype.newbyteorder())
    if "fortran" in how:
        array = np.asfortranarray(array)
    if "readonly" in how:
        array.setflags(write=False)
    if kind == "array":
        return array
    x = lib.tensor(array)
    return x.requires_grad_() if "grad" in how else x


PICTURES = [f"pil {mode} 3x2" for mode in MODES] + ["pil RGB 0x2", "pil RGB 3x0", "pil L 1x1"]
ARRAYS = [
    *(
        f"array {dtype} {shape}"
        for dtype in (*DTYPES, "uint16", "uint32")
        for shape in ("2,3", "2,3,1", "2,3,2", "2,3,3", "2,3,4", "2,3,5")
    ),
    *(
        f"array {dtype} {shape} {how}"
        for dtype in ("uint8", "int16", "int32", "float32")
        for shape in ("2,3", "2,3,1", "2,3,3")
        for how in ("reversed", "readonly", "swapped", "fortran")
    ),
    *(
        f"array {dtype} {shape}"
        for dtype in ("uint8", "int16", "float32")
        for shape in ("0,3", "2,0", "2,3,0", "0,2,3", "3", "1,2,3,3", "1,1,1")
    ),
]
TENSORS = [
    *(
        f"tensor {dtype} {shape}"
        for dtype in DTYPES
        for shape in ("2,3", "1,2,3", "2,2,3", "3,2,3", "4,2,3", "5,2,3")
    ),
    *(
        f"tensor {dtype} {shape}"
        for dtype in ("uint8", "int16", "float32")
        for shape in ("0,3", "1,0,3", "3,2,0", "0,2,3", "3", "1,3,2,3", "1,1,1")
    ),
    "tensor float32 3,2,3 grad",
]
LARGER = [
    *(f"pil {mode} 4x3" for mode in MODES if len(mode) < 5 or mode == "YCbCr"),
    *("pil L 1x1", "pil RGB 0x3", "array uint8 3,4,3"),
    *(f"tensor {dtype} 3,3,4" for dtype in DTYPES),
    *(f"tensor uint8 {shape}" for shape in ("1,3,4", "2,3,4", "2,3,3,4", "3,1,1", "3,0,4", "4")),
    *(f"tensor float32 {shape}" for shape in ("1,3,4", "4,3,4", "3,0,4", "4")),
    "tensor int32 1,3,4",
]

CALLS: dict[str, tuple[Callable[[Any, Any], Any], list[str]]] = {}


def call(name: str, function: Callable[[Any, Any], Any], images: list[str] = LARGER) -> None:
    """Adds a call of `function` with each of the images."""
    CALLS[name] = (function, images)


call("to_tensor", lambda lib, x: lib.T.ToTensor()(x), [*PICTURES, *ARRAYS, TENSORS[0]])
call("pil_to_tensor", lambda lib, x: lib.T.PILToTensor()(x), [*PICTURES, ARRAYS[0], TENSORS[0]])
call("to_pil_image", lambda lib, x: lib.T.ToPILImage()(x), [*ARRAYS, *TENSORS, PICTURES[1]])
for mode in (*MODES, "no mode"):
    call(
        f"to_pil_image {mode}",
        lambda lib, x, mode=mode: lib.F.to_pil_image(x, mode),
        [*ARRAYS[:54], *TENSORS[:54]],
    )
for dtype in DTYPES:
    call(
        f"convert {dtype}",
        lambda lib, x, dtype=dtype: lib.F.convert_image_dtype(x, lib.dtype(dtype)),
        [f"tensor {each} 1,2,3" for each in DTYPES]
        + ["tensor float32 2,0", "tensor uint8 4", "pil L 3x2", "array uint8 2,3"],
    )

call("resize 2,5", lambda lib, x: lib.F.resize(x, [2, 5]))
call("resize 2", lambda lib, x: lib.T.Resize(2)(x))
call("resize max", lambda lib, x: lib.F.resize(x, [4], max_size=5))
call("resize plain", lambda lib, x: lib.F.resize(x, [2, 5], antialias=False))
call("resize nearest", lambda lib, x: lib.F.resize(x, [2, 5], lib.T.InterpolationMode.NEAREST))
call("resize cubic", lambda lib, x: lib.F.resize(x, [2, 5], 3))
call("resize by word", lambda lib, x: lib.F.resize(x, [2, 5], "bilinear"))
call("resize 2.5", lambda lib, x: lib.T.Resize(2.5)(x))
call("resize 0", lambda lib, x: lib.F.resize(x, [0, 2]))
call("resize 3 numbers", lambda lib, x: lib.T.Resize([2, 3, 4])(x))
call("center_crop", lambda lib, x: lib.T.CenterCrop([np.int64(2), np.int64(3)])(x))
call("center_crop larger", lambda lib, x: lib.F.center_crop(x, [5]))
call("center_crop 3 numbers", lambda lib, x: lib.T.CenterCrop([2, 3, 4])(x))
call("crop", lambda lib, x: lib.F.crop(x, np.int64(1), -1, 3, np.int64(3)))
call("resized_crop", lambda lib, x: lib.F.resized_crop(x, 0, 1, 2, 2, [3, 3]))
call("five_crop", lambda lib, x: lib.T.FiveCrop(2)(x))
call("ten_crop", lambda lib, x: lib.F.ten_crop(x, [2, 1], vertical_flip=True))
call("hflip", lambda lib, x: lib.T.RandomHorizontalFlip(1.0)(x))
call("vflip", lambda lib, x: lib.F.vflip(x))
for mode in ("constant", "edge", "reflect", "symmetric"):
    call(
        f"pad {mode}",
        lambda lib, x, mode=mode: lib.F.pad(x, [1, 2, 0, 1], padding_mode=mode),
        [each for each in LARGER if each.split()[0] == "pil" or ",3,4" in each],
    )
call("pad fill", lambda lib, x: lib.T.Pad([1, 0], fill=7)(x))
call("pad fill None", lambda lib, x: lib.F.pad(x, 1, None))
call("pad fill 1,2,3", lambda lib, x: lib.F.pad(x, 1, (1, 2, 3)))
call("pad fill word", lambda lib, x: lib.F.pad(x, 1, "red"))
call("pad negative", lambda lib, x: lib.F.pad(x, [-1, 1]))
call("pad 3 numbers", lambda lib, x: lib.T.Pad([1, 2, 3])(x))
call("rotate 30", lambda lib, x: lib.F.rotate(x, 30))
call("rotate 30 expand", lambda lib, x: lib.F.rotate(x, 30, expand=True, fill=9))
call("rotate 30 linear", lambda lib, x: lib.F.rotate(x, 30, 2, fill=[1, 2, 3]))
call("rotate 90 expand", lambda lib, x: lib.F.rotate(x, 90, expand=True))
call("rotate center", lambda lib, x: lib.F.rotate(x, -40, center=[1, 2]))
call("rotate fill", lambda lib, x: lib.F.rotate(x, 30, fill=(1, 2)))
call("rotate cubic", lambda lib, x: lib.F.rotate(x, 30, 3))
call("affine", lambda lib, x: lib.F.affine(x, 10, [1, 0], 1.2, [5.0, -3.0]))
call("affine linear", lambda lib, x: lib.F.affine(x, 10, (1, -1), 0.8, 5, 2, fill=5))
call("affine scale 0", lambda lib, x: lib.F.affine(x, 10, (1, -1), 0, 5))
call("affine by 3", lambda lib, x: lib.F.affine(x, 10, (1, 1), 1, (1, 2, 3)))
call("brightness", lambda lib, x: lib.F.adjust_brightness(x, 1.7))
call("contrast", lambda lib, x: lib.F.adjust_contrast(x, 0.6))
call("saturation", lambda lib, x: lib.F.adjust_saturation(x, np.float32(1.7)))
call("hue", lambda lib, x: lib.F.adjust_hue(x, 0.2))
call("gamma", lambda lib, x: lib.F.adjust_gamma(x, 0.7, 1.1))
call("sharpness", lambda lib, x: lib.F.adjust_sharpness(x, 1.7))
CORNERS = [[0, 0], [3, 0], [3, 2], [0, 2]]
MOVED = [[0.3, 0.2], [2.9, 0.1], [2.7, 1.9], [0.4, 2.2]]
for mode in (0, 2, 3, 1):
    call(f"perspective {mode}", lambda lib, x, m=mode: lib.F.perspective(x, CORNERS, MOVED, m))
call("perspective fill", lambda lib, x: lib.F.perspective(x, CORNERS, MOVED, fill=[5, 6, 7]))
for mode in (0, 2, 1):
    call(
        f"elastic {mode}",
        lambda lib, x, m=mode: lib.F.elastic_transform(x, displacement(lib, x), m, 9),
    )
call(
    "whitening",
    lambda lib, x: lib.T.LinearTransformation(
        lib.tensor(numbers("matrix", (36, 36), "float32")),
        lib.tensor(numbers("mean", (36,), "float32")),
    )(x),
    ["tensor float32 3,3,4", "tensor float32 1,3,4"],
)
for name in ("brightness", "contrast", "saturation", "sharpness"):
    call(
        f"{name} negative",
        lambda lib, x, name=name: getattr(lib.F, f"adjust_{name}")(x, -1),
        ["pil L 4x3", "pil RGB 4x3", "tensor uint8 3,3,4", "tensor float32 3,3,4"],
    )
call("invert", lambda lib, x: lib.T.RandomInvert(1.0)(x))
call("posterize", lambda lib, x: lib.F.posterize(x, np.int64(3)))
call("posterize 9", lambda lib, x: lib.F.posterize(x, 9))
call("solarize", lambda lib, x: lib.F.solarize(x, 0.5))
call("solarize 256", lambda lib, x: lib.F.solarize(x, 256))
call("autocontrast", lambda lib, x: lib.F.autocontrast(x), [x for x in LARGER if "3,0" not in x])
call("equalize", lambda lib, x: lib.F.equalize(x))
call("blur", lambda lib, x: lib.F.gaussian_blur(x, [3, 1], [1.0, 0.5]))
call("blur 5", lambda lib, x: lib.F.gaussian_blur(x, 5))
call("blur 2", lambda lib, x: lib.F.gaussian_blur(x, 2))
call("grey", lambda lib, x: lib.F.rgb_to_grayscale(x))
call("grey 3", lambda lib, x: lib.T.Grayscale(3)(x))
call("grey 2", lambda lib, x: lib.F.rgb_to_grayscale(x, 2))
call("dimensions", lambda lib, x: lib.F.get_dimensions(x))
call("channels", lambda lib, x: [lib.F.get_image_num_channels(x)])
call("normalize 3", lambda lib, x: lib.F.normalize(x, [0.1, 0.2, 0.3], [1, 2, 4]))
call("normalize 1", lambda lib, x: lib.T.Normalize((0.5,), (2.0,))(x))
call("normalize 0", lambda lib, x: lib.F.normalize(x, [0.5], [0]))
call("erase", lambda lib, x: lib.F.erase(x, 0, np.int64(1), 2, 2, 0))
call("erasing", lambda lib, x: lib.T.RandomErasing(1.0, (0.9, 0.9), (1.0, 1.0), inplace=True)(x))
call("grid", lambda lib, x: lib.utils.make_grid(x, padding=1))
call("grid of two", lambda lib, x: lib.utils.make_grid([x, x], nrow=1, padding=1, pad_value=1))
call("grid normalized", lambda lib, x: lib.utils.make_grid(x, normalize=True, value_range=(0, 0.5)))


def displacement(lib: Any, x: Any) -> Any:
    """Where the pixels of an image come from: up to a quarter of it beside themselves."""
    _, height, width = lib.F.get_dimensions(x)
    return lib.tensor(numbers("displacement", (1, height, width, 2), "float32") / 2 - 0.25)


def stored(name: str, picture: str) -> bool:
    """Whether that call of that image is compared."""
    return not any(
        fnmatch.fnmatchcase(name, calls) and fnmatch.fnmatchcase(picture, pictures)
        for calls, pictures, _ in OTHERWISE
    )


def outcome(name: str, lib: Any, picture: str) -> Any:
    """What a call makes of an image: the name of an error, or what `described` says."""
    x = image(lib, picture)
    try:
        return described(CALLS[name][0](lib, x), exact=not name.startswith("resize"))
    except Exception as error:  # whatever it is, its type is the outcome
        return type(error).__name__


def described(result: Any, exact: bool) -> Any:
    """[type, shape, values]: floats as they are, and of integers a checksum if they are exact."""
    if isinstance(result, list | tuple):
        return [each if isinstance(each, int) else described(each, exact) for each in result]
    if isinstance(result, Image.Image):
        palette = result.getpalette() if result.mode in ("P", "PA") else None
        kind = result.mode if palette is None else f"{result.mode} {zlib.crc32(bytes(palette))}"
        shape = list(result.size)
        array = np.frombuffer(result.tobytes(), np.float32 if kind == "F" else np.uint8)
    else:
        array = np.ascontiguousarray(result.detach().cpu().numpy())
        kind, shape = array.dtype.name, list(array.shape)
    if array.dtype.kind == "f":
        return [kind, shape, [float(f"{value:.6g}") for value in array.ravel().tolist()]]
    if exact:
        return [kind, shape, zlib.crc32(array.tobytes())]
    return [kind, shape, array.ravel().tolist()]


def library(transforms: Any, utils: Any, tensor: Any, dtypes: Any) -> Any:
    """What a call is given as `lib`."""
    return SimpleNamespace(
        T=transforms,
        F=transforms.functional,
        utils=utils,
        tensor=tensor,
        dtype=lambda name: getattr(dtypes, name),
    )
