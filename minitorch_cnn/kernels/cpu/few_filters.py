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

from ...backend import Array
from ...backend.arrays import empty
from ..algorithm import LEAST_OUTPUTS
from ..geometry import ConvGeometry, Pair, output_size, turned_geometry
from . import implicit
from .arrays import bias_or_zeros, channels_first, channels_last, contiguous, takes
from .jit.threads import kernel, run
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


@kernel
def widen(
    part: int, parts: int, w: Array, turned: bool, step: int, bias: Array, wide: Array,
    wide_bias: Array,
) -> None:  # fmt: skip
    """wide (count K, C, KH, wider) from w (K, C, KH, KW), or from w (C, K, KH, KW) turned by 180
    degrees; each copy of the filters `step` pixels further on. wide_bias: bias (K), repeated."""
    filters, C, KH, wider = wide.shape
    K, KW = bias.size, w.shape[3]
    for f in range(filters):
        index, k = f // K, f % K
        wide_bias[f] = bias[k]
        for c in range(C):
            for u in range(KH):
                for v in range(wider):
                    tap, value = v - index * step, np.float32(0)
                    if 0 <= tap < KW:
                        value = w[c, k, KH - 1 - u, KW - 1 - tap] if turned else w[k, c, u, tap]
                    wide[f, c, u, v] = value


@kernel
def narrow(part: int, parts: int, wide: Array, step: int, gw: Array) -> None:
    """gw (K, C, KH, KW) from that of the `widen`ed filters: the sum over all places of a weight."""
    K, C, KH, KW = gw.shape
    for k in range(K):
        for c in range(C):
            for u in range(KH):
                for v in range(KW):
                    total = np.float32(0)
                    for index in range(len(wide) // K):
                        total += wide[index * K + k, c, u, v + index * step]
                    gw[k, c, u, v] = total


# ----------------------------------------------------------------------------------- the entries


def forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False) -> Any:
    if not takes(x, w, b):
        return NotImplemented
    return _convolve(x, w, b, geometry, relu, turned=False)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Any:
    """For stride 1: a convolution of gy with the kernels turned by 180 degrees."""
    if not takes(gy, w):
        return NotImplemented
    return _convolve(gy, w, None, turned_geometry(w.shape[2:], geometry), relu=False, turned=True)


def _convolve(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool, turned: bool
) -> Any:
    K, C = w.shape[1::-1] if turned else w.shape[:2]
    KH, KW = w.shape[2:]
    OH, OW = output_size(x.shape[2:], (KH, KW), geometry)
    sw, count = geometry.stride[1], outputs_together(K, KW, OW, geometry.stride[1])
    if count == 1 and not turned:
        return implicit.forward(x, w, b, geometry, relu)
    wide, wide_bias = empty((count * K, C, KH, KW + (count - 1) * sw)), empty((count * K,))
    run(widen, contiguous(w), turned, sw, bias_or_zeros(b, K), wide, wide_bias, parts=1)
    y = implicit.forward(x, wide, wide_bias, wider(geometry, count), relu)
    return channels_first(channels_last(y).reshape(len(x), OH, OW, K))


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Any:
    if not takes(x, gy):
        return NotImplemented
    (N, K, OH, OW), (KH, KW) = gy.shape, kernel_size
    sw, count = geometry.stride[1], outputs_together(K, KW, OW, geometry.stride[1])
    if count == 1:
        return implicit.weight_grad(x, gy, kernel_size, geometry)
    gy = channels_first(channels_last(gy).reshape(N, OH, OW // count, count * K))
    taps = KH, KW + (count - 1) * sw
    wide = implicit.weight_grad(x, gy, taps, wider(geometry, count))
    gw = empty((K, x.shape[1], KH, KW))
    run(narrow, wide, sw, gw, parts=1)
    return gw
