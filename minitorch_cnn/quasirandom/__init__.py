"""Sobol's points: they fill the unit cube more evenly than random ones.

Each coordinate is a number of 30 bits, and so are the 30 direction numbers of a dimension. Point
i+1 is point i XOR the direction number whose place is that of the lowest bit of i that is 0
(Antonov and Saleev, 1979: points in the order of Gray's code). The first 2^k points have exactly
one in each of the 2^k equal parts of every axis.

The direction numbers follow from a few initial ones for each dimension by a recurrence. The
initial ones in `directions.npz` are those of S. Joe and F. Y. Kuo, "Constructing Sobol sequences
with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008), under the license beside
them.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np

from .. import dtypes
from ..missing import refuse_missing
from ..ops import cat, from_numpy, randint
from ..random import Generator
from ..tensor import Tensor

__all__ = ["SobolEngine"]

BITS = 30


class SobolEngine:
    """Draws the points of a Sobol sequence, the same as torch's, one after another.

    dimension: 1 to 2048 (torch's go to 21201). scramble: a random but as even sequence, by
    A. Owen's method; seed: whose random numbers that takes, else `manual_seed`'s. Raises
    ValueError for another dimension.

    >>> SobolEngine(2).draw(4)
    tensor([[0.0000, 0.0000],
            [0.5000, 0.5000],
            [0.7500, 0.2500],
            [0.2500, 0.7500]])
    """

    MAXBIT = BITS
    MAXDIM = 2048

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(
                f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}], "
                f"got {dimension}"
            )
        self.dimension, self.scramble, self.seed = dimension, scramble, seed
        directions = direction_numbers(dimension)  # (dimension, BITS)
        shift = np.zeros(dimension, np.int64)
        if scramble:
            directions, shift = scrambled(directions, seed)
        self.sobolstate = from_numpy(directions)
        self.shift = from_numpy(shift)
        self.quasi = self.shift.clone()  # the last point that was drawn
        self._first_point = (self.quasi.double() / 2**BITS).reshape(1, -1)
        self.num_generated = 0

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next n points, (n, dimension), of the default type or of `dtype`; into `out`.

        Raises ValueError for a negative n, and beyond 2^30 points.
        """
        kind = dtypes.get_default_dtype() if dtype is None else dtypes.as_dtype(dtype)
        first = 1 if self.num_generated == 0 and n > 0 else 0
        steps = self._steps(n)
        points = np.empty((len(steps) + 1, self.dimension), np.int64)
        points[0] = self.quasi.numpy()
        points[1:] = self.sobolstate.numpy().T[steps]  # (points, dimension)
        np.bitwise_xor.accumulate(points, axis=0, out=points)
        self.quasi = from_numpy(points[-1].copy())
        result = from_numpy(points[1:] / 2**BITS)
        if first:
            result = cat((self._first_point, result))
        self.num_generated += n
        result = result.to(kind)
        return result if out is None else out.resize_as_(result).copy_(result)

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """The next 2^m points. Raises ValueError if there are not a power of 2 in all after it,
        as only these are even."""
        total = self.num_generated + 2**m
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points were drawn before, so that there would be {total}; "
                "use draw() for any number"
            )
        return self.draw(2**m, out=out, dtype=dtype)

    def fast_forward(self, n: int) -> SobolEngine:
        """Passes over n points, as fast for many as for few. Raises as `draw`."""
        directions, point = self.sobolstate.numpy(), self.quasi.numpy().copy()
        begin = max(self.num_generated - 1, 0)
        end = self._end(n)
        for bit in range(BITS):
            # Numbers i with this lowest zero are those where i + 1 is an odd multiple of 2^bit.
            multiples = [(edge >> bit) - (edge >> (bit + 1)) for edge in (begin, end)]
            if (multiples[1] - multiples[0]) % 2:
                point ^= directions[:, bit]
        self.quasi = from_numpy(point)
        self.num_generated += n
        return self

    def reset(self) -> SobolEngine:
        """Back to the first point."""
        self.quasi = self.shift.clone()
        self.num_generated = 0
        return self

    def _end(self, n: int) -> int:
        """How many steps from the first point the last of the next n is."""
        end = max(self.num_generated + n - 1, 0)
        if n < 0 or end >= 2**BITS:
            raise ValueError(
                f"n={n} points after {self.num_generated}: n is at least 0, and there are 2**{BITS}"
            )
        return end

    def _steps(self, n: int) -> np.ndarray:
        """Which direction number leads to each of the next n points; the first needs none."""
        numbers = np.arange(max(self.num_generated - 1, 0), self._end(n))
        lowest = ~numbers & (numbers + 1)  # the lowest bit that is 0, alone
        return np.log2(lowest).astype(np.int64)

    def __repr__(self) -> str:
        shown = f"dimension={self.dimension}" + (", scramble=True" if self.scramble else "")
        return f"SobolEngine({shown}{'' if self.seed is None else f', seed={self.seed}'})"


def direction_numbers(dimension: int) -> np.ndarray:
    """(dimension, BITS): direction number i of a dimension is m_i / 2^(i+1), as 30 bits.

    The m are odd, m_i < 2^(i+1). With a primitive polynomial x^d + a_1 x^(d-1) + ... + 1 over two
    elements, the bits of `polynomials`, and d initial ones, the others are

        m_i = 2 a_1 m_(i-1) ^ 4 a_2 m_(i-2) ^ ... ^ 2^d m_(i-d) ^ m_(i-d)
    """
    with np.load(str(files(__name__) / "directions.npz")) as stored:
        polynomials = stored["polynomials"][:dimension].astype(np.int64)  # (dimension,)
        m = np.zeros((dimension, BITS), np.int64)
        initial = stored["initial"][:dimension]
        m[:, : initial.shape[1]] = initial
    m[0] = 1  # the first dimension: the bits of the number, turned around
    degrees = np.frexp(polynomials)[1] - 1  # the place of the highest bit
    for degree in range(1, degrees.max() + 1):
        (rows,) = np.nonzero(degrees == degree)
        for i in range(degree, BITS):
            value = m[rows, i - degree]
            for k in range(1, degree + 1):
                coefficient = polynomials[rows] >> (degree - k) & 1
                value ^= (m[rows, i - k] << k) * coefficient
            m[rows, i] = value
    return m << np.arange(BITS)[::-1]


def scrambled(directions: np.ndarray, seed: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Random direction numbers and a random first point, as torch draws them.

    The bits of each number, the highest first, are multiplied by a random lower triangular matrix
    of bits with ones on the diagonal, one for each dimension.
    """
    generator = None if seed is None else Generator().manual_seed(seed)
    dimension, powers = len(directions), 1 << np.arange(BITS)
    shift = randint(2, (dimension, BITS), generator=generator).numpy() @ powers
    matrices = np.tril(randint(2, (dimension, BITS, BITS), generator=generator).numpy())
    matrices[:, range(BITS), range(BITS)] = 1
    bits = directions[:, None] >> np.arange(BITS)[::-1, None] & 1  # (dimension, bit, number)
    return np.einsum("dpn,p->dn", matrices @ bits % 2, powers[::-1]), shift


refuse_missing(globals())
