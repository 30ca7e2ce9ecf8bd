"""Resizing images: interpolate, and the pixel shuffles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..autograd.function import Function
from ..backend import array_module, constant
from ..tensor import Tensor, shape_text, wrap
from .arguments import as_ints, as_number
from .memory_format import lies_by_pixels

__all__ = ["interpolate", "upsample", "upsample_nearest", "upsample_bilinear"]


class Resize(Function):
    """y = the matrix (OL, L), NumPy's, applied to one axis of x (N, C, ...) that has length L

    Linear in x, and the gradient is the same operation with the matrix transposed.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int, matrix: np.ndarray) -> Tensor:
        ctx.axis, ctx.matrix = axis, matrix
        return wrap(kernels.resize_axis(x.array, axis, matrix))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return Resize.apply(gy, ctx.axis, ctx.matrix.T), None, None


class Pick(Function):
    """y = the places `indices` of one axis of x: `Resize` with a single 1 in each row

    Copying does without the arithmetic, and takes integers as well.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, axis: int, indices: np.ndarray) -> Tensor:
        ctx.axis, ctx.indices, ctx.length = axis, indices, x.shape[axis]
        xp = array_module(x.array)
        x_last = xp.moveaxis(x.array, 1, -1)  # (N, ..., C)
        return wrap(xp.moveaxis(xp.take(x_last, constant(indices, x.array), axis=axis - 1), -1, 1))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        matrix = kernels.selection_matrix(ctx.indices, ctx.length)
        return Resize.apply(gy, ctx.axis, matrix.T), None, None


# The spatial dimensions that a mode is made for; None: one, two or three.
MODES = {
    "nearest": None,
    "nearest-exact": None,
    "area": None,
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
    "trilinear": 3,
}


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Makes images larger or smaller: (N, C, H, W) -> (N, C, OH, OW).

    size: int or (OH, OW); or scale_factor: number or (vertical, horizontal), OH = floor(H s).
    mode: "nearest", "nearest-exact", "bilinear", "bicubic", "area" (adaptive average); for
    sequences (N, C, L) the nearest ones, "linear" and "area"; for volumes (N, C, D, H, W) the
    nearest ones, "trilinear" and "area".
    align_corners: whether the centres of the corner pixels stay where they are (True) or the
    corners of the picture (False, the default); for the linear and cubic modes.
    recompute_scale_factor: use OH / H, not the exact scale_factor, to find the source pixels.
    antialias: where an image shrinks, look at all pixels that fall onto one of the output
    (for bilinear and bicubic). These two take uint8 too, and round after each of both axes.
    Raises ValueError or NotImplementedError for arguments that do not go together, RuntimeError for
    an empty image.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[[0.0, 4.0]]]])
    >>> mt.nn.functional.interpolate(x, size=(1, 4), mode="bilinear")
    tensor([[[[0., 1., 3., 4.]]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    of_bytes = input.dtype is dtypes.uint8 and mode in ("bilinear", "bicubic")
    copies = mode in ("nearest", "nearest-exact")
    if not (copies or of_bytes or input.dtype.is_floating_point):
        raise NotImplementedError(
            f"interpolate with mode {mode!r} of {input.dtype} tensors; convert with .float()"
        )
    spatial = input.shape[2:]
    out, scales = _output_size(spatial, size, scale_factor, recompute_scale_factor)
    if min(spatial) == 0 or min(out) <= 0:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"{shape_text(spatial)} output {list(out)}"
        )
    by_rows = not lies_by_pixels(input.array)
    axes = [*enumerate(zip(spatial, out, scales, strict=True), start=2)]
    for axis, (length, new, scale) in reversed(axes) if of_bytes else axes:
        if copies:
            exact = mode == "nearest-exact"
            indices = kernels.nearest_indices(length, new, exact, scale)
            input = Pick.apply(input, axis, indices)
            continue
        if mode == "area":
            matrix = kernels.averaging_matrix(length, new)
        else:
            weights = kernels.antialias_matrix if antialias else kernels.resize_matrix
            kind = "cubic" if mode == "bicubic" else "linear"
            matrix = weights(length, new, kind, bool(align_corners), scale)
        if of_bytes:
            input = wrap(kernels.resize_bytes(input.array, axis, matrix))
        else:
            input = Resize.apply(input, axis, matrix)
    return input.contiguous() if by_rows else input


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode not in MODES or input.ndim not in (3, 4, 5):
        raise NotImplementedError(
            f"interpolate supports 3D, 4D and 5D input (got {input.ndim}D) and the modes "
            f"{', '.join(MODES)} (got {mode})"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            f"tensor as input, got mode {mode!r} and {input.ndim}D input"
        )
    spatial = MODES[mode]
    if spatial is not None and spatial != input.ndim - 2:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {spatial + 2}D input"
        )
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | "
            f"bilinear | bicubic | trilinear, got mode {mode!r}"
        )


def _output_size(
    spatial: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's lengths, and for each axis how many input pixels one output pixel is.

    That is None where the lengths themselves say it.
    """
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    given = scale_factor if size is None else size
    values = tuple(given) if isinstance(given, list | tuple) else (given,) * len(spatial)
    if len(values) != len(spatial):
        raise ValueError(
            "Input and output must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(spatial)} and size or scale_factor {values}"
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return as_ints("interpolate", "size", values), (None,) * len(spatial)
    values = tuple([as_number("interpolate", "scale_factor", each) for each in values])
    out = tuple(math.floor(n * float(each)) for n, each in zip(spatial, values, strict=True))
    if max(map(abs, out)) >= 2**63:
        raise RuntimeError(f"interpolate: scale_factor {values} overflows the sizes {spatial}")
    if recompute:
        return out, (None,) * len(spatial)
    return out, tuple(1.0 / float(each) if each > 0 else None for each in values)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The older name of `interpolate`: (N, C, H, W) -> (N, C, OH, OW).

    Raises as `interpolate` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.upsample(mt.tensor([[[[0.0, 4.0]]]]), scale_factor=(1, 2))
    tensor([[[[0., 0., 4., 4.]]]])
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """An older name, `interpolate` with mode "nearest": (N, C, H, W) -> (N, C, OH, OW).

    Raises as `interpolate` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.upsample_nearest(mt.tensor([[[[0.0, 4.0]]]]), size=(1, 4))
    tensor([[[[0., 0., 4., 4.]]]])
    """
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """An older name, `interpolate` with mode "bilinear" and align_corners=True, for (N, C, H, W).

    So the first and the last pixel keep their values. Raises as `interpolate` does.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.upsample_bilinear(mt.tensor([[[[0.0, 6.0]]]]), size=(1, 4))
    tensor([[[[0., 2., 4., 6.]]]])
    """
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
