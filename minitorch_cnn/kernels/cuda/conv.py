"""Convolution as matrix products by cuBLAS; see ../array/conv.py for the definitions.

Its own kernels write down the patches and fold them back (source/im2col.cu). cuBLAS may use TF32
for one group, if CuPy is told so. It multiplies float16 matrices with float32 sums, so that cols is
made in the images' own type, not in a wider one.
"""

from __future__ import annotations

import numpy as np

from ...backend import Array, array_module
from ...backend.arrays import compute_type
from ..geometry import ConvGeometry, Pair, output_size, slices
from .arrays import channels_first, channels_last
from .elementwise import relu_
from .loader import conv_windows, launch_elementwise, takes

BLOCK_BYTES = 256 << 20  # of cols at a time, so that large batches do not fill the memory


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    if not takes(x, w, b):
        return NotImplemented
    K, G = len(w), geometry.groups
    out_size = output_size(x.shape[2:], w.shape[2:], geometry)
    plan = conv_windows(x.shape, out_size, w.shape[2:], geometry)
    x_last = channels_last(x)
    y = array_module(x).empty((len(x), *out_size, K), x.dtype)
    weights = _weight_matrix(w, G)
    for images in _image_blocks(plan, x):
        _product(_im2col(x_last[images], plan), weights, out=_grouped(y[images], G))
    if b is not None:
        y += b
    return channels_first(relu_(y) if relu else y)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(gy, w):
        return NotImplemented
    N, C, G = len(gy), w.shape[1] * geometry.groups, geometry.groups
    plan = conv_windows((N, C, *input_size), gy.shape[2:], w.shape[2:], geometry)
    gy_last = channels_last(gy)
    gx = array_module(gy).empty((N, *input_size, C), gy.dtype)
    weights = _weight_matrix(w, G).transpose(0, 2, 1)  # (G, Kg, KH*KW*Cg)
    for images in _image_blocks(plan, gy):
        gcols = _product(_grouped(gy_last[images], G), weights)
        _col2im(gcols, gx[images], plan)
    return channels_first(gx)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    if not takes(x, gy):
        return NotImplemented
    xp = array_module(x)
    C, K, (KH, KW), G = x.shape[1], gy.shape[1], kernel_size, geometry.groups
    plan = conv_windows(x.shape, gy.shape[2:], kernel_size, geometry)
    x_last, gy_last = channels_last(x), channels_last(gy)
    gw = None
    for images in _image_blocks(plan, x):
        # (G, Kg, pixels) @ (G, pixels, KH*KW*Cg) -> (G, Kg, KH*KW*Cg)
        rows = _grouped(gy_last[images], G).transpose(0, 2, 1)
        part = _product(rows, _im2col(x_last[images], plan)).astype(compute_type(x), copy=False)
        gw = part if gw is None else gw + part
    if gw is None:  # an empty batch
        gw = xp.zeros((G, K // G, KH * KW * C // G), x.dtype)
    gw = gw.reshape(K, KH, KW, C // G).transpose(0, 3, 1, 2)
    return xp.ascontiguousarray(gw, x.dtype)


# --------------------------------------------------------------------------- the steps


def _out_size(plan: np.ndarray) -> Pair:
    return int(plan["OH"]), int(plan["OW"])


def _image_blocks(plan: np.ndarray, x: Array) -> list[slice]:
    """Slices of the images whose cols take up to BLOCK_BYTES: the memory is bounded by it."""
    names = ("OH", "OW", "KH", "KW", "C")
    bytes_of_image = x.itemsize
    for name in names:
        bytes_of_image *= int(plan[name])
    return slices(int(plan["N"]), max(BLOCK_BYTES // max(bytes_of_image, 1), 1))


def _one_to_one(plan: np.ndarray) -> bool:
    """A 1x1 convolution without stride and border: every pixel is its own patch."""
    names = ("KH", "KW", "stride_h", "stride_w", "padding_h", "padding_w", "OH", "OW")
    expected = [1, 1, 1, 1, 0, 0, int(plan["H"]), int(plan["W"])]
    return [int(plan[name]) for name in names] == expected


def _im2col(x: Array, plan: np.ndarray) -> Array:
    """The patches of x (B, H, W, C): (G, B*OH*OW, KH*KW*Cg)."""
    G = int(plan["groups"])
    if _one_to_one(plan):
        return _grouped(x, G)
    plan = plan.copy()
    plan["N"] = x.shape[0]
    (OH, OW), patch = _out_size(plan), int(plan["KH"]) * int(plan["KW"]) * x.shape[3] // G
    cols = array_module(x).empty((G, x.shape[0] * OH * OW, patch), x.dtype)
    launch_elementwise("im2col.cu", "im2col", x.dtype, cols.size, x, cols, plan)
    return cols


def _col2im(gcols: Array, gx: Array, plan: np.ndarray) -> None:
    """Adds up patches (G, B*OH*OW, KH*KW*Cg) at their places, into gx (B, H, W, C)."""
    G = int(plan["groups"])
    if _one_to_one(plan):
        _grouped(gx, G)[...] = gcols
        return
    plan = plan.copy()
    plan["N"] = gx.shape[0]
    launch_elementwise("im2col.cu", "col2im", gx.dtype, gx.size, gcols, gx, plan)


def _weight_matrix(w: Array, groups: int) -> Array:
    """w (K, Cg, KH, KW) as (G, KH*KW*Cg, Kg)."""
    K, Cg, KH, KW = w.shape
    matrix = w.transpose(0, 2, 3, 1).reshape(groups, K // groups, KH * KW * Cg)
    return matrix.transpose(0, 2, 1)  # not copied: cuBLAS multiplies by transposed matrices too


def _grouped(image: Array, groups: int) -> Array:
    """A contiguous (B, H, W, K) as a matrix for each group: (G, B*H*W, Kg), a view."""
    B, H, W, K = image.shape
    return image.reshape(B * H * W, groups, K // groups).transpose(1, 0, 2)


def _product(a: Array, b: Array, out: Array | None = None) -> Array:
    """a (G, n, m) @ b (G, m, k), into `out` if given.

    One pair goes as plain matrices: CuPy hands transposed ones to cuBLAS as they are, but copies
    them first in a batch.
    """
    xp = array_module(a)
    if a.shape[0] != 1:
        return xp.matmul(a, b, out=out)
    result = xp.matmul(a[0], b[0], out=None if out is None else out[0])
    return result[None]
