"""Convolution by im2col: the three products of one layer, each as a matrix product.

A convolution takes a small window of the image, multiplies it with the weights, adds up, and does
so at every place. For all places at once that is a matrix product, if every window is first
written down as a row of a matrix ("im2col": image to columns; Chellapilla et al., "High
Performance Convolutional Neural Networks for Document Processing", 2006):

    y    (N*OH*OW, K)        =  cols (N*OH*OW, KH*KW*C)  @  weights (KH*KW*C, K)
    cols' gradient           =  gy (N*OH*OW, K)          @  weights^T
    weights' gradient        =  cols^T                   @  gy

The last two are the first one's gradients; folding cols' gradient back into an image ("col2im")
gives the gradient of x. cols repeats every pixel KH*KW times and would fill the memory, so it is
made for a few images at a time and lives in the processor's cache only.

Axes: N images, C channels, H x W pixels of the input; K filters of KH x KW, OH x OW pixels of the
output. G groups divide C and K into G parts that have nothing to do with each other; Cg = C/G and
Kg = K/G. One group is the usual convolution; for C groups ("depthwise") see depthwise.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType

from ...backend import Array, array_module
from ...backend.arrays import channels_first, channels_last, compute_type, empty
from ..geometry import ConvGeometry, Pair, kernel_positions, output_size, turned_geometry


def forward(
    x: Array, w: Array, b: Array | None, geometry: ConvGeometry, relu: bool = False
) -> Array:
    """y from x (N, C, H, W), w (K, C/G, KH, KW) and b (K) or None: (N, K, OH, OW).

    relu: max(y, 0) instead, in the same pass.
    """
    xp = array_module(x)
    N, _, H, W = x.shape
    K, _, KH, KW = w.shape
    OH, OW = output_size((H, W), (KH, KW), geometry)
    weights = weight_matrix(w, geometry.groups)  # (G, KH*KW*Cg, Kg)
    y = empty((N, OH, OW, K), weights.dtype, xp)
    for images, rows, cols in column_blocks(xp, x, (KH, KW), (OH, OW), geometry):
        # (G, B*R*OW, KH*KW*Cg) @ (G, KH*KW*Cg, Kg) -> (G, B*R*OW, Kg), straight into y
        block = y[images, rows]
        xp.matmul(cols, weights, out=grouped_rows(block, geometry.groups))
        if b is not None:
            block += b
        if relu:
            xp.maximum(block, 0, out=block)
    return channels_first(y, x.dtype)  # (N, K, OH, OW)


def input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w. Also what a transposed convolution computes.

    input_size: (H, W), which gy does not tell: with stride 2, images of 7 and of 8 pixels give
    outputs of the same size.
    """
    if _is_convolution_of_gy(gy, w, input_size, geometry):
        turned = turned_weights(w, geometry.groups)
        return forward(gy, turned, None, turned_geometry(w.shape[2:], geometry))
    xp = array_module(gy)
    (sh, _), (top, left), (bottom, right), dilation, G = geometry
    N, _, OH, OW = gy.shape
    _, Cg, KH, KW = w.shape
    H, W = input_size

    gy_last = channels_last(gy)  # (N, OH, OW, K)
    weights = weight_matrix(w, G).transpose(0, 2, 1)  # (G, Kg, KH*KW*Cg)
    row_bytes = OW * KH * KW * G * Cg * gy_last.itemsize
    B, R = block_size(xp, N, OH, OW, row_bytes)
    workspace = empty((G * B * R * OW * KH * KW * Cg,), gy_last.dtype, xp)
    padded = empty((B, top + H + bottom, left + W + right, G, Cg), gy_last.dtype, xp)
    gx = empty((N, H, W, G * Cg), gy_last.dtype, xp)

    for n in range(0, N, B):
        images = slice(n, min(n + B, N))
        count = images.stop - n
        padded[:count] = 0
        for i in range(0, OH, R):
            rows = slice(i, min(i + R, OH))
            height = rows.stop - i
            gcols = workspace[: G * count * height * OW * KH * KW * Cg]
            gcols = gcols.reshape(G, count * height * OW, KH * KW * Cg)
            xp.matmul(grouped_rows(gy_last[images, rows], G), weights, out=gcols)
            gcols = gcols.reshape(G, count, height, OW, KH, KW, Cg)
            target = padded[:count, i * sh :]
            add_patches(gcols.transpose(1, 2, 3, 4, 5, 0, 6), target, geometry.stride, dilation)
        inside = padded[:count, top : top + H, left : left + W]  # (B, H, W, G, Cg)
        gx[images] = inside.reshape(count, H, W, G * Cg)
    return channels_first(gx, gy.dtype)  # (N, C, H, W)


def weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)."""
    xp = array_module(x)
    _, K, OH, OW = gy.shape
    KH, KW = kernel_size
    G = geometry.groups
    Cg, Kg = x.shape[1] // G, K // G

    gy_last = channels_last(gy)  # (N, OH, OW, K)
    gw = xp.zeros((G, KH * KW * Cg, Kg), gy_last.dtype)
    part = xp.empty_like(gw)
    for images, rows, cols in column_blocks(xp, x, kernel_size, (OH, OW), geometry):
        # (G, KH*KW*Cg, B*R*OW) @ (G, B*R*OW, Kg) -> (G, KH*KW*Cg, Kg)
        xp.matmul(cols.transpose(0, 2, 1), grouped_rows(gy_last[images, rows], G), out=part)
        gw += part
    gw = gw.reshape(G, KH, KW, Cg, Kg).transpose(0, 4, 3, 1, 2)  # (G, Kg, Cg, KH, KW)
    return gw.reshape(K, Cg, KH, KW).astype(x.dtype, copy=False)


def _is_convolution_of_gy(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> bool:
    """With stride 1, gx is itself a convolution: of gy with the weights turned by 180 degrees.

    x[i] met w[k] to make y[i - k], so gx[i] is the sum over k of gy[i - k] w[k]. That avoids
    col2im, whose scattered additions are slower than im2col's copies, unless gy has many more
    channels to copy than x has to add.
    """
    K, Cg, KH, KW = w.shape
    turned = turned_geometry((KH, KW), geometry)
    return (
        geometry.stride == (1, 1)
        and 2 * Cg * geometry.groups >= K
        and min(turned.before + turned.after) >= 0
        and output_size((gy.shape[2], gy.shape[3]), (KH, KW), turned) == tuple(input_size)
    )


def turned_weights(w: Array, groups: int) -> Array:
    """w (K, Cg, KH, KW) -> (C, Kg, KH, KW): rows and columns reversed, the channels swapped."""
    K, Cg, KH, KW = w.shape
    turned = w.reshape(groups, K // groups, Cg, KH, KW)[:, :, :, ::-1, ::-1]
    return turned.transpose(0, 2, 1, 3, 4).reshape(groups * Cg, K // groups, KH, KW)


# --------------------------------------------------------------------------------- im2col


# Bytes of cols at a time. On a CPU it should stay in the cache between being written and being
# read by the matrix product; on a GPU it only bounds the memory.
BLOCK_BYTES = {"numpy": 4 << 20, "cupy": 256 << 20}
# Matrix products with fewer rows than this do not reach full speed.
BLOCK_ROWS = 1024


def column_blocks(
    xp: ModuleType, x: Array, kernel_size: Pair, out_size: Pair, geometry: ConvGeometry
) -> Iterator[tuple[slice, slice, Array]]:
    """The patches of x (N, C, H, W) as matrices, a block of the output at a time.

    Yields (images, rows, cols): cols (G, B*R*OW, KH*KW*Cg) holds the patches that make the output
    rows `rows` (R of them) of the images `images` (B of them). The memory of cols is used again
    for the next block.
    """
    _, (top, left), (bottom, right), _, G = geometry
    N, C, H, W = x.shape
    (KH, KW), (OH, OW), Cg = kernel_size, out_size, C // G

    border = (top, left, bottom, right) != (0, 0, 0, 0)
    if (KH, KW) == geometry.stride == (1, 1) and not border and (OH, OW) == (H, W):
        # Each pixel is its own patch: the image is the matrix already.
        pixels = channels_last(x).reshape(N * H * W, G, Cg)
        yield slice(0, N), slice(0, OH), pixels.transpose(1, 0, 2)  # (G, N*H*W, Cg)
        return

    dtype = compute_type(x)
    x = x.transpose(0, 2, 3, 1)  # (N, H, W, C): a view, copied below a block at a time
    B, R = block_size(xp, N, OH, OW, OW * KH * KW * C * dtype.itemsize)
    workspace = empty((B * R * OW * KH * KW * C,), dtype, xp)
    padded = None
    if border or x.dtype != dtype or not x.flags.c_contiguous:
        padded = xp.zeros((B, top + H + bottom, left + W + right, C), dtype)

    for n in range(0, N, B):
        images = slice(n, min(n + B, N))
        count = images.stop - n
        if padded is None:
            block = x[images]
        else:
            padded[:count, top : top + H, left : left + W] = x[images]  # the border stays 0
            block = padded[:count]
        patches = patch_view(
            xp, block, kernel_size, out_size, geometry
        )  # (G, B, OH, OW, KH, KW, Cg)
        for i in range(0, OH, R):
            rows = slice(i, min(i + R, OH))
            source = patches[:, :, rows]  # (G, B, R, OW, KH, KW, Cg)
            cols = workspace[: source.size].reshape(source.shape)
            cols[...] = source
            yield images, rows, cols.reshape(G, math.prod(cols.shape[1:4]), KH * KW * Cg)


def block_size(xp: ModuleType, images: int, out_rows: int, out_width: int, row_bytes: int) -> Pair:
    """(B, R): a block is B whole images if they fit, and R rows of one image otherwise."""
    pixels = max(BLOCK_BYTES[xp.__name__] * out_width // max(row_bytes, 1), BLOCK_ROWS)
    if pixels < out_rows * out_width:
        return 1, max(pixels // out_width, 1)
    most = pixels // max(out_rows * out_width, 1)
    # Equal blocks: 64 images go as 32 + 32, not as 60 + 4.
    blocks = math.ceil(images / most)
    return max(math.ceil(images / max(blocks, 1)), 1), out_rows


def patch_view(
    xp: ModuleType, x: Array, kernel_size: Pair, out_size: Pair, geometry: ConvGeometry
) -> Array:
    """All patches of x (N, H, W, C), already padded: (G, N, OH, OW, KH, KW, Cg), without a copy.

    One step down in the output is sh steps in x, one step down in the kernel is dh steps. So the
    patches are in memory already, overlapping: it is enough to name other strides.
    """
    (sh, sw), _, _, (dh, dw), G = geometry
    N, Cg = x.shape[0], x.shape[3] // G
    image, row, column, channel = x.strides
    return xp.lib.stride_tricks.as_strided(
        x,
        shape=(G, N, *out_size, *kernel_size, Cg),
        strides=(Cg * channel, image, row * sh, column * sw, row * dh, column * dw, channel),
    )


def add_patches(patches: Array, image: Array, stride: Pair, dilation: Pair) -> None:
    """The opposite of `patch_view`: adds patches (B, R, OW, KH, KW, ...) into image (B, H, W, ...).

    Where patches overlap, their values add up. One kernel position at a time, because the
    patches of one position do not overlap.
    """
    R, OW, KH, KW = patches.shape[1:5]
    for (kh, kw), rows, columns in kernel_positions((KH, KW), (R, OW), stride, dilation):
        image[:, rows, columns] += patches[:, :, :, kh, kw]


def weight_matrix(w: Array, groups: int) -> Array:
    """w (K, Cg, KH, KW) as (G, KH*KW*Cg, Kg): a column for each filter, rows ordered as cols'."""
    K, Cg, KH, KW = w.shape
    matrix = w.reshape(groups, K // groups, Cg, KH, KW).transpose(0, 3, 4, 2, 1)
    # (G, KH, KW, Cg, Kg)
    return matrix.astype(compute_type(w)).reshape(groups, KH * KW * Cg, K // groups)


def grouped_rows(block: Array, groups: int) -> Array:
    """A contiguous block (B, R, OW, K) as matrices, one a group: (G, B*R*OW, Kg), a view."""
    K = block.shape[3]
    pixels = block.shape[0] * block.shape[1] * block.shape[2]
    return block.reshape(pixels, groups, K // groups).transpose(1, 0, 2)


# ------------------------------------------------- im2col and col2im as operations (F.unfold)


def im2col(x: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """Every patch of x (N, C, H, W) as a column: (N, C*KH*KW, OH*OW)."""
    xp = array_module(x)
    N, C, H, W = x.shape
    _, (top, left), (bottom, right), _, _ = geometry
    KH, KW = kernel_size
    OH, OW = output_size((H, W), kernel_size, geometry)
    padded = xp.zeros((N, top + H + bottom, left + W + right, C), x.dtype)
    padded[:, top : top + H, left : left + W] = x.transpose(0, 2, 3, 1)
    patches = patch_view(xp, padded, kernel_size, (OH, OW), geometry)[0]  # (N, OH, OW, KH, KW, C)
    return patches.transpose(0, 5, 3, 4, 1, 2).reshape(N, C * KH * KW, OH * OW)


def col2im(cols: Array, size: Pair, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """The opposite of `im2col`, where patches that overlap add up: (N, C, H, W)."""
    xp = array_module(cols)
    _, (top, left), (bottom, right), _, _ = geometry
    (KH, KW), (H, W) = kernel_size, size
    N, C = cols.shape[0], cols.shape[1] // (KH * KW)
    OH, OW = output_size(size, kernel_size, geometry)
    patches = cols.reshape(N, C, KH, KW, OH, OW).transpose(0, 4, 5, 2, 3, 1)
    padded = xp.zeros((N, top + H + bottom, left + W + right, C), cols.dtype)
    add_patches(patches, padded, geometry.stride, geometry.dilation)
    return padded[:, top : top + H, left : left + W].transpose(0, 3, 1, 2)
