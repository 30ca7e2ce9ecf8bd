"""From the words of the Mersenne Twister to random numbers, by the ways that torch takes on a CPU.

They were found by looking at what torch draws, and are held by tests that compare both. All numbers
of one seed come from one row of 32-bit words, so to draw the same means to use up the same words:

    uniform, float32   the low 24 bits of one word, / 2^24
    uniform, float64   the low 53 bits of two words (the first one is the upper half), / 2^53
    integers           one word modulo the range; two words if the range is 2^28 or more
    normal             see `fill_normal` and `normals_one_by_one`
    a permutation      Fisher and Yates: place i changes with one of those from i on
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import kernels
from .kernels.array.random import WORDS, twister_words

BLOCKS = 32  # of words that are drawn at a time: they and what is made of them stay in the cache
CHUNK = BLOCKS * WORDS
WIDE = 2**28  # from this range on, integers are made of two words

lock = threading.RLock()  # held while words are drawn, and by a process that forks


class MersenneTwister:
    """A row of random words, and what is made of them.

    The methods that NumPy's generators have too (`random`, `uniform`, `integers`, `permutation`)
    draw single numbers as torch.rand(1), torch.empty(1).uniform_(low, high), torch.randint and
    torch.randperm do; with a size they draw that many. Not to be shared by threads unless it does
    not matter who gets which number.

    >>> MersenneTwister(0).words(2).tolist()
    [2357136044, 2546248239]
    """

    def __init__(self, seed: int) -> None:
        self.key: np.ndarray  # the state, uint32 (624,), after the words of `_block` were made
        self.place: int  # how many of these have been given away
        self.next_normal: float | None  # the second of a pair, see `normals_one_by_one`
        # RandomState is the one way to NumPy's seeding by a single 32-bit number.
        seeded = np.random.RandomState(seed % 2**32).get_state(legacy=False)
        self.key = np.array(seeded["state"]["key"])
        self.place, self.next_normal = WORDS, None
        self._block: np.ndarray | None = None

    def restore(self, key: np.ndarray, place: int, next_normal: float | None) -> None:
        """Goes on from there."""
        with lock:
            self.key, self.place, self.next_normal = key, place, next_normal
            self._block = None

    def _current(self) -> np.ndarray:
        """The words of the present state, made from it again after it was restored."""
        if self._block is None:
            y = self.key.copy()
            y ^= y >> np.uint32(11)
            y ^= (y << np.uint32(7)) & np.uint32(0x9D2C5680)
            y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
            self._block = y ^ (y >> np.uint32(18))
        return self._block

    def words(self, count: int) -> np.ndarray:
        """The next words, uint32 (count,)."""
        with lock:
            first = self._current()[self.place : self.place + count]
            self.place += len(first)
            missing = count - len(first)
            if not missing:
                return first.copy()
            blocks = -(-missing // WORDS)
            # A compiled kernel must be worth while: the first one in a process takes a while.
            make = kernels.twister_words if blocks >= BLOCKS // 2 else twister_words
            drawn = make(self.key, blocks)
            self.place = missing - (blocks - 1) * WORDS
            self._block = drawn[-WORDS:].copy()
            return np.concatenate([first, drawn[:missing]])

    def long_words(self, count: int) -> np.ndarray:
        """The next pairs of words as numbers of 64 bits, uint64 (count,)."""
        pairs = self.words(2 * count).astype(np.uint64).reshape(count, 2)
        return pairs[:, 0] << np.uint64(32) | pairs[:, 1]

    # ------------------------------------------------------------------------------- uniform

    def _fractions(self, count: int, kind: Any) -> np.ndarray:
        if kind == np.float64:
            return (self.long_words(count) & np.uint64(2**53 - 1)) * 2.0**-53
        bits = self.words(count)
        bits &= np.uint32(2**24 - 1)
        # Every processor can make floats of int32, not every one of uint32.
        return np.multiply(bits.view(np.int32), np.float32(2**-24), dtype=np.float32)

    def uniforms(self, count: int, kind: Any = np.float32) -> np.ndarray:
        """Numbers in [0, 1), float64 or float32, (count,)."""
        return self.fill_uniform(np.empty(count, kind), 0, 1)

    def fill_uniform(self, out: np.ndarray, low: float, high: float) -> np.ndarray:
        """Fills a floating vector with numbers in [low, high), and returns it."""
        wide = np.float64 if out.dtype == np.float64 else np.float32
        for part in chunks(len(out)):
            draws = self._fractions(part.stop - part.start, wide)
            if (low, high) != (0, 1):
                draws = between(draws, low, high)
            out[part] = draws
            if (low, high) != (0, 1) or out.dtype == np.float16:  # rounding may have led to high
                out[part][out[part] == out.dtype.type(high)] = low
        return out

    def below(self, count: int, p: Any, kind: Any = np.float64) -> np.ndarray:
        """Whether uniform numbers are below p: true with probability p, bool (count,)."""
        out = np.empty(count, bool)
        for part in chunks(count):
            draws = self._fractions(part.stop - part.start, kind)
            np.less(draws, p if np.ndim(p) == 0 else p[part], out=out[part])
        return out

    # -------------------------------------------------------------------------------- normal

    def normals_one_by_one(self, count: int) -> np.ndarray:
        """Standard normal numbers, float64 (count,), by Box and Muller: two from two uniform ones.

        Of a pair that is needed by half, the other half is kept for the next call.
        """
        out = np.empty(count)
        start = 0
        if count and self.next_normal is not None:
            out[0], self.next_normal, start = self.next_normal, None, 1
        pairs = -(-(count - start) // 2)
        angle, u = self.uniforms(2 * pairs, np.float64).reshape(pairs, 2).T * [[2 * np.pi], [1.0]]
        radius = np.sqrt(-2 * np.log1p(-u))
        both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
        out[start:] = both[: count - start]
        if (count - start) % 2:
            self.next_normal = float(both[-1])
        return out

    def fill_normal(self, out: np.ndarray, mean: float, std: float) -> np.ndarray:
        """Fills a floating vector with normal numbers, and returns it.

        From 16 on they come in blocks of 16 uniform numbers, of which the first 8 give radii and
        the last 8 angles. What is left over at the end overlaps: the last 16 numbers are drawn anew
        and made into one more block. float16 does not draw the words of that rest beforehand.
        """
        count = len(out)
        if count < 16:
            out[...] = self.normals_one_by_one(count) * std + mean
            return out
        wide = np.float64 if out.dtype == np.float64 else np.float32
        whole = count // 16 * 16
        parts = [*chunks(whole)]
        if whole < count:
            parts.append(slice(count - 16, count))
        for part in parts:
            if part.start % 16 and out.dtype != np.float16:
                self._fractions(count - whole, wide)
            draws = _box_muller(self._fractions(part.stop - part.start, wide))
            if (mean, std) != (0, 1):
                draws *= wide(std)
                draws += wide(mean)
            out[part] = draws
        return out

    # ------------------------------------------------------------------------------ integers

    def integers(self, low: int, high: int | None = None, size: Any = None) -> Any:
        """Integers from low to high, high not included (from 0 to low, if only that is given)."""
        low, high = (0, low) if high is None else (low, high)
        count = 1 if size is None else int(np.prod(size))
        span = high - low
        draws: np.ndarray = self.long_words(count) if span >= WIDE else self.words(count)
        if span < 2**64:
            draws = draws % np.uint64(span)
        numbers = draws.astype(np.int64) + low
        return int(numbers[0]) if size is None else numbers.reshape(size)

    def permutation(self, n: int) -> np.ndarray:
        """The numbers from 0 to n - 1 in random order, int64 (n,)."""
        steps = self.words(max(n - 1, 0)) % np.arange(n, 1, -1, dtype=np.uint32)
        order = list(range(n))
        for i, step in enumerate(steps.tolist()):
            order[i], order[i + step] = order[i + step], order[i]
        return np.array(order, np.int64)

    # ------------------------------------------------------------------------ single numbers

    def gamma(self, shape: float) -> float:
        """One number of the gamma distribution with scale 1, as torch's distributions draw it.

        Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
        """
        scale = 1.0
        if shape < 1:
            scale = (1 - self._double()) ** (1 / shape if shape else math.inf)
            shape += 1
        d = shape - float(np.float32(1 / 3))  # in torch this third is float32
        c = 1 / math.sqrt(9 * d)
        while True:
            x = self._normal()
            if 1 + c * x <= 0:
                continue
            v = (1 + c * x) ** 3
            u = 1 - self._double()
            if u < 1 - 0.0331 * x**4 or math.log(u) < x * x / 2 + d * (1 - v + math.log(v)):
                return scale * d * v

    def dirichlet(self, concentrations: Sequence[float]) -> np.ndarray:
        """Random parts of 1, float64: gamma numbers by their sum."""
        drawn = np.array([self.gamma(each) for each in concentrations])
        return np.asarray(drawn / drawn.sum())

    def poisson(self, rate: float) -> int:
        """How often something happens that happens `rate` times on average, as torch.poisson.

        Below 10 by counting factors (Knuth), else by rejection: Hoermann, "The transformed
        rejection method for generating Poisson random variables", 1993, PTRS.
        """
        if rate < 10:
            product, count = self._double() if rate > 0 else 0.0, 0
            while product > math.exp(-rate):
                product *= self._double()
                count += 1
            return count
        b = 0.931 + 2.53 * math.sqrt(rate)
        a = -0.059 + 0.02483 * b
        while True:
            u, v = self._double() - 0.5, self._double()
            edge = 0.5 - abs(u)
            count = math.floor((2 * a / edge + b) * u + rate + 0.43)
            if edge >= 0.07 and v <= 0.9277 - 3.6224 / (b - 2):
                return count
            if count < 0 or (edge < 0.013 and v > edge):
                continue
            v *= (1.1239 + 1.1328 / (b - 3.4)) / (a / edge**2 + b)
            if math.log(v) <= count * math.log(rate) - rate - math.lgamma(count + 1):
                return count

    def binomial(self, n: int, p: float) -> int:
        """How many of n trials succeed, each with probability p, as torch.binomial.

        If that are fewer than 10 on average, by the trials from one success to the next; else by
        rejection: Hoermann, "The generation of binomial random variates", 1993, BTRS.
        """
        if n <= 0 or p <= 0:
            return 0
        if p >= 1:
            return n
        if p > 0.5:
            return n - self.binomial(n, 1 - p)
        if n * p < 10:
            count, trials = -1, 0
            while trials <= n:
                trials += math.ceil(math.log(self._double()) / math.log1p(-p))
                count += 1
            return count
        deviation = math.sqrt(n * p * (1 - p))
        b = 1.15 + 2.53 * deviation
        a = -0.0873 + 0.0248 * b + 0.01 * p
        middle = math.floor((n + 1) * p)
        while True:
            u, v = self._double() - 0.5, self._double()
            edge = 0.5 - abs(u)
            count = math.floor((2 * a / edge + b) * u + n * p + 0.5)
            if edge >= 0.07 and v <= 0.92 - 4.2 / b:
                return count
            if not 0 <= count <= n:
                continue
            v *= (2.83 + 5.1 / b) * deviation / (a / edge**2 + b)
            ways = math.lgamma(middle + 1) + math.lgamma(n - middle + 1)
            ways -= math.lgamma(count + 1) + math.lgamma(n - count + 1)
            if math.log(v) <= ways + (count - middle) * math.log(p / (1 - p)):
                return count

    # One number without NumPy, which takes ten times as long for one as for its arithmetic.

    def _double(self) -> float:
        """As `_fractions(1, np.float64)`."""
        with lock:
            if self.place > WORDS - 2:
                return float(self._fractions(1, np.float64)[0])
            upper, lower = self._current()[self.place : self.place + 2].tolist()
            self.place += 2
        return float(((upper << 32 | lower) & (2**53 - 1)) * 2.0**-53)

    def _normal(self) -> float:
        """As `normals_one_by_one(1)`."""
        with lock:
            kept, self.next_normal = self.next_normal, None
            if kept is not None:
                return kept
            angle, u = 2 * math.pi * self._double(), self._double()
            radius = math.sqrt(-2 * math.log1p(-u))
            self.next_normal = radius * math.sin(angle)
            return radius * math.cos(angle)


def chunks(count: int) -> Iterator[slice]:
    """range(count) in parts that stay in the cache; all but the last are multiples of 16 long.

    >>> list(chunks(20_000))
    [slice(0, 19968, None), slice(19968, 20000, None)]
    """
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


def between(draws: np.ndarray, low: float, high: float) -> np.ndarray:
    """Uniform numbers from [0, 1) moved to [low, high): low + draw (high - low), rounded once.

    A processor has an instruction for this, which torch uses (fused multiply and add).

    >>> between(np.array([0.0, 0.5]), 2, 4).tolist()
    [2.0, 3.0]
    """
    if draws.dtype == np.float32:  # float64 holds their products
        span = float(np.float32(high) - np.float32(low))
        return (draws.astype(np.float64) * span + float(np.float32(low))).astype(np.float32)
    # Dekker, "A floating-point technique for extending the available precision", 1971: the errors
    # of the product, from two halves of each factor, and of the sum.
    span = np.float64(high - low)
    product = draws * span
    (a, b), (c, d) = _halves(draws), _halves(span)
    missing = ((a * c - product) + a * d + b * c) + b * d
    total = product + low
    added = total - product
    return np.asarray(total + (missing + ((product - (total - added)) + (low - added))))


def _halves(x: Any) -> tuple[Any, Any]:
    upper = x * (2.0**27 + 1)
    upper = upper - (upper - x)
    return upper, x - upper


def _box_muller(u: np.ndarray) -> np.ndarray:
    """Blocks of 16 uniform numbers as normal ones: radius sqrt(-2 log(1 - u)), angle 2 pi v."""
    blocks = u.reshape(-1, 2, 8)
    radius = 1 - blocks[:, 0]
    np.log(radius, out=radius)
    radius *= -2
    np.sqrt(radius, out=radius)
    angle = blocks[:, 1] * u.dtype.type(2 * np.pi)
    np.multiply(np.cos(angle), radius, out=blocks[:, 0])
    np.sin(angle, out=angle)
    np.multiply(angle, radius, out=blocks[:, 1])
    return u
