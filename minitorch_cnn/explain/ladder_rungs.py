"""One convolution, many ways: the rungs of `explain ladder`, from loops to the library's kernels.

Every rung computes the same numbers: 3x3 kernels, stride 1, no padding (say that the images have
their border already), float32. Those that need Numba are in ladder_compiled.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import kernels
from ..kernels.dispatch import has_cpu_tier

GEOMETRY = kernels.conv_geometry()  # stride 1, no padding
# What is computed in plain Python: the first image, and so many filters, rows and columns.
CORNER = (1, 4, 6, 12)
FLOAT = 4  # bytes of a float32


class Problem(NamedTuple):
    """The images, as textbooks and as the library lay them out, and the filters.

    x (N, C, H, W); pixels (N, H, W, C), the same numbers; w (K, C, 3, 3). scale, shift (K,): of a
    batch norm that follows, y * scale + shift. threads: how many the compiled rungs may use.
    """

    x: np.ndarray
    pixels: np.ndarray
    w: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    threads: int

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        """(N, K, OH, OW)"""
        N, _, H, W = self.x.shape
        return N, len(self.w), H - 2, W - 2

    @property
    def flops(self) -> int:
        """Two, a multiplication and an addition, for each product of the definition."""
        return 2 * int(np.prod(self.out_shape)) * self.w[0].size

    @property
    def bytes(self) -> int:
        """Of x, w and y: what must move between memory and processor in any case."""
        return FLOAT * (self.x.size + self.w.size + int(np.prod(self.out_shape)))


def make_problem(shape: tuple[int, int, int, int], filters: int, threads: int) -> Problem:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape, np.float32)
    w = rng.standard_normal((filters, shape[1], 3, 3), np.float32)
    scale, shift = rng.standard_normal((2, filters), np.float32)
    pixels = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    return Problem(x, pixels, w, scale, shift, threads)


def exact(problem: Problem) -> np.ndarray:
    """y (N, K, OH, OW) in float64, to compare with: the sum over the nine places of the kernel."""
    _, _, OH, OW = problem.out_shape
    pixels, w = problem.pixels.astype(np.float64), problem.w.astype(np.float64)
    y: Any = 0
    for u in range(3):
        for v in range(3):
            y = y + pixels[:, u : u + OH, v : v + OW] @ w[:, :, u, v].T
    return y.transpose(0, 3, 1, 2)


# ------------------------------------------------------------------------------ with NumPy alone


def loops(x: np.ndarray, w: np.ndarray, y: np.ndarray) -> None:
    """The definition. Fills y, or as much of it as y has room for."""
    N, K, OH, OW = y.shape
    _, C, KH, KW = w.shape
    for n in range(N):
        for k in range(K):
            for i in range(OH):
                for j in range(OW):
                    total = np.float32(0)
                    for c in range(C):
                        for u in range(KH):
                            for v in range(KW):
                                total += w[k, c, u, v] * x[n, c, i + u, j + v]
                    y[n, k, i, j] = total


def in_python(problem: Problem) -> np.ndarray:
    sizes = [min(pair) for pair in zip(CORNER, problem.out_shape, strict=True)]
    y = np.empty(sizes, np.float32)
    loops(problem.x, problem.w, y)
    return y


def weight_matrix(w: np.ndarray) -> np.ndarray:
    """w (K, C, 3, 3) as (9 C, K): a column for each filter, its numbers in the order (u, v, c)."""
    return np.ascontiguousarray(w.transpose(2, 3, 1, 0).reshape(-1, len(w)))


def im2col(problem: Problem) -> np.ndarray:
    """All windows written out as rows of one matrix, then one product."""
    N, K, OH, OW = problem.out_shape
    windows = np.lib.stride_tricks.sliding_window_view(problem.pixels, (3, 3), axis=(1, 2))
    # (N, OH, OW, C, 3, 3) -> a row for each pixel, in the order of the weights
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(N * OH * OW, -1)
    y = columns @ weight_matrix(problem.w)
    return y.reshape(N, OH, OW, K).transpose(0, 3, 1, 2)


# ---------------------------------------------------------------------------------- the library


def library(problem: Problem, algorithm: str, tier: str = "auto") -> np.ndarray:
    """The library's kernel as layers call it."""
    x = problem.pixels.transpose(0, 3, 1, 2)
    with kernels.kernel_tier(tier), kernels.conv_algorithm(algorithm):
        return kernels.conv2d_forward(x, problem.w, None, GEOMETRY)


def in_blocks(problem: Problem) -> np.ndarray:
    return library(problem, "im2col", "array")


def product(problem: Problem) -> np.ndarray:
    return library(problem, "im2col")


def winograd(problem: Problem) -> np.ndarray:
    return library(problem, "winograd")


def apart(problem: Problem) -> np.ndarray:
    """Batch norm in evaluation mode and ReLU as well, each as a pass over memory of its own."""
    y = winograd(problem)
    with kernels.kernel_tier("auto"):
        y = kernels.batch_norm_forward(y, problem.scale, problem.shift)
        return kernels.relu(y)


def fused(problem: Problem) -> np.ndarray:
    """The same with both in one pass."""
    y = winograd(problem)
    with kernels.kernel_tier("auto"):
        return kernels.batch_norm_forward(y, problem.scale, problem.shift, relu=True)


# ------------------------------------------------------------------------------------- all rungs


class Rung(NamedTuple):
    """A way to compute the convolution.

    kind: "loops", "BLAS", "tile" or "library". threads: 1, or 0 for all of them. columns: how
    often im2col's whole matrix goes to memory or comes from it; outputs: how often y does, beyond
    the one time that it must. normalized: batch norm and ReLU follow.
    """

    name: str
    compute: Callable[[Problem], np.ndarray]
    kind: str
    threads: int = 0
    compiled: bool = True
    columns: int = 0
    outputs: int = 0
    normalized: bool = False

    def bytes(self, problem: Problem) -> int:
        """What moves between memory and processor, if all that is used again stays in the cache."""
        y = FLOAT * int(np.prod(problem.out_shape))
        columns = y * problem.w[0].size // len(problem.w)
        return problem.bytes + self.columns * columns + self.outputs * y


def rungs() -> list[Rung]:
    """From the bottom up."""
    compiled: dict[str, Any] = dict.fromkeys(
        ("loops", "vectors", "all_cores", "masked_tile", "whole_tile", "packed"), loops
    )  # without Numba they are listed, and not run
    if has_cpu_tier():
        from . import ladder_compiled

        compiled = {name: getattr(ladder_compiled, name) for name in compiled}
    return [
        Rung("loops in Python (a corner)", in_python, "loops", threads=1, compiled=False),
        Rung("the same loops, compiled", compiled["loops"], "loops", threads=1),
        Rung("vectors: filters innermost", compiled["vectors"], "loops", threads=1),
        Rung("the same on all cores", compiled["all_cores"], "loops"),
        Rung("im2col and one BLAS product", im2col, "BLAS", compiled=False, columns=2),
        Rung("in blocks that the cache holds", in_blocks, "BLAS", compiled=False),
        Rung("sums in registers, masked loads", compiled["masked_tile"], "tile"),
        Rung("the same without masks", compiled["whole_tile"], "tile"),
        Rung("weights packed in panels", compiled["packed"], "tile"),
        Rung("the library's product", product, "library"),
        Rung("the library's Winograd", winograd, "library"),
        Rung("Winograd, batch norm, ReLU", apart, "library", outputs=4, normalized=True),
        Rung("the last two in one pass", fused, "library", outputs=2, normalized=True),
    ]
