"""Shapes: tuples of whole numbers, as tensors have them and error messages show them."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from . import dtypes


class Size(tuple):
    """A shape: a tuple of ints that also knows its number of elements.

    Made of ints, NumPy's integers and integer tensors of one element. Raises TypeError for others.

    >>> Size((2, 3)).numel()
    6
    """

    def __new__(cls, lengths: Iterable[Any] = ()) -> Size:
        found = []
        for place, each in enumerate(lengths):
            try:
                found.append(int(operator.index(each)))  # True is 1
            except TypeError:
                raise TypeError(
                    f"{dtypes.namespace}.Size() takes an iterable of 'int' (item {place} is "
                    f"{type(each).__name__!r})"
                ) from None
        return tuple.__new__(cls, found)

    def numel(self) -> int:
        count = 1
        for length in self:
            count *= length
        return count

    def __repr__(self) -> str:
        return f"{dtypes.namespace}.Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: tuple) -> Size:
        return Size(tuple(self) + other)

    def __radd__(self, other: tuple) -> Size:
        return Size(other + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple(self) * times)

    __rmul__ = __mul__


def shape_text(shape: Any) -> str:
    """A shape as error messages show it: [2, 3]."""
    return str(list(shape))


def steps_by_rows(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides, in elements, of a tensor whose rows lie one after the other; a length of 0
    counts as 1.

    >>> steps_by_rows((4, 0, 3))
    (3, 3, 1)
    """
    steps = [1]
    for length in shape[:0:-1]:
        steps.append(steps[-1] * max(length, 1))
    return tuple(reversed(steps))[: len(shape)]
