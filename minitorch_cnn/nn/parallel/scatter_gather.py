"""Parts of a batch for several devices, and the results of all as one batch again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...ops.join import cat
from ...tensor import Tensor

__all__ = ["gather", "scatter", "scatter_kwargs"]


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list | tuple:
    """One part of the inputs for each device: tensors are cut along dim, all else is repeated.

    inputs: a tensor, or nested tuples, lists and dicts of them.

    >>> import minitorch_cnn as mt
    >>> mt.nn.parallel.scatter_gather.scatter({"x": mt.arange(5)}, ["cpu", "cpu"])
    [{'x': tensor([0, 1, 2])}, {'x': tensor([3, 4])}]
    """
    if isinstance(inputs, Tensor):
        parts = inputs.chunk(len(target_gpus), dim)
        return tuple(part.to(to) for part, to in zip(parts, target_gpus, strict=False))
    if isinstance(inputs, tuple | list | dict) and inputs:
        each = inputs.values() if isinstance(inputs, dict) else inputs
        columns = zip(*[scatter(value, target_gpus, dim) for value in each], strict=False)
        return [_like(inputs, column) for column in columns]
    return [inputs for _ in target_gpus]


def scatter_kwargs(
    inputs: tuple, kwargs: dict[str, Any] | None, target_gpus: Sequence[Any], dim: int = 0
) -> tuple[tuple, tuple]:
    """The arguments and the named arguments for each device: as many of the one as of the other."""
    positional = list(scatter(inputs, target_gpus, dim)) if inputs else []
    named = list(scatter(kwargs, target_gpus, dim)) if kwargs else []
    positional += [()] * (len(named) - len(positional))
    named += [{} for _ in range(len(positional) - len(named))]
    return tuple(positional), tuple(named)


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """The results of several devices as one, on target_device: tensors are joined along dim.

    outputs: a tensor for each device, or nested tuples, lists and dicts of them, all alike.
    Raises ValueError for dicts of different lengths.

    >>> import minitorch_cnn as mt
    >>> mt.nn.parallel.scatter_gather.gather([mt.ones(1, 2), mt.zeros(1, 2)], "cpu")
    tensor([[1., 1.],
            [0., 0.]])
    """
    first = outputs[0]
    if isinstance(first, Tensor):
        tensors = [x.to(target_device) for x in outputs]
        return cat([x.unsqueeze(0) if x.ndim == 0 else x for x in tensors], dim)
    if first is None:
        return None
    if isinstance(first, dict):
        if len({len(each) for each in outputs}) > 1:
            raise ValueError("All dicts must have the same number of keys")
        columns = [[each[key] for each in outputs] for key in first]
    else:
        columns = [list(column) for column in zip(*outputs, strict=True)]
    return _like(first, [gather(column, target_device, dim) for column in columns])


def _like(tree: Any, values: Any) -> Any:
    """A tuple, list or dict of the same kind with other values."""
    if isinstance(tree, dict):
        return type(tree)(zip(tree, values, strict=True))
    return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)
