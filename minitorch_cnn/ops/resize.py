"""Resizing images: interpolate, and the pixel shuffles."""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..backend import array_module
from ..tensor import Tensor, shape_text, wrap


class Resize(Function):
    """y = A x B^T for each channel: rows A (OH, H) and columns B (OW, W), NumPy matrices

    Linear in x, and the gradient is the same operation with both matrices transposed.
    """

    @staticmethod
    def forward(ctx, x, rows, columns):
        ctx.rows, ctx.columns = rows, columns
        return wrap(kernels.resize_separable(x.array, rows, columns))

    @staticmethod
    def backward(ctx, gy):
        return Resize.apply(gy, ctx.rows.T, ctx.columns.T), None, None


class Pick(Function):
    """y[..., i, j] = x[..., rows[i], columns[j]]: `Resize` with a single 1 in each row

    Copying does without the arithmetic, and takes integers as well.
    """

    @staticmethod
    def forward(ctx, x, rows, columns):
        ctx.matrices = (
            kernels.selection_matrix(rows, x.shape[2]),
            kernels.selection_matrix(columns, x.shape[3]),
        )
        xp = array_module(x.array)
        x_last = x.array.transpose(0, 2, 3, 1)  # (N, H, W, C)
        y = x_last[:, xp.asarray(rows)[:, None], xp.asarray(columns)]  # (N, OH, OW, C)
        return wrap(y.transpose(0, 3, 1, 2))

    @staticmethod
    def backward(ctx, gy):
        rows, columns = ctx.matrices
        return Resize.apply(gy, rows.T, columns.T), None, None


# The spatial dimensions that a mode is made for; None: one or two.
MODES = {
    "nearest": None,
    "nearest-exact": None,
    "area": None,
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
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
    (N, C, L) the nearest ones, "linear" and "area".
    align_corners: whether the centres of the corner pixels stay where they are (True) or the
    corners of the picture (False, the default); for the linear and cubic modes.
    recompute_scale_factor: use OH / H, not the exact scale_factor, to find the source pixels.
    Raises ValueError or NotImplementedError for arguments that do not go together.
    Infinite and NaN pixels spread along their row and column in all but the nearest modes.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[[[0.0, 4.0]]]])
    >>> mt.nn.functional.interpolate(x, size=(1, 4), mode="bilinear")
    tensor([[[[0., 1., 3., 4.]]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    if mode not in ("nearest", "nearest-exact") and not input.dtype.is_floating_point:
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
    if input.ndim == 3:
        # One dimension is an image one pixel high.
        y = _interpolate(
            input.unsqueeze(2), (1, out[0]), (None, scales[0]), mode, bool(align_corners)
        )
        return y.squeeze(2)
    return _interpolate(input, out, scales, mode, bool(align_corners))


def _interpolate(
    x: Tensor, out: tuple[int, ...], scales: tuple, mode: str, align_corners: bool
) -> Tensor:
    axes = list(zip(x.shape[2:], out, scales, strict=True))
    if mode == "area":
        return Resize.apply(x, *(kernels.averaging_matrix(n, m) for n, m, _ in axes))
    if mode in ("nearest", "nearest-exact"):
        exact = mode == "nearest-exact"
        return Pick.apply(x, *(kernels.nearest_indices(n, m, exact, s) for n, m, s in axes))
    kind = "cubic" if mode == "bicubic" else "linear"
    matrices = (kernels.resize_matrix(n, m, kind, align_corners, s) for n, m, s in axes)
    return Resize.apply(x, *matrices)


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if antialias:
        raise NotImplementedError("interpolate with antialias=True is not supported")
    if mode not in MODES or input.ndim not in (3, 4):
        raise NotImplementedError(
            f"interpolate supports 3D and 4D input (got {input.ndim}D) and the modes "
            f"{', '.join(MODES)} (got {mode})"
        )
    spatial = MODES[mode]
    if spatial is not None and spatial != input.ndim - 2:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {spatial + 2}D input"
        )
    if align_corners is not None and mode in ("nearest", "nearest-exact", "area"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | "
            f"bilinear | bicubic, got mode {mode!r}"
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
        return tuple(int(each) for each in values), (None,) * len(spatial)
    out = tuple(math.floor(n * float(each)) for n, each in zip(spatial, values, strict=True))
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
    """The older name of `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)
