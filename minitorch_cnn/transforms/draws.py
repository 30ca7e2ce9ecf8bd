"""Random numbers of the transforms, drawn as torchvision draws them, number by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dtypes import get_default_dtype
from ..ops import multinomial, rand, randint, randperm, tensor
from ..random import default_generator
from ..tensor import Tensor


def integer(low: int, high: int) -> int:
    """One of low, ..., high - 1.

    >>> integer(3, 4)
    3
    """
    return int(randint(low, high, (1,)).item())


def integers(high: int, count: int) -> list[int]:
    """`count` numbers of 0, ..., high - 1.

    >>> integers(1, 3)
    [0, 0, 0]
    """
    return randint(high, (count,)).tolist()


def uniforms(shape: Sequence[int]) -> Tensor:
    """Numbers from 0 to 1, of that shape and the default dtype.

    >>> uniforms((2, 3)).shape
    minitorch_cnn.Size([2, 3])
    """
    return rand(shape)


def fraction() -> float:
    """A number from 0 to 1, of the default dtype as `rand(1)`.

    >>> 0 <= fraction() < 1
    True
    """
    return between(0, 1)


def between(low: float, high: float) -> float:
    """A number from low to high, of the default dtype as `empty(1).uniform_(low, high)`.

    >>> between(2.0, 2.0)
    2.0
    """
    number = np.empty(1, get_default_dtype().numpy)
    return float(default_generator.rng.fill_uniform(number, low, high)[0])


def shares(concentrations: Sequence[float]) -> list[float]:
    """Random parts of 1, by a Dirichlet distribution; how even they are, the numbers say.

    >>> round(sum(shares([1.0, 1.0, 2.0])), 6)
    1.0
    """
    return np.asarray(default_generator.rng.dirichlet(concentrations)).tolist()


def chosen(chances: Sequence[float]) -> int:
    """Which of several, as likely as the numbers say.

    >>> chosen([0.0, 1.0])
    1
    """
    return int(multinomial(tensor(chances), 1).item())


def order(count: int) -> list[int]:
    """The numbers below count in random order.

    >>> sorted(order(3))
    [0, 1, 2]
    """
    return randperm(count).tolist()
