"""The transforms' functions for what is beside an image: masks and boxes (tv_tensors).

Each function is written for PIL images and tensors. `for_all_kinds` makes it take the others too:
an `Image` comes back as one, a mask is moved without mixing its numbers, boxes are moved by
boxes.py, and both stay as they are where only colours change.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from .. import tv_tensors
from ..tensor import Tensor
from ..tv_tensors import BoundingBoxes, Mask, TVTensor
from .image import InterpolationMode

Function = TypeVar("Function", bound=Callable[..., Any])

# The functions that move pixels; all others only change colours.
CROPS = ("resize", "crop", "center_crop", "resized_crop", "five_crop", "ten_crop", "pad")
MOVING = (*CROPS, "hflip", "vflip", "rotate", "affine", "perspective", "elastic_transform")


def for_all_kinds(function: Function) -> Function:
    """The function, for all of tv_tensors too.

    >>> import minitorch_cnn as mt
    >>> mask = mt.tv_tensors.Mask([[0, 1, 2]])
    >>> mt.transforms.functional.hflip(mask).tolist()
    [[2, 1, 0]]
    """

    @functools.wraps(function)
    def call(img: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(img, TVTensor):
            return function(img, *args, **kwargs)
        name = function.__name__
        if isinstance(img, Mask | BoundingBoxes):
            if name not in MOVING:
                return img
            bound = inspect.signature(function).bind(img, *args, **kwargs)
            bound.apply_defaults()
            if isinstance(img, BoundingBoxes):
                from .boxes import move_boxes  # here, since it uses the functions itself

                return move_boxes(name, *bound.arguments.values())
            if "interpolation" in bound.arguments:
                bound.arguments["interpolation"] = InterpolationMode.NEAREST
            args, kwargs = bound.args[1:], bound.kwargs
        result = function(tv_plain(img), *args, **kwargs)
        if isinstance(result, tuple):
            return tuple(tv_tensors.wrap(each, like=img) for each in result)
        return tv_tensors.wrap(result, like=img)

    return call  # type: ignore[return-value]


def tv_plain(img: Tensor) -> Tensor:
    """The same as a plain tensor, in the same memory.

    >>> type(tv_plain(tv_tensors.Mask([[1]]))).__name__
    'Tensor'
    """
    return img.view(img.shape)
