"""Convolution: the three products of one layer, each as a matrix product.

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
Kg = K/G. One group is the usual convolution, and C groups ("depthwise") are in depthwise.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ..backend import Array, array_module
from . import depthwise, winograd
from .activation import relu_
from .algorithm import choose, record
from .layout import Pair, channels_first, channels_last, compute_type, kernel_positions, slices
from .memory import new_array
from .tiers import tiered


class ConvGeometry(NamedTuple):
    """How the window moves: pairs are (vertical, horizontal), in pixels."""

    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1


def output_size(size: Pair, kernel_size: Pair, geometry: ConvGeometry) -> Pair:
    """(OH, OW): at how many places a window of KH x KW fits into the padded image of H x W.

    >>> output_size((5, 5), (3, 3), ConvGeometry(stride=(2, 2), padding=(1, 1)))
    (3, 3)
    """
    (sh, sw), (ph, pw), (dh, dw), _ = geometry
    (height, width), (kh, kw) = size, kernel_size
    reach_h, reach_w = dh * (kh - 1) + 1, dw * (kw - 1) + 1
    return (height + 2 * ph - reach_h) // sh + 1, (width + 2 * pw - reach_w) // sw + 1


# ------------------------------------------------------------------------ the three products


@tiered
def conv2d_forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
    """y from x (N, C, H, W), w (K, C/G, KH, KW) and b (K) or None: (N, K, OH, OW)."""
    N, C, H, W = x.shape
    K, _, KH, KW = w.shape
    OH, OW = output_size((H, W), (KH, KW), geometry)
    choice = choose(C, K, (KH, KW), N, (OH, OW), geometry, compiled=False)
    record(choice)
    if choice.algorithm == "direct":
        return conv2d_direct(x, w, b, geometry)
    xp = array_module(x)
    if choice.algorithm == "winograd":
        y = winograd.forward(x, w, geometry.padding, (OH, OW))
        return y if b is None else y + b.reshape(1, K, 1, 1)
    if depthwise.applies(w, geometry.groups):
        return depthwise.forward(x, w, b, geometry)

    weights = weight_matrix(w, geometry.groups)  # (G, KH*KW*Cg, Kg)
    y = new_array(xp, (N, OH, OW, K), compute_type(x))
    for images, rows, cols in column_blocks(x, (KH, KW), (OH, OW), geometry):
        # (G, B*R*OW, KH*KW*Cg) @ (G, KH*KW*Cg, Kg) -> (G, B*R*OW, Kg), straight into y
        xp.matmul(cols, weights, out=grouped_rows(y[images, rows], geometry.groups))
        if b is not None:
            y[images, rows] += b
    return channels_first(y, x.dtype)  # (N, K, OH, OW)


@tiered
def conv2d_relu_forward(x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
    """max(y, 0) of `conv2d_forward`."""
    return relu_(conv2d_forward(x, w, b, geometry))


@tiered
def conv2d_input_grad(gy: Array, w: Array, input_size: Pair, geometry: ConvGeometry) -> Array:
    """gx (N, C, H, W) from gy (N, K, OH, OW) and w. Also what a transposed convolution computes.

    input_size: (H, W), which gy does not tell: with stride 2, images of 7 and of 8 pixels give
    outputs of the same size.
    """
    if depthwise.applies(w, geometry.groups):
        return depthwise.input_grad(gy, w, input_size, geometry)
    if _is_convolution_of_gy(gy, w, input_size, geometry):
        turned = _turned_weights(w, geometry.groups)
        return conv2d_forward(gy, turned, None, turned_geometry(w, geometry))
    xp = array_module(gy)
    (sh, sw), (ph, pw), (dh, dw), G = geometry
    N, _, OH, OW = gy.shape
    _, Cg, KH, KW = w.shape
    H, W = input_size

    gy_last = channels_last(gy)  # (N, OH, OW, K)
    weights = weight_matrix(w, G).transpose(0, 2, 1)  # (G, Kg, KH*KW*Cg)
    row_bytes = OW * KH * KW * G * Cg * gy_last.itemsize
    B, R = block_size(xp, N, OH, OW, row_bytes)
    workspace = new_array(xp, (G * B * R * OW * KH * KW * Cg,), gy_last.dtype)
    padded = new_array(xp, (B, H + 2 * ph, W + 2 * pw, G, Cg), gy_last.dtype)
    gx = new_array(xp, (N, H, W, G * Cg), gy_last.dtype)

    for images in slices(N, B):
        count = images.stop - images.start
        padded[:count] = 0
        for rows in slices(OH, R):
            height = rows.stop - rows.start
            gcols = workspace[: G * count * height * OW * KH * KW * Cg]
            gcols = gcols.reshape(G, count * height * OW, KH * KW * Cg)
            xp.matmul(grouped_rows(gy_last[images, rows], G), weights, out=gcols)
            gcols = gcols.reshape(G, count, height, OW, KH, KW, Cg)
            target = padded[:count, rows.start * sh :]
            add_patches(gcols.transpose(1, 2, 3, 4, 5, 0, 6), target, (sh, sw), (dh, dw))
        inside = padded[:count, ph : ph + H, pw : pw + W]  # (B, H, W, G, Cg)
        gx[images] = inside.reshape(count, H, W, G * Cg)
    return channels_first(gx, gy.dtype)  # (N, C, H, W)


@tiered
def conv2d_weight_grad(x: Array, gy: Array, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """gw (K, C/G, KH, KW) from x (N, C, H, W) and gy (N, K, OH, OW)."""
    C = x.shape[1]
    N, K, OH, OW = gy.shape
    KH, KW = kernel_size
    G = geometry.groups
    choice = choose(C, K, kernel_size, N, (OH, OW), geometry, compiled=False)
    record(choice)
    if choice.algorithm == "winograd":
        return winograd.weight_grad(x, gy, geometry.padding)
    if depthwise.applies_to_channels(C, G):
        return depthwise.weight_grad(x, gy, kernel_size, geometry)
    xp = array_module(x)
    Cg, Kg = C // G, K // G

    gy_last = channels_last(gy)  # (N, OH, OW, K)
    gw = xp.zeros((G, KH * KW * Cg, Kg), gy_last.dtype)
    part = xp.empty_like(gw)
    for images, rows, cols in column_blocks(x, kernel_size, (OH, OW), geometry):
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
    turned = turned_geometry(w, geometry)
    return (
        geometry.stride == (1, 1)
        and 2 * Cg * geometry.groups >= K
        and min(turned.padding) >= 0
        and output_size((gy.shape[2], gy.shape[3]), (KH, KW), turned) == tuple(input_size)
    )


def turned_geometry(w: Array, geometry: ConvGeometry) -> ConvGeometry:
    """Of the convolution of gy that is the gradient of x, for stride 1."""
    (ph, pw), (dh, dw) = geometry.padding, geometry.dilation
    padding = dh * (w.shape[2] - 1) - ph, dw * (w.shape[3] - 1) - pw
    return geometry._replace(padding=padding)


def _turned_weights(w: Array, groups: int) -> Array:
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
    x: Array, kernel_size: Pair, out_size: Pair, geometry: ConvGeometry
) -> Iterator[tuple[slice, slice, Array]]:
    """The patches of x (N, C, H, W) as matrices, a block of the output at a time.

    Yields (images, rows, cols): cols (G, B*R*OW, KH*KW*Cg) holds the patches that make the output
    rows `rows` (R of them) of the images `images` (B of them). The memory of cols is used again
    for the next block.
    """
    xp = array_module(x)
    (ph, pw), G = geometry.padding, geometry.groups
    N, C, H, W = x.shape
    (KH, KW), (OH, OW), Cg = kernel_size, out_size, C // G

    one_to_one = (KH, KW) == geometry.stride == (1, 1) and (ph, pw) == (0, 0)
    if one_to_one and (OH, OW) == (H, W):
        # Each pixel is its own patch: the image is the matrix already.
        pixels = channels_last(x).reshape(N * H * W, G, Cg)
        yield slice(0, N), slice(0, OH), pixels.transpose(1, 0, 2)  # (G, N*H*W, Cg)
        return

    dtype = compute_type(x)
    x = x.transpose(0, 2, 3, 1)  # (N, H, W, C): a view, copied below a block at a time
    B, R = block_size(xp, N, OH, OW, OW * KH * KW * C * dtype.itemsize)
    workspace = new_array(xp, (B * R * OW * KH * KW * C,), dtype)
    as_is = (ph, pw) == (0, 0) and x.flags.c_contiguous and x.dtype == dtype
    padded = None if as_is else xp.zeros((B, H + 2 * ph, W + 2 * pw, C), dtype)

    for images in slices(N, B):
        count = images.stop - images.start
        if padded is None:
            block = x[images]
        else:
            padded[:count, ph : ph + H, pw : pw + W] = x[images]  # the border stays 0
            block = padded[:count]
        patches = patch_view(block, kernel_size, out_size, geometry)  # (G, B, OH, OW, KH, KW, Cg)
        for rows in slices(OH, R):
            source = patches[:, :, rows]  # (G, B, R, OW, KH, KW, Cg)
            cols = workspace[: source.size].reshape(source.shape)
            cols[...] = source
            yield images, rows, cols.reshape(G, -1, KH * KW * Cg)


def block_size(xp, images: int, out_rows: int, out_width: int, row_bytes: int) -> Pair:
    """(B, R): a block is B whole images if they fit, and R rows of one image otherwise."""
    pixels = max(BLOCK_BYTES[xp.__name__] * out_width // max(row_bytes, 1), BLOCK_ROWS)
    if pixels < out_rows * out_width:
        return 1, max(pixels // out_width, 1)
    most = pixels // max(out_rows * out_width, 1)
    # Equal blocks: 64 images go as 32 + 32, not as 60 + 4.
    blocks = math.ceil(images / most)
    return max(math.ceil(images / max(blocks, 1)), 1), out_rows


def patch_view(x: Array, kernel_size: Pair, out_size: Pair, geometry: ConvGeometry) -> Array:
    """All patches of x (N, H, W, C), already padded: (G, N, OH, OW, KH, KW, Cg), without a copy.

    One step down in the output is sh steps in x, one step down in the kernel is dh steps. So the
    patches are in memory already, overlapping: it is enough to name other strides.
    """
    (sh, sw), _, (dh, dw), G = geometry
    N, Cg = x.shape[0], x.shape[3] // G
    image, row, column, channel = x.strides
    return array_module(x).lib.stride_tricks.as_strided(
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
    (ph, pw), (KH, KW) = geometry.padding, kernel_size
    OH, OW = output_size((H, W), kernel_size, geometry)
    padded = xp.zeros((N, H + 2 * ph, W + 2 * pw, C), x.dtype)
    padded[:, ph : ph + H, pw : pw + W] = x.transpose(0, 2, 3, 1)
    patches = patch_view(padded, kernel_size, (OH, OW), geometry)[0]  # (N, OH, OW, KH, KW, C)
    return patches.transpose(0, 5, 3, 4, 1, 2).reshape(N, C * KH * KW, OH * OW)


def col2im(cols: Array, size: Pair, kernel_size: Pair, geometry: ConvGeometry) -> Array:
    """The opposite of `im2col`, where patches that overlap add up: (N, C, H, W)."""
    xp = array_module(cols)
    (ph, pw), (KH, KW), (H, W) = geometry.padding, kernel_size, size
    N, C = cols.shape[0], cols.shape[1] // (KH * KW)
    OH, OW = output_size(size, kernel_size, geometry)
    patches = cols.reshape(N, C, KH, KW, OH, OW).transpose(0, 4, 5, 2, 3, 1)
    padded = xp.zeros((N, H + 2 * ph, W + 2 * pw, C), cols.dtype)
    add_patches(patches, padded, geometry.stride, geometry.dilation)
    return padded[:, ph : ph + H, pw : pw + W].transpose(0, 3, 1, 2)


# --------------------------------------------------------------------------------- direct


def conv2d_direct(x: Array, w: Array, b: Array | None, geometry: ConvGeometry) -> Array:
    """The convolution by its definition, one output number at a time: to read, not to run.

    y[n, k, i, j] = b[k] + sum over c, u, v of w[k, c, u, v] x[n, c, i sh + u dh, j sw + v dw]
    """
    xp = array_module(x)
    (sh, sw), (ph, pw), (dh, dw), G = geometry
    N, _, H, W = x.shape
    K, Cg, KH, KW = w.shape
    OH, OW = output_size((H, W), (KH, KW), geometry)
    padded = xp.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    y = xp.zeros((N, K, OH, OW), x.dtype)
    for n in range(N):
        for k in range(K):
            first = k // (K // G) * Cg  # the first channel of the group that filter k belongs to
            for i in range(OH):
                for j in range(OW):
                    rows = slice(i * sh, i * sh + dh * (KH - 1) + 1, dh)
                    columns = slice(j * sw, j * sw + dw * (KW - 1) + 1, dw)
                    patch = padded[n, first : first + Cg, rows, columns]  # (Cg, KH, KW)
                    y[n, k, i, j] = (patch * w[k]).sum()
    return y if b is None else y + b.reshape(1, K, 1, 1)
