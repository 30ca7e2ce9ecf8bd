"""Random tensors. All numbers are drawn on the host, so both backends get the same ones as torch.

Each function takes `generator=`; without one it draws from the default generator, which
`mt.manual_seed` seeds.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import backend, dtypes
from ...autograd.modes import state
from ...backend.arrays import axes_as_in_memory, inverse_order
from ...dtypes import as_dtype
from ...mersenne import MersenneTwister
from ...random import Generator, rng_of
from ...tensor import Tensor, shape_text, wrap
from ..arguments import as_int, as_number
from ..common import check_broadcast
from ..copy import contiguous_format
from ..creation import empty_like, finish, valid_shape
from ..inplace import check_writable, write
from ..shape import broadcast_shapes, int_tuple

__all__ = [
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal",
    "bernoulli", "multinomial",
]  # fmt: skip

# The orders of axes in memory that count as row-major: images and volumes may lie channels-last.
ROW_MAJOR = {(0, 2, 3, 1), (0, 2, 3, 4, 1)}
# Up to which whole number a floating type can count.
EXACT = {dtypes.float16: 2**11, dtypes.float32: 2**24, dtypes.float64: 2**53}


def _sizes(size: tuple, function: str) -> tuple[int, ...]:
    return valid_shape(int_tuple(size, function, "size"))


def _floating(name: str, dtype: Any) -> np.dtype:
    kind = dtypes.get_default_dtype() if dtype is None else as_dtype(dtype)
    if not kind.is_floating_point:
        raise NotImplementedError(f'"{name}" not implemented for {kind}: use a floating type')
    return kind.numpy


def _fill_order(array: Any) -> tuple[int, ...]:
    """The axes in the order in which memory is filled, which is torch's rule: as they lie.

    Images and volumes count as row-major: where they are channels-last here, in torch they are
    not, unless the program says so.
    """
    order = tuple(axes_as_in_memory(array))
    return tuple(range(array.ndim)) if order in ROW_MAJOR else order


def in_order(flat: np.ndarray, array: Any) -> np.ndarray:
    """Drawn numbers, put into the shape of `array` in the order in which its memory is filled."""
    order = _fill_order(array)
    filled = flat.reshape([array.shape[axis] for axis in order])
    return filled.transpose(inverse_order(order))


def _is_row_major(array: Any) -> bool:
    """Whether this memory would be contiguous in torch."""
    last = (0, *range(2, array.ndim), 1)
    turned = array.transpose(last) if last in ROW_MAJOR else array
    return bool(array.flags.c_contiguous or turned.flags.c_contiguous)


def _fill(input: Tensor, fill: Callable[[np.ndarray], Any]) -> Tensor:
    """fill(flat) writes random numbers into a vector of input's dtype; if it can, in its memory.

    The other way a large weight would be in memory twice.
    """
    check_writable(input)
    array = input.array
    unrecorded = input._view is None and not (input.requires_grad and state.grad_enabled)
    here = isinstance(array, np.ndarray) and array.flags.c_contiguous and array.flags.writeable
    if unrecorded and here:
        fill(array.reshape(-1))
        input._bump_version()
        return input
    flat = np.empty(array.size, array.dtype)
    fill(flat)
    return write(input, wrap(backend.to_device(in_order(flat, array), input.device)))


def _put(input: Tensor, flat: np.ndarray) -> Tensor:
    """Writes drawn numbers into input."""
    return _fill(input, lambda out: np.copyto(out, flat, casting="unsafe"))


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers drawn evenly from [0, 1), of that shape: rand(N, C) or rand((N, C)).

    Raises NotImplementedError for a dtype that is not floating, RuntimeError for a negative length.

    >>> import minitorch_cnn as mt
    >>> x = mt.rand(2, 3)
    >>> x.shape, bool((x >= 0).all() and (x < 1).all())
    (minitorch_cnn.Size([2, 3]), True)
    """
    shape, kind = _sizes(size, "rand"), _floating("rand", dtype)
    flat = rng_of(generator).fill_uniform(np.empty(math.prod(shape), kind), 0, 1)
    return finish(flat.reshape(shape), device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers of the normal distribution with mean 0 and standard deviation 1: randn(N, C).

    Raises NotImplementedError for a dtype that is not floating, RuntimeError for a negative length.

    >>> import minitorch_cnn as mt
    >>> x = mt.randn(10000)
    >>> -0.05 < x.mean().item() < 0.05, 0.95 < x.std().item() < 1.05
    (True, True)
    """
    shape, kind = _sizes(size, "randn"), _floating("randn", dtype)
    flat = rng_of(generator).fill_normal(np.empty(math.prod(shape), kind), 0, 1)
    return finish(flat.reshape(shape), device, requires_grad)


def randint(
    low: int = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers (int64) from low to high, high not included: randint(high, (N, C)) starts at 0.

    Raises RuntimeError unless low < high and for a negative length, TypeError without a size.

    >>> import minitorch_cnn as mt
    >>> mt.randint(3, 4, (2,))
    tensor([3, 3])
    """
    if size is None and isinstance(high, tuple | list):  # randint(high, size)
        low, high, size = 0, low, high
    if high is None:
        low, high = 0, low
    high = as_int("randint", "high", high)
    if size is None:
        raise TypeError("randint() needs a size, e.g. randint(10, (3,))")
    _check_range(low, high)
    array = np.asarray(rng_of(generator).integers(low, high, _sizes((size,), "randint")))
    kind = dtypes.int64 if dtype is None else as_dtype(dtype)
    return finish(array.astype(kind.numpy), device, requires_grad)


def _check_range(low: int, high: int) -> None:
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers from 0 to n - 1 in random order, a vector (n,) of int64.

    Raises RuntimeError for a negative n.

    >>> import minitorch_cnn as mt
    >>> mt.randperm(4).sort().values
    tensor([0, 1, 2, 3])
    """
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    kind = dtypes.int64 if dtype is None else as_dtype(dtype)
    return finish(rng_of(generator).permutation(n).astype(kind.numpy), device, requires_grad)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As `rand`, with the same shape, dtype and device as another tensor. Raises as `rand` does.

    >>> import minitorch_cnn as mt
    >>> mt.rand_like(mt.zeros(2, 3)).shape
    minitorch_cnn.Size([2, 3])
    """
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    uniform_(drawn, generator=generator)
    return drawn.requires_grad_() if requires_grad else drawn


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As `randn`, with the same shape, dtype and device as another tensor. Raises as `randn` does.

    >>> import minitorch_cnn as mt
    >>> mt.randn_like(mt.zeros(2, 3)).shape
    minitorch_cnn.Size([2, 3])
    """
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    normal_(drawn, generator=generator)
    return drawn.requires_grad_() if requires_grad else drawn


def randint_like(
    input: Tensor,
    low: int | None = None,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """As `randint`, with the same shape, dtype and device as another tensor.

    With one number, or high alone, it starts at 0. Raises RuntimeError unless low < high, TypeError
    without a number.

    >>> import minitorch_cnn as mt
    >>> mt.randint_like(mt.zeros(2), 3, 4)
    tensor([3., 3.])
    """
    if high is None:
        low, high = None, low  # randint_like(x, high)
    if high is None:
        raise TypeError("randint_like() missing 1 required positional argument: 'high'")
    low = low or 0
    _check_range(low, high)
    drawn = empty_like(input, dtype=dtype, device=device, memory_format=memory_format)
    random_(drawn, low, high, generator=generator)
    return drawn.requires_grad_() if requires_grad else drawn


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
) -> Tensor:
    """Normally distributed numbers; mean and std may be tensors, one value for each number.

    size: (N, C), say; without one mean or std is a tensor, whose shape the result has. Raises
    RuntimeError for a negative std, TypeError if nothing says the size, or both do.

    >>> import minitorch_cnn as mt
    >>> mt.normal(mt.tensor([1.0, 100.0]), mt.tensor([0.0, 0.0]))
    tensor([  1., 100.])
    """
    if size is not None:
        mean, std = as_number("normal", "mean", mean), as_number("normal", "std", std)
    for each in (mean, std):
        if isinstance(each, Tensor):
            size = each.shape if size is None else size
            dtype, device = dtype or each.dtype, device or each.device
    if size is None:
        raise TypeError("normal() needs a size, or a tensor for mean or std")
    valid = bool((std.array >= 0).all()) if isinstance(std, Tensor) else std >= 0
    if not valid:  # negative or NaN
        which = "all elements of std >= 0.0, got"
        which = which if isinstance(std, Tensor) else "std >= 0.0, but found std"
        raise RuntimeError(f"normal expects {which} {std}")
    check_broadcast(mean, std)
    sizes = [_sizes((size,), "normal")]
    sizes += [each.shape for each in (mean, std) if isinstance(each, Tensor)]
    noise = randn(broadcast_shapes(*sizes), generator=generator, dtype=dtype, device=device)
    mean, std = (each.detach() if isinstance(each, Tensor) else each for each in (mean, std))
    return noise * std + mean


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the element of input says (or p, for all), 0 otherwise.

    The result has the same shape and dtype. Raises RuntimeError for an input outside [0, 1].

    >>> import minitorch_cnn as mt
    >>> mt.bernoulli(mt.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is not None:
        return bernoulli_(empty_like(input), as_number("bernoulli", "p", p), generator=generator)
    row_major = empty_like(input, memory_format=contiguous_format)
    return bernoulli_(row_major, input.detach(), generator=generator)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Positions (int64) drawn with the weights in each row of input: (n,) or (R, n) -> (..., L).

    L is num_samples; the weights need not sum to 1. Without replacement, or for a single sample:
    with n exponential numbers e_i, the largest w_i / e_i are such a drawing (Efraimidis and
    Spirakis, "Weighted random sampling with a reservoir", 2006).
    Raises RuntimeError for integers, negative or infinite weights, a row of zeros, other numbers of
    dimensions, and more samples than there are without replacement.

    >>> import minitorch_cnn as mt
    >>> mt.multinomial(mt.tensor([0.0, 1.0, 0.0]), 2, replacement=True)
    tensor([1, 1])
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got shape {shape_text(input.shape)}")
    if not input.dtype.is_floating_point:
        raise RuntimeError(
            f"multinomial only supports floating-point dtypes for input, got: {input.dtype}"
        )
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    weights = np.atleast_2d(backend.to_numpy(input.array))
    if not weights.shape[0]:
        return wrap(np.empty((0, num_samples), np.int64))
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    wide = weights.astype(np.float64)
    if (wide.sum(1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    possible = int((weights > 0).sum(1).min())
    if num_samples > possible and not replacement:
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: "
            f"{num_samples} asked for, {possible} have a positive weight"
        )
    rng = rng_of(generator)
    if replacement and num_samples > 1:
        cumulated = wide.cumsum(1) / wide.sum(1, keepdims=True)
        draws = rng.uniforms(len(wide) * num_samples, np.float64).reshape(len(wide), num_samples)
        drawn = np.stack([c.searchsorted(u) for c, u in zip(cumulated, draws, strict=True)])
        drawn = np.minimum(drawn, [[np.flatnonzero(row)[-1]] for row in wide])  # after rounding
    else:
        waiting = _exponential(rng, weights.size).astype(weights.dtype).reshape(weights.shape)
        order = np.argsort(-weights / waiting, axis=1, kind="stable")
        drawn = order[:, :num_samples]
    drawn = drawn[0] if input.ndim == 1 else drawn
    return finish(drawn.astype(np.int64), input.device)


# ---------------------------------------------------------------------------------- in place


def _exponential(rng: MersenneTwister, count: int) -> np.ndarray:
    return -np.log1p(-rng.uniforms(count, np.float64))


def uniform_(
    input: Tensor, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fills a tensor of any shape with numbers drawn evenly from [a, b). Returns it.

    Raises RuntimeError if a > b and for a leaf that requires a gradient, NotImplementedError for
    integers.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(1000).uniform_(2, 3)
    >>> x.min().item() >= 2, x.max().item() < 3
    (True, True)
    """
    largest = float(np.finfo(_floating("uniform_", input.dtype)).max)
    for name, bound in (("from", a), ("to", b)):
        if not abs(bound) <= largest:  # NaN too
            raise RuntimeError(f"{name} is out of bounds for {input.dtype}, got {bound}")
    if a > b:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}"
        )
    if b - a > largest:
        raise RuntimeError(
            f"uniform_ expects to-from to be at most {largest}, but found to={b} and from={a}"
        )
    return _fill(input, lambda out: rng_of(generator).fill_uniform(out, a, b))


