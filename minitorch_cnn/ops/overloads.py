"""Other ways to write a call that torch understands: older orders of arguments, and ``size=``.

    x.addcmul(0.5, a, b)        x.addcmul(a, b, value=0.5)
    addmm(0.5, x, 2, a, b)      addmm(x, a, b, beta=0.5, alpha=2)
    zeros(size=(2, 3))          zeros((2, 3))
    ones(2, layout=strided)     ones(2)
    mul(x, z), abs(z)           x * z, z.abs() of a complex tensor z

Programs of torch's first years are full of the numbers that come before the tensors. `add` and
`sub`, which every step calls, take them for themselves.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor


class Pairs:
    """What complex tensors are (breadth/complex_numbers.py), for those who need not know more."""

    def of_function(self, name: str, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What the function of that name gives for these arguments, one of which is this."""
        raise NotImplementedError


class ComplexGiven(TypeError):
    """A function of real tensors was given a complex one."""

    def __init__(self, value: Pairs) -> None:
        super().__init__("complex tensors are not supported here: take z.real, z.imag or z.abs()")
        self.value = value


# What the numbers are that stand before the tensors, in this order.
NUMBERS_FIRST = {
    **dict.fromkeys(("addcmul", "addcdiv"), ("value",)),
    **dict.fromkeys(("addmm", "addbmm", "baddbmm", "addmv", "addr"), ("beta", "alpha")),
}
TAKES_SIZE = ("zeros", "ones", "empty", "rand", "randn", "new_zeros", "new_ones", "new_empty")
TAKES_LAYOUT = (
    *TAKES_SIZE, "arange", "empty_like", "empty_permuted", "empty_strided", "eye", "full",
    "full_like", "linspace", "logspace", "new_empty_strided", "new_full", "ones_like", "rand_like",
    "randint", "randint_like", "randn_like", "randperm", "range", "scalar_tensor", "zeros_like",
)  # fmt: skip


def numbers_first(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function, to which numbers among the tensors mean the keywords of these names.

    >>> import minitorch_cnn as mt
    >>> mt.addcmul(mt.ones(2), 0.5, mt.ones(2), mt.ones(2))
    tensor([1.5000, 1.5000])
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        numbers = [each for each in args if isinstance(each, (int, float))]
        if numbers and len(numbers) <= len(names):
            warnings.warn(
                f"This overload of {function.__name__} is deprecated: give {names} by name, after "
                "the tensors",
                stacklevel=2,
            )
            args = tuple(each for each in args if not isinstance(each, (int, float)))
            kwargs = {**dict(zip(names, numbers, strict=False)), **kwargs}
        return function(*args, **kwargs)

    return call


def takes_size(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose lengths may be given as ``size=`` too.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(size=(2,))
    tensor([0., 0.])
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "size" in kwargs:
            args = (*args, kwargs.pop("size"))
        return function(*args, **kwargs)

    return call


def takes_layout(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which may be told that its result is strided, as all tensors are here.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, layout=mt.strided, pin_memory=False)
    tensor([0., 0.])
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "layout" in kwargs or "pin_memory" in kwargs:
            layout, pin = kwargs.pop("layout", None), kwargs.pop("pin_memory", False)
            if layout is not None and getattr(layout, "name", None) != "strided":
                raise NotImplementedError(
                    f"{function.__name__}(): layout={layout} is not supported: tensors are strided"
                )
            result = function(*args, **kwargs)
            return result.pin_memory() if pin else result
        return function(*args, **kwargs)

    return call


def takes_pairs(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of two operands, of which one may be a complex tensor."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for each in args[:2]:
            if isinstance(each, Pairs):
                return each.of_function(function.__name__, args, kwargs)
        return function(*args, **kwargs)

    return call


def accept(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the other ways to call it, if there are any."""
    name = function.__name__
    if name in NUMBERS_FIRST:
        return numbers_first(function, NUMBERS_FIRST[name])
    if name in ("add", "sub", "mul", "div"):
        return takes_pairs(function)
    if name in TAKES_SIZE:
        function = takes_size(function)
    return takes_layout(function) if name in TAKES_LAYOUT else function


def number_and_tensor(other: Any, tensor: Any, name: str) -> tuple[Any, Any]:
    """(other, alpha) of ``add(input, alpha, other)``. Raises TypeError for anything else."""
    if isinstance(other, (int, float)) and len(tensor) == 1 and isinstance(tensor[0], Tensor):
        return tensor[0], other
    raise TypeError(
        f"{name}() takes an input and an other (and alpha=...), got {other!r:.60} and "
        f"{tensor!r:.60} beside the input"
    )
