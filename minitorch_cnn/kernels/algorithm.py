"""Which algorithm computes a convolution: chosen by its cost, forced by the user, and told.

- "im2col": patches -> matrix -> matrix product. Fits every convolution.
- "winograd": F(4x4, 3x3), a quarter of the multiplications; for 3x3 kernels with stride 1.
- "direct": the definition as loops over outputs. Slow, for reading and checking; its gradients
  are im2col's.

The choice depends on shapes alone, so it is the same in every run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .layout import Pair
from .tiers import announce_change

if TYPE_CHECKING:
    from .conv import ConvGeometry

ALGORITHMS = ("auto", "im2col", "winograd", "direct")
_forced = os.environ.get("MINITORCH_CNN_CONV_ALGORITHM", "auto")
if _forced not in ALGORITHMS:
    raise ValueError(f"MINITORCH_CNN_CONV_ALGORITHM must be one of {ALGORITHMS}, got {_forced!r}")

# What one number costs to carry through Winograd's transforms (in and out), in multiplications of
# a matrix product at full speed, what one number of a kernel costs, and what it costs to copy one
# number into a patch. Measured with Numba on a processor with AVX-512.
TRANSFORM_COST = 26.0
KERNEL_COST = 40.0
PATCH_COST = 10.0


class Choice(NamedTuple):
    """What ran, or would run, and why."""

    algorithm: str
    reason: str


_last: Choice | Callable[[], Any] | None = None


@contextmanager
def conv_algorithm(name: str) -> Iterator[None]:
    """Inside, convolutions use this algorithm where it can be used: "auto" (the default, by cost),
    "im2col", "winograd" or "direct".

    Winograd is for 3x3 kernels with stride 1, dilation 1 and one group; other convolutions use
    im2col. The environment variable MINITORCH_CNN_CONV_ALGORITHM sets the same for a whole process.
    Raises ValueError for other names.

    >>> import minitorch_cnn as mt
    >>> image, kernel = mt.ones(1, 1, 4, 4), mt.ones(1, 1, 3, 3)
    >>> with mt.conv_algorithm("direct"):
    ...     y = mt.nn.functional.conv2d(image, kernel)
    >>> mt.last_conv().algorithm
    'direct'
    """
    global _forced
    if name not in ALGORITHMS:
        raise ValueError(f"conv_algorithm must be one of {ALGORITHMS}, got {name!r}")
    announce_change()
    before, _forced = _forced, name
    try:
        yield
    finally:
        announce_change()
        _forced = before


def last_conv() -> Choice | None:
    """The algorithm of the last convolution or gradient of one, and the reason; None before."""
    if callable(_last):
        _last()  # its kernel records what it does
    return None if callable(_last) else _last


def winograd_applies(kernel_size: Pair, geometry: ConvGeometry) -> bool:
    """Whether F(4x4, 3x3) can do it: a 3x3 kernel moving by single pixels over all channels."""
    return (
        tuple(kernel_size) == (3, 3)
        and geometry.stride == geometry.dilation == (1, 1)
        and geometry.groups == 1
    )


def choose(
    channels: int,
    filters: int,
    kernel_size: Pair,
    images: int,
    out_size: Pair,
    geometry: ConvGeometry,
    compiled: bool = True,
    patch_channels: int = 0,
) -> Choice:
    """The algorithm for a convolution of `images` images to `filters` x OH x OW outputs each.

    compiled: False for array code, where every transform of Winograd's goes through memory.
    patch_channels: of the patches that im2col would copy; 0 if it makes none.

    >>> from minitorch_cnn.kernels import ConvGeometry
    >>> choose(64, 64, (3, 3), 32, (16, 16), ConvGeometry(padding=(1, 1))).algorithm
    'winograd'
    >>> choose(3, 64, (3, 3), 32, (16, 16), ConvGeometry(padding=(1, 1))).algorithm
    'im2col'
    """
    possible = winograd_applies(kernel_size, geometry)
    if _forced == "direct":
        return Choice("direct", "forced")
    if _forced != "auto":
        if _forced == "winograd" and not possible:
            return Choice("im2col", "Winograd is for 3x3 kernels, stride 1, dilation 1, groups 1")
        return Choice(_forced, "forced")
    if not possible:
        return Choice("im2col", "the only algorithm for this kernel, stride, dilation or groups")
    if not compiled:
        return Choice("im2col", "Winograd's transforms cost more than they save in array code")
    OH, OW = out_size
    tiles = images * -(-OH // 4) * -(-OW // 4)
    im2col = images * OH * OW * 9 * (channels * filters + PATCH_COST * patch_channels)
    winograd = 36 * tiles * (channels * filters + TRANSFORM_COST * (channels + filters) / 2)
    winograd += 36 * KERNEL_COST / 9 * channels * filters
    reason = (
        f"{winograd / 1e6:.3g} million multiplications' worth of time, im2col {im2col / 1e6:.3g}"
    )
    return Choice("winograd" if winograd < im2col else "im2col", reason)


def record(choice: Choice | Callable[[], Any]) -> None:
    """Remembers what ran, for `last_conv`; for what was put off, the function that computes it."""
    global _last
    _last = choice