def normal_(
    input: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fills a tensor of any shape with normally distributed numbers. Returns it.

    Raises RuntimeError for a negative std and for a leaf that requires a gradient,
    NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(10000).normal_(mean=5.0)
    >>> 4.95 < x.mean().item() < 5.05
    True
    """
    if not std >= 0:
        raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
    _floating("normal_", input.dtype)
    rng = rng_of(generator)
    if _is_row_major(input.array):
        return _fill(input, lambda out: rng.fill_normal(out, mean, std))
    check_writable(input)
    return _put(input, rng.normals_one_by_one(input.numel()) * std + mean)


def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fills a tensor of any shape with 1 with probability p, 0 otherwise. Returns it.

    p: a number, or a tensor of one probability for each element. Raises RuntimeError for a leaf
    that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2).bernoulli_(mt.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    rng = rng_of(generator)
    if not isinstance(p, Tensor):
        if not 0 <= as_number("bernoulli_", "p", p) <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return _put(input, rng.below(input.numel(), float(p)))
    chance = np.broadcast_to(backend.to_numpy(p.array), input.shape)
    if not ((chance >= 0) & (chance <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1: bernoulli needs probabilities")
    chance = chance.transpose(_fill_order(input.array)).ravel()
    kind = np.float64 if chance.dtype == np.float64 else np.float32
    return _put(input, rng.below(input.numel(), chance, kind))


def _check_bounds(kind: dtypes.dtype, low: int, high: int) -> None:
    """Raises RuntimeError for a first or last number that the type does not hold.

    Warns of one beyond those up to which a floating type has all whole numbers.
    """
    least, most = 0, 1  # of bool
    if kind.category:
        held: Any = (np.finfo if kind.is_floating_point else np.iinfo)(kind.numpy)
        least, most = int(held.min), int(held.max)
    for name, bound in (("from", low), ("to - 1", high - 1)):
        if not least <= bound <= most:
            raise RuntimeError(f"{name} is out of bounds for {kind}: {bound}")
        if kind in EXACT and abs(bound) > EXACT[kind]:
            warnings.warn(
                f"{name} is out of bounds [-{EXACT[kind]}, {EXACT[kind]}], within which {kind} has "
                f"all whole numbers: {bound}",
                stacklevel=5,
            )


_ALONE: Any = object()  # for no `high` at all, which is not high=None


def random_(
    input: Tensor, low: int = 0, high: Any = _ALONE, *, generator: Generator | None = None
) -> Tensor:
    """Fills a tensor of any shape with integers from low to high, high not included. Returns it.

    random_(n) starts at 0; random_() goes up to the dtype's largest number, or if it is floating to
    the largest up to which it has all, 2^24 for float32, and so does high=None from low on. Raises
    RuntimeError unless low < high, for bounds that the dtype does not hold and for a leaf that
    requires a gradient.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3).random_(7, 8)
    tensor([7., 7., 7.])
    """
    kind = input.dtype
    if high is _ALONE:
        low, high = (0, low) if low else (low, None)
    elif high is None:
        high = 1 + (dtypes.iinfo(kind).max if kind.category == 1 else EXACT.get(kind, 1))
    rng = rng_of(generator)
    if high is None:  # all that the type holds; then not the range but the type says how many words
        largest = dtypes.iinfo(kind).max if kind.category == 1 else EXACT.get(kind, 1)
        draw = rng.long_words if kind in (dtypes.int64, dtypes.float64) else rng.words
        return _put(input, draw(input.numel()) % np.uint64(largest + 1))
    _check_range(low, high)
    _check_bounds(kind, low, high)
    return _put(input, rng.integers(low, high, input.numel()))


def exponential_(input: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fills a tensor of any shape with exponentially distributed numbers of rate lambd. Returns it.

    Their mean is 1 / lambd. Raises RuntimeError unless lambd > 0, and for a leaf that requires a
    gradient.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(10000).exponential_(2.0)
    >>> 0.45 < x.mean().item() < 0.55
    True
    """
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
    return _put(input, _exponential(rng_of(generator), input.numel()) / lambd)


