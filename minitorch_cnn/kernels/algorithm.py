"""Which algorithm computes a convolution, by what it costs.

- "direct": the definition as loops over outputs. Never chosen: for reading and checking.
- "im2col": patches -> matrix -> matrix product. Fits every convolution.
- "implicit_gemm": the same product out of the image itself, where copying patches would not pay.
- "depthwise": for as many groups as channels, which leave nothing for a matrix product.
- "winograd": F(4x4, 3x3), a quarter of the multiplications; for 3x3 kernels with stride 1.

The choice depends on shapes alone, so it is the same in every run.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from .geometry import ConvGeometry, Pair

ALGORITHMS = ("auto", "direct", "im2col", "implicit_gemm", "depthwise", "winograd")

# What one number costs to carry through Winograd's transforms (in and out), in multiplications of
# a matrix product at full speed, what one number of a kernel costs, and what it costs to copy one
# number into a patch. benchmarks/cost_model.py measures them. Without AVX-512 there are half as
# many registers of half the width: the transforms take longer, beside the products.
TRANSFORM_COST = 26.0
TRANSFORM_COST_WITHOUT_AVX512 = 38.0
KERNEL_COST = 40.0
PATCH_COST = 10.0
# An implicit product for few filters: how many those are (the sum over all pixels that is the
# weights' gradient wants more), and of how many outputs a row, which the tile's rows take. By
# benchmarks/few_filters.py.
FEW_FILTERS = range(1, 17)
FEW_FILTERS_OF_A_GRADIENT = range(8, 17)
LEAST_OUTPUTS = 7


class Tier(NamedTuple):
    """What the choice has to know of a tier of kernels."""

    name: str  # "array", "cpu" or "cuda"
    # Where a row of a patch has fewer numbers than this (than half of it, for kernels one pixel
    # wide), copying it takes as long as its products, and an implicit product is faster; 0: there
    # is none. It is, too, for so few filters that a copy is hardly used.
    short_row: int = 0
    transform_cost: float = TRANSFORM_COST
    half: bool = False  # float16


class Choice(NamedTuple):
    """What ran, or would run, and why."""

    algorithm: str
    reason: str


def why_not(
    algorithm: str, product: str, tier: Tier, channels: int, kernel_size: Pair,
    geometry: ConvGeometry,
) -> str:  # fmt: skip
    """Why an algorithm cannot compute a product; "" if it can."""
    if algorithm == "winograd":
        if (
            kernel_size != (3, 3)
            or not geometry.stride == geometry.dilation == (1, 1)
            or geometry.groups != 1
        ):
            return "Winograd is for 3x3 kernels, stride 1, dilation 1, groups 1"
        if tier.half:
            return "Winograd's transforms lose too many digits in float16"
    elif algorithm == "depthwise":
        if not channels == geometry.groups > 1:
            return f"depthwise is for as many groups as channels, not {geometry.groups}"
    elif algorithm == "implicit_gemm":
        if not tier.short_row:
            return "only the compiled CPU kernels have an implicit product"
        if geometry.groups != 1 or geometry.dilation != (1, 1):
            return "the implicit product is for dilation 1, groups 1"
        if product == "input_grad" and geometry.stride != (1, 1):
            return "the implicit product of gy with w is for stride 1"
    return ""


@functools.lru_cache(1024)  # the layers of a network ask for the same again in every step
def choose(
    product: str, tier: Tier, forced: str, images: int, channels: int, filters: int,
    kernel_size: Pair, out_size: Pair, geometry: ConvGeometry,
) -> Choice:  # fmt: skip
    """The algorithm for a product that reads `channels` and writes `filters` x OH x OW an image.

    product: "forward", "input_grad" (then channels and filters change places, and geometry is that
    of the convolution of gy) or "weight_grad". forced: what `conv_algorithm` asks for.

    >>> from minitorch_cnn.kernels.geometry import conv_geometry
    >>> cpu, border = Tier("cpu", short_row=32), conv_geometry(padding=1)
    >>> choose("forward", cpu, "auto", 32, 64, 64, (3, 3), (16, 16), border).algorithm
    'winograd'
    >>> choose("forward", cpu, "auto", 32, 3, 64, (3, 3), (16, 16), border).algorithm
    'implicit_gemm'
    """
    read = filters if product == "input_grad" else channels  # the image's channels, C
    case = product, tier, read, kernel_size, geometry
    if forced != "auto":
        reason = why_not(forced, *case)
        return Choice("im2col", reason) if reason else Choice(forced, "forced")
    if not why_not("depthwise", *case):
        return Choice("depthwise", "each channel has filters of its own")
    row_limit = tier.short_row if kernel_size[1] > 1 else tier.short_row // 2
    nothing_to_copy = (*kernel_size, *geometry.stride) == (1, 1, 1, 1)
    implicit = not nothing_to_copy and not why_not("implicit_gemm", *case)
    short = implicit and channels * kernel_size[1] < row_limit
    plain = "implicit_gemm" if short else "im2col"
    reason = why_not("winograd", *case)
    if reason:
        few = FEW_FILTERS_OF_A_GRADIENT if product == "weight_grad" else FEW_FILTERS
        overlapping = max(kernel_size) > 2 * max(geometry.stride)
        count = channels if product == "input_grad" else filters
        if implicit and overlapping and count in few and out_size[1] >= LEAST_OUTPUTS:
            plain = "implicit_gemm"
        return Choice(plain, reason)
    if tier.name == "array":
        return Choice(plain, "Winograd's transforms cost more than they save in array code")
    OH, OW = out_size
    tiles = images * -(-OH // 4) * -(-OW // 4)
    copied = 0  # channels of the patches that are copied; cuBLAS hides it
    if tier.name == "cpu" and not short:
        copied = read
    gemm = images * OH * OW * 9 * (channels * filters + PATCH_COST * copied)
    winograd = 36 * tiles * (channels * filters + tier.transform_cost * (channels + filters) / 2)
    winograd += 36 * KERNEL_COST / 9 * channels * filters
    reason = (
        f"{winograd / 1e6:.3g} million multiplications' worth of time, {plain} {gemm / 1e6:.3g}"
    )
    return Choice("winograd" if winograd < gemm else plain, reason)
