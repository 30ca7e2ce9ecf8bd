"""What a network does with its picture where nobody can watch: comparisons, `detach`, sorting.

What comes from there looks like a constant, or like places that have always been the same. Only
another picture shows that they are not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import nn
from ...ops import tensor
from ...tensor import Tensor
from .recording import Layer, record


def frozen_layers(model: nn.Module, x: Tensor, layers: Sequence[Layer]) -> list[int] | None:
    """The layers that would have other constants or other places with another picture.

    None if there would be other layers: the network's program has branches.

    >>> import minitorch_cnn as mt
    >>> class Leaky(nn.Module):
    ...     def forward(self, x):
    ...         return mt.where(x > 0, x, 0.1 * x)
    >>> x = mt.arange(-4.0, 4.0).reshape(1, 2, 2, 2)
    >>> layers = record(Leaky().eval(), x)
    >>> [layers[each].name for each in frozen_layers(Leaky().eval(), x, layers)]
    ['layer']
    """
    noise = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    spread = max(float(x.array.std()), 0.1)
    other = tensor(noise * np.float32(spread)).to(x.device, x.dtype)
    try:
        again = record(model, other, back=False)
    except Exception:  # whatever a program raises that looks at its picture, and gets noise
        return None
    if [_form(each) for each in again] != [_form(each) for each in layers]:
        return None
    used = [_used(layers, number) for number in range(len(layers))]
    pairs = enumerate(zip(layers, again, strict=True))
    return [number for number, (one, two) in pairs if number and not _same(one, two, used[number])]


def _form(layer: Layer) -> tuple:
    kind = layer.kind if layer.places is None else "move"
    return kind, layer.value.shape, layer.sources


def _used(layers: Sequence[Layer], number: int) -> np.ndarray:
    """Which numbers of a layer somebody reads: of an array that was written to, not all."""
    used = np.zeros(layers[number].value.size, bool)
    for reader in layers:
        start = 0
        for source in reader.sources:
            if source == number and reader.places is None:
                used[:] = True
            elif source == number:
                own = np.asarray(reader.places) - start
                used[own[(own >= 0) & (own < len(used))]] = True
            start += layers[source].value.size
    return used


def _same(one: Layer, two: Layer, used: np.ndarray) -> bool:
    """Whether two layers differ in nothing but what they read."""
    arrays = [
        (one.places, two.places),
        *((array, two.parameters.get(name)) for name, array in one.parameters.items()),
        *([(one.value.ravel()[used], two.value.ravel()[used])] * (one.kind == "parameter")),
    ]
    return one.options == two.options and all(
        a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in arrays
    )