def cauchy_(
    input: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Fills a tensor of any shape with numbers of Cauchy's distribution. Returns it.

    Half of them lie within sigma of the median; a mean they do not have. Raises RuntimeError unless
    sigma > 0 and for a leaf that requires a gradient, NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(10000).cauchy_(median=5.0)
    >>> abs(x.median().item() - 5) < 0.1
    True
    """
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    _floating("cauchy_", input.dtype)
    u = rng_of(generator).uniforms(input.numel(), np.float64)
    return _put(input, median + sigma * np.tan(np.pi * (u - 0.5)))


def log_normal_(
    input: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
) -> Tensor:
    """Fills a tensor of any shape with numbers whose logarithm has that mean and deviation.

    Returns it. Raises RuntimeError unless std > 0 and for a leaf that requires a gradient,
    NotImplementedError for integers.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(10000).log_normal_(mean=1.0, std=1.0)
    >>> abs(x.log().mean().item() - 1) < 0.05
    True
    """
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
    _floating("log_normal_", input.dtype)
    return _put(input, np.exp(rng_of(generator).normals_one_by_one(input.numel()) * std + mean))


def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fills a tensor of any shape with how many trials it took until one of chance p succeeded.

    Returns it; the mean is 1 / p. Raises RuntimeError for p outside (0, 1) and for a leaf that
    requires a gradient.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(10000).geometric_(0.5)
    >>> x.min().item(), abs(x.mean().item() - 2) < 0.1
    (1.0, True)
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    u = rng_of(generator).uniforms(input.numel(), np.float64)
    with np.errstate(divide="ignore"):  # a draw of 0
        return _put(input, np.ceil(np.log(u) / math.log1p(-p)))
