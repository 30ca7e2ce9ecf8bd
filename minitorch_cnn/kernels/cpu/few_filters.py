"""The implicit product of so few filters that they would leave lanes of a register idle.

Two neighbouring outputs count as one with twice the filters. The second half is the same filters
moved on by a pixel, and the window is as much wider: of a row of a filter, abc, become

    abc0    for the left output
    0abc    for the right one

Four products of a whole register instead of three of half a register for each of the two. Memory
knows nothing of it: what was K numbers for each of two pixels is 2 K numbers for one. (An infinite
pixel times such a zero is NaN, one output further than in the definition. Winograd's tiles spread
it as well.)
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...backend import Array, ahead
from ..algorithm import LEAST_OUTPUTS
from ..geometry import ConvGeometry, Pair, output_size, turned_geometry
from . import implicit
from .arrays import channels_first, channels_last, takes
from .jit.vector import LANES


@functools.lru_cache(1024)
def outputs_together(K: int, KW: int, OW: int, sw: int) -> int:
    """How many neighbouring outputs count as one."""
    most = LANES // K if sw < KW else 1  # windows that do not overlap would gain nothing
    counts = [n for n in range(1, most + 1) if OW % n == 0 and OW // n >= LEAST_OUTPUTS]
    return max(counts, default=1)


@functools.lru_cache(1024)
def wider(geometry: ConvGeometry, count: int) -> ConvGeometry:
    """The geometry for so many outputs together: with a stride as much wider."""
    sh, sw = geometry.stride
    return geometry._replace(stride=(sh, count * sw))


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    K, C, KH, KW = w.shape
    OH, OW = output_size(x.shape[2:], (KH, KW), geometry)
    sw, count = geometry.stride[1], outputs_together(K, KW, OW, geometry.stride[1])
    if count == 1:
        return implicit.forward(x, w, b, geometry, relu)
    ahead.wait()
    wide = np.zeros((count, K, C, KH, KW + (count - 1) * sw), np.float32)
    for index in range(count):
        wide[index, ..., index * sw : index * sw + KW] = w
    wide = wide.reshape(count * K, C, KH, -1)
    b = None if b is None else np.concatenate([b] * count)
    y = implicit.forward(x, wide, b, wider(geometry, count), relu)
    return channels_first(channels_last(y).reshape(len(x), OH, OW, K))


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    """For stride 1: a convolution of gy with the kernels turned by 180 degrees."""
    turned = w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    return forward(gy, turned, None, turned_geometry(w.shape[2:], geometry))


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    (N, K, OH, OW), (KH, KW) = gy.shape, kernel_size
    sw, count = geometry.stride[1], outputs_together(K, KW, OW, geometry.stride[1])
    if count == 1:
        return implicit.weight_grad(x, gy, kernel_size, geometry)
    gy = channels_first(channels_last(gy).reshape(N, OH, OW // count, count * K))
    taps = KH, KW + (count - 1) * sw
    gw = implicit.weight_grad(x, gy, taps, wider(geometry, count))
    ahead.wait()
    gw = gw.reshape(count, K, *gw.shape[1:])
    # A weight stands in several places: the sum of their gradients.
    total = gw[0, ..., :KW].copy()
    for index in range(1, count):
        total += gw[index, ..., index * sw : index * sw + KW]
    return total
