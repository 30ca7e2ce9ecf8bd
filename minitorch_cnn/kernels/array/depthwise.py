"""Depthwise convolution: every channel has filters of its own (groups == channels).

As matrix products these would be C products of a matrix with almost nothing. Instead, the pixels
under one kernel position are multiplied by that position's weights, for all channels at once, and
added up over the KH*KW positions (Howard et al., "MobileNets", 2017, for what it is good for).

M = K/C is the number of filters for each channel, nearly always 1.
"""

from __future__ import annotations

from ...backend import Array, array_module
from ...backend.arrays import channels_first, channels_last, compute_type, image_blocks
from ..geometry import ConvGeometry, Pair, kernel_positions, output_size


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    """y (N, K, OH, OW) from x (N, C, H, W), w (K, 1, KH, KW) and b (K) or None; relu: max(y, 0)."""
    xp = array_module(x)
    N, C, H, W = x.shape
    K, _, KH, KW = w.shape
    OH, OW = output_size((H, W), (KH, KW), geometry)
    padded = pad_image(x, geometry)[..., None]  # (N, Hp, Wp, C, 1)
    weights = position_weights(w, C)  # (KH, KW, C, M)
    y = xp.empty((N, OH, OW, C, K // C), padded.dtype)
    product = None
    positions = kernel_positions((KH, KW), (OH, OW), geometry.stride, geometry.dilation)
    for images in image_blocks(y):
        part = y[images]
        part[...] = 0 if b is None else b.reshape(C, K // C)
        product = xp.empty_like(part) if product is None else product[: part.shape[0]]
        for position, rows, columns in positions:
            xp.multiply(padded[images, rows, columns], weights[position], out=product)
            part += product
        if relu:
            xp.maximum(part, 0, out=part)
    return channels_first(y.reshape(N, OH, OW, K), x.dtype)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W): each pixel gets gy * w back from every place where it was used."""
    xp = array_module(gy)
    N, K, OH, OW = gy.shape
    stride, (top, left), (bottom, right), dilation, C = geometry
    H, W = input_size
    gy_last = channels_last(gy).reshape(N, OH, OW, C, K // C)
    weights = position_weights(w, C)  # (KH, KW, C, M)
    gx = xp.zeros((N, top + H + bottom, left + W + right, C), gy_last.dtype)
    for images in image_blocks(gy_last):
        for position, rows, columns in kernel_positions(w.shape[2:], (OH, OW), stride, dilation):
            product = gy_last[images] * weights[position]  # (B, OH, OW, C, M)
            gx[images, rows, columns] += product.sum(4) if K > C else product[..., 0]
    return channels_first(gx[:, top : top + H, left : left + W], gy.dtype)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, 1, KH, KW): for each kernel position, the sum over all places of x * gy."""
    xp = array_module(x)
    N, K, OH, OW = gy.shape
    stride, dilation, C = geometry.stride, geometry.dilation, geometry.groups
    padded = pad_image(x, geometry)[..., None]  # (N, Hp, Wp, C, 1)
    gy_last = channels_last(gy).reshape(N, OH, OW, C, K // C)
    gw = xp.zeros((*kernel_size, C, K // C), gy_last.dtype)
    for images in image_blocks(gy_last):
        for position, rows, columns in kernel_positions(kernel_size, (OH, OW), stride, dilation):
            product = padded[images, rows, columns] * gy_last[images]  # (B, OH, OW, C, M)
            # Rows first, then columns and images: short sums lose fewer digits than a long one.
            gw[position] += product.sum(1).sum((0, 1))
    gw = gw.transpose(2, 3, 0, 1).reshape(K, 1, *kernel_size)  # (C, M, KH, KW) -> (K, 1, KH, KW)
    return gw.astype(x.dtype, copy=False)


def pad_image(x: Array, geometry: ConvGeometry) -> Array:
    """x (N, C, H, W) with its border of zeros: (N, top + H + bottom, left + W + right, C)."""
    (top, left), (bottom, right) = geometry.before, geometry.after
    if (top, left, bottom, right) == (0, 0, 0, 0):
        return channels_last(x)
    N, C, H, W = x.shape
    shape = (N, top + H + bottom, left + W + right, C)
    padded = array_module(x).zeros(shape, compute_type(x))
    padded[:, top : top + H, left : left + W] = x.transpose(0, 2, 3, 1)
    return padded


def position_weights(w: Array, channels: int) -> Array:
    """w (K, 1, KH, KW) -> (KH, KW, C, M), contiguous."""
    K, _, KH, KW = w.shape
    weights = w.reshape(channels, K // channels, KH, KW).transpose(2, 3, 0, 1)
    return array_module(w).ascontiguousarray(weights, compute_type(w))
