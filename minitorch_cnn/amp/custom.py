"""Functions of one's own under autocast: what `forward` computes in, and `backward` after it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..ops import precision
from ..tensor import Tensor
from .autocast_mode import autocast


def _cast(value: Any, device: str, dtype: Any) -> Any:
    if isinstance(value, Tensor):
        fits = value.device.type == device and value.is_floating_point()
        return value.to(dtype) if fits and value.dtype.itemsize < 8 else value
    if isinstance(value, dict):
        return {name: _cast(each, device, dtype) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_cast(each, device, dtype) for each in value)
    return value


def custom_fwd(
    fwd: Callable | None = None, *, device_type: str = "cuda", cast_inputs: Any = None
) -> Callable:
    """A decorator for `forward` of a `Function`, which says how it behaves under autocast.

    Without cast_inputs, forward runs as it is called, and `custom_bwd` makes backward run the same
    way. With a dtype, floating tensors of that device (float64 excepted) are cast to it, and
    autocast is off inside. Outside of autocast nothing changes. Never raises.

    >>> import minitorch_cnn as mt
    >>> class Double(mt.autograd.Function):
    ...     @staticmethod
    ...     @mt.amp.custom_fwd(device_type="cpu", cast_inputs=mt.float32)
    ...     def forward(ctx, x):
    ...         return x * 2
    >>> with mt.autocast("cpu", dtype=mt.float16):
    ...     Double.apply(mt.ones(1).half()).dtype
    minitorch_cnn.float32
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        dtype = precision.state.fast.get(device_type)
        ctx.autocast_of_forward = None if cast_inputs is not None else dtype
        if cast_inputs is None or dtype is None:
            return fwd(ctx, *args, **kwargs)
        args, kwargs = (_cast(each, device_type, cast_inputs) for each in (args, kwargs))
        with autocast(device_type, enabled=False):
            return fwd(ctx, *args, **kwargs)

    return forward


def custom_bwd(bwd: Callable | None = None, *, device_type: str = "cuda") -> Callable:
    """A decorator for `backward` of a `Function`: it runs under the autocast of its `forward`.

    forward must have `custom_fwd`. Never raises.

    >>> import minitorch_cnn as mt
    >>> callable(mt.amp.custom_bwd(device_type="cuda"))
    True
    """
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any) -> Any:
        dtype = ctx.autocast_of_forward
        with autocast(device_type, dtype=dtype, enabled=dtype is not None):
            return bwd(ctx, *args)

    return backward
