"""Where the numbers of a tensor are among those of the layers, and how a tensor is shown.

A layer is shown as (C, H, W): C maps. A tensor whose last axis are the channels, (1, H, W, C), or T
tokens of D numbers, (1, T, D), is kept with that axis first: so it has maps, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import backend
from ...tensor import Tensor

if TYPE_CHECKING:
    from .recording import Step

Shape = tuple[int, ...]


class Ref(NamedTuple):
    """A tensor's numbers.

    layers: in which they are. places: for each number of the tensor its place in them, one layer
    after the other; None: the tensor is the layer. last: the layer has the tensor's last axis
    first. fill: what stands at the place -1. edge: node and output that made it. where: in which
    module, see `Recorder.here`.
    """

    layers: tuple[Step, ...]
    places: np.ndarray | None
    shape: Shape
    last: bool
    edge: tuple[Any, int]
    fill: float = 0.0
    where: tuple[str, int, str] = ("", 0, "")


def whole_array(tensor: Tensor) -> np.ndarray:
    """The tensor's numbers on the host."""
    return backend.to_numpy(tensor.array)


def display(shape: Shape) -> Shape:
    """How a tensor's numbers are shown, as (C, H, W), in their order.

    >>> display((1, 3, 8, 8)), display((1, 10)), display((1, 5, 7)), display((64, 3, 49, 32))
    ((3, 8, 8), (10, 1, 1), (1, 5, 7), (192, 49, 32))
    """
    return three(without_batch(shape))


def is_volume(shape: Shape) -> bool:
    """Whether it is (1, C, D, H, W)."""
    return len(shape) == 5 and shape[0] == 1


def without_batch(shape: Shape) -> Shape:
    return tuple(shape[1:]) if len(shape) > 1 and shape[0] == 1 else tuple(shape)


def three(shape: Shape) -> Shape:
    """The same numbers as (C, H, W).

    >>> three((5,)), three((4, 5)), three((2, 3, 4, 5))
    ((5, 1, 1), (1, 4, 5), (6, 4, 5))
    """
    if len(shape) < 2:
        return (*shape, 1, 1, 1)[:3]
    return math.prod(shape[:-2]), *shape[-2:]


def turned(shape: Shape) -> Shape:
    """The same for a tensor whose last axis comes first.

    >>> turned((1, 8, 9, 3)), turned((1, 5, 7))
    ((3, 8, 9), (7, 1, 5))
    """
    rest = without_batch(shape)[:-1]
    return shape[-1], math.prod(rest[:-1]), *(rest[-1:] or (1,))


def turn(array: np.ndarray) -> np.ndarray:
    """(..., D) -> (D, all others)"""
    return array.reshape(-1, array.shape[-1]).T


def alike(a: Shape, b: Shape) -> bool:
    """Whether two shapes differ in axes of length 1 only."""
    return [n for n in a if n != 1] == [n for n in b if n != 1]


def base_places(ref: Ref) -> np.ndarray:
    """The places of a tensor's numbers, in the tensor's shape."""
    if ref.places is not None:
        return ref.places
    places = np.arange(math.prod(ref.shape), dtype=np.int32)
    if ref.last:
        places = np.ascontiguousarray(places.reshape(ref.shape[-1], -1).T)
    return places.reshape(ref.shape)


def simplest(layers: tuple[Step, ...], places: np.ndarray, edge: Any, fill: float) -> Ref:
    """The tensor whose numbers are at these places; without places if it is a whole layer."""
    shape = tuple(places.shape)
    if len(layers) == 1 and places.size == layers[0].value.size:
        for last in (False, True):
            ref = Ref(layers, None, shape, last, edge)
            if (shape or not last) and np.array_equal(places, base_places(ref)):
                return ref
    return Ref(layers, places, shape, False, edge, fill)


def together(refs: list[Ref]) -> tuple[tuple[Step, ...], list[np.ndarray], float]:
    """The layers of several tensors, and the places of each tensor's numbers among them all."""
    layers: list[Step] = []
    for ref in refs:
        layers += [each for each in ref.layers if not any(each is other for other in layers)]
    starts = np.cumsum([0, *(each.value.size for each in layers)])
    start_of = {id(each): int(start) for each, start in zip(layers, starts, strict=False)}
    result = []
    fill = 0.0
    for ref in refs:
        places = base_places(ref)
        own = np.cumsum([0, *(each.value.size for each in ref.layers)])
        moved = places.copy()
        for first, end, each in zip(own, own[1:], ref.layers, strict=False):
            here = (places >= first) & (places < end)
            moved[here] += start_of[id(each)] - int(first)
        result.append(moved)
        fill = ref.fill or fill
    return tuple(layers), result, fill


def kind_of_move(places: np.ndarray, shape: Shape, sources: list[Shape]) -> str:
    """What a layer that only moves numbers does, as one would say it."""
    if len(sources) > 1:
        return "cat"
    if (places < 0).any():
        return "pad"
    size = math.prod(sources[0])
    if len(places) == size and np.array_equal(places, np.arange(size)):
        return "flatten" if shape[1:] == (1, 1) else "reshape"
    distinct = count_distinct(places, size)
    if distinct < len(places):
        return "repeat"
    return "slice" if distinct < size else "permute"


def count_distinct(places: np.ndarray, size: int) -> int:
    """How many different places below `size` there are; much faster than sorting them."""
    seen = np.zeros(size + 1, bool)
    seen[places] = True
    return int(seen[:size].sum())


def axes_of(
    shape: Shape, dims: tuple[int, ...], layer: Shape, last: bool
) -> tuple[list[int], int] | None:
    """Which axes of a layer (C, H, W) the dimensions `dims` of its tensor are: (axes, groups).

    groups: 0, or so many groups of channels, in each of which all numbers belong together. None if
    they are neither.
    """
    kept = [1 if axis in dims else n for axis, n in enumerate(shape)]
    count = math.prod(kept)
    labels = np.broadcast_to(np.arange(count).reshape(kept), shape)
    labels = (turn(labels) if last else labels).reshape(layer)
    for axes in ([], [0], [1], [2], [1, 2], [0, 1], [0, 2], [0, 1, 2]):
        firsts = labels[tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(3))]
        if firsts.size == count and (labels == firsts).all():
            return axes, 0
    if layer[0] % count == 0 and (labels.reshape(count, -1) == np.arange(count)[:, None]).all():
        return [0, 1, 2], count
    return None
