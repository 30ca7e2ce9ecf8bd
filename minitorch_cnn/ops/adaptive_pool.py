"""Pooling to a given output size: the windows follow from it, and may be of different sizes."""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..tensor import Tensor, wrap
from .memory_format import like
from .pool import avg_pool2d, check_mean, max_pool2d
from .resize import Resize
from .window import adaptive_size, empty_pool, with_batch

__all__ = ["adaptive_avg_pool2d", "adaptive_max_pool2d"]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of OH x OW bins that cover the image: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    output_size: int or (OH, OW); None keeps the length. Bin i goes from floor(i H / OH) to
    ceil((i + 1) H / OH), so that bins overlap where OH does not divide H.
    Raises RuntimeError or ValueError if the arguments do not fit, NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_avg_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[1., 3.]]])
    """
    out = adaptive_size("adaptive_avg_pool2d", 2, input.shape, output_size)
    check_mean("adaptive_avg_pool2d", input)
    (H, W), (OH, OW) = input.shape[-2:], out
    if 0 in out or input.numel() == 0:
        return empty_pool(input, out)
    if out == (1, 1):
        return input.mean(dim=(-2, -1), keepdim=True)
    if H % OH == 0 and W % OW == 0:
        return avg_pool2d(input, (H // OH, W // OW))
    rows, columns = kernels.averaging_matrix(H, OH), kernels.averaging_matrix(W, OW)
    return with_batch(input, lambda x: like(x, Resize.apply(Resize.apply(x, 2, rows), 3, columns)))


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maximum of OH x OW bins that cover the image: (N, C, H, W) or (C, H, W) -> (..., OH, OW).

    Bins as in `adaptive_avg_pool2d`. return_indices: also the places of the maxima, row * W +
    column (int64). Raises RuntimeError or ValueError if the arguments do not fit,
    NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.adaptive_max_pool2d(mt.arange(5.0).reshape(1, 1, 5), (1, 2))
    tensor([[[2., 4.]]])
    """
    out = adaptive_size("adaptive_max_pool2d", 2, input.shape, output_size)
    check_mean("adaptive_max_pool2d", input)
    if 0 in out or input.numel() == 0:
        y = empty_pool(input, out)
        return (y, y.detach().long()) if return_indices else y
    (H, W), (OH, OW) = input.shape[-2:], out
    if H % OH == 0 and W % OW == 0:
        return max_pool2d(input, (H // OH, W // OW), return_indices=return_indices)
    # Bins of different sizes: find the places, then pick what is there.
    indices = wrap(kernels.adaptive_max_indices(input.array, out))  # (..., OH, OW)
    y = input.flatten(-2).gather(-1, indices.flatten(-2)).reshape(indices.shape)
    return (like(input, y), like(input, indices)) if return_indices else like(input, y)
