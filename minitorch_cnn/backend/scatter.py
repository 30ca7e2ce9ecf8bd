"""Writes to many places of an array, some of which may be the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arrays import Array, array_module


def scatter_add(array: Array, index: Any, values: Array) -> None:
    """``array[index] += values``, where repeated indices add up instead of overwriting."""
    array_module(array).add.at(array, index, values)


def scatter_extreme(array: Array, index: Any, values: Array, choose: str) -> None:
    """``array[index] = max(array[index], values)`` ("amax", or "amin"), repeated ones compared.

    Where a NaN comes, it stays.
    """
    xp = array_module(array)
    at = (xp.maximum if choose == "amax" else xp.minimum).at
    if xp is np:
        at(array, index, values)
        return
    # CuPy 13 and 14 compare float64 here by float32's digits, ignore NaN, and take few types. Of
    # 64-bit integers they find the right one.
    ranks = _ranks(array, choose)
    at(ranks, index, _ranks(values, choose))
    if array.dtype.kind == "f":
        ranks = _mirror_negative(ranks).view(np.float64)
    array[...] = ranks.astype(array.dtype)


def _ranks(array: Array, choose: str) -> Array:
    """int64 numbers in the same order as those of the array; NaN is at the end that is chosen."""
    if array.dtype.kind != "f":
        return array.astype(np.int64)
    xp = array_module(array)
    nan = math.copysign(math.nan, 1 if choose == "amax" else -1)
    wide = array.astype(np.float64)
    return _mirror_negative(xp.where(xp.isnan(wide), nan, wide).view(np.int64))


def _mirror_negative(bits: Array) -> Array:
    """Bits of floats as integers grow with the float, but for negative ones; so turn those over.

    Doing it twice changes nothing.
    """
    return bits ^ ((bits >> 63) & np.int64(2**63 - 1))


def scatter_multiply(array: Array, index: tuple, values: Array, axis: int) -> None:
    """``array[index] *= values``, where repeated indices multiply all of their values.

    index: an array for each axis; all but the one for `axis` count up, so that indices repeat along
    that axis only.
    """
    if isinstance(array, np.ndarray):
        np.multiply.at(array, index, values)
        return
    # CuPy has no multiply.at. Here each step multiplies a slice, in which no index comes twice.
    for k in range(values.shape[axis]):
        part = (*[slice(None)] * axis, slice(k, k + 1))
        place = (*index[:axis], index[axis][part], *index[axis + 1 :])
        array[place] = array[place] * values[part]
