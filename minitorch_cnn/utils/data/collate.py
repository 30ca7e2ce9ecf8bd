"""From a list of samples to one batch of tensors."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ... import dtypes
from ...backend import array_module
from ...ops.creation import as_tensor, tensor
from ...ops.join import stack
from ...tensor import Tensor, wrap
from .dataset import ImageBatch


def default_collate(batch: Sequence[Any]) -> Any:
    """Samples -> batch, by the type of the first sample.

        tensors, NumPy arrays of one shape    one tensor with a new first axis
        float, int, bool                      a float64, int64, bool tensor of shape (B,)
        str, bytes                            a list, unchanged
        dict, or another mapping              one of the same kind: each key collated by itself
        named tuple; tuple, list              a named tuple; a list: each field collated by itself
        ImageBatch                            uint8 images (B, H, W, C) and int64 labels (B,)

    Raises TypeError for other types (with a transform to tensors missing, that is usually a PIL
    image), RuntimeError where samples differ in shape or in their number of fields.

    >>> import minitorch_cnn as mt
    >>> samples = [(mt.zeros(3, 8, 8), 5), (mt.ones(3, 8, 8), 7)]
    >>> images, labels = mt.utils.data.default_collate(samples)
    >>> images.shape, labels
    (minitorch_cnn.Size([2, 3, 8, 8]), tensor([5, 7]))
    """
    if isinstance(batch, ImageBatch):
        return [wrap(batch.images), wrap(batch.labels)]
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack(batch)
    if isinstance(first, (str, bytes)):  # before NumPy's kinds, of which one is a str too
        return batch
    if isinstance(first, (np.ndarray, np.generic)):
        if first.dtype.kind in "SUO":
            raise TypeError(f"default_collate: cannot make a tensor of NumPy type {first.dtype}")
        if isinstance(first, np.generic):
            return tensor(batch, device="cpu")
        return _stack([wrap(np.asarray(array)) for array in batch])
    if isinstance(first, float):
        return tensor(batch, dtype=dtypes.float64, device="cpu")
    if isinstance(first, int):
        return tensor(batch, device="cpu")  # also where new tensors are made on a GPU
    if isinstance(first, Mapping):
        columns = {key: default_collate([sample[key] for sample in batch]) for key in first}
        return _mapping_like(first, columns)
    if isinstance(first, Sequence):
        lengths = {len(sample) for sample in batch}
        if len(lengths) > 1:
            raise RuntimeError(
                "each element in list of batch should be of equal size, "
                f"but the samples have {sorted(lengths)} fields"
            )
        fields = [default_collate(field) for field in zip(*batch, strict=True)]
        return type(first)(*fields) if hasattr(first, "_fields") else _list_like(first, fields)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )


def default_convert(data: Any) -> Any:
    """NumPy arrays inside a sample -> tensors, everything else unchanged (`batch_size=None`).

    Arrays of any shape; looks into dicts, lists and tuples (which become lists). The tensors share
    the arrays' memory; arrays of text stay arrays. Never raises.

    >>> import minitorch_cnn as mt
    >>> import numpy as np
    >>> mt.utils.data.default_convert({"image": np.array([1, 2]), "name": "cat"})
    {'image': tensor([1, 2]), 'name': 'cat'}
    """
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in "SUO":
        return as_tensor(np.asarray(data), device="cpu")
    if isinstance(data, Mapping):
        return _mapping_like(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*[default_convert(value) for value in data])
    if isinstance(data, (tuple, list)):
        return [default_convert(value) for value in data]
    return data


def pinned(batch: Any) -> Any:
    """The batch with every tensor on the host copied to pinned memory.

    Pinned memory stays where it is, so a GPU can fetch from it while the program goes on. Looks
    into dicts, lists and tuples; everything else is unchanged.

    >>> pinned(["cat", 3])  # no tensor in it
    ['cat', 3]
    """
    if isinstance(batch, Tensor):
        return batch if batch.is_cuda else batch.pin_memory()
    if isinstance(batch, Mapping):
        return _mapping_like(batch, {key: pinned(batch[key]) for key in batch})
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*[pinned(value) for value in batch])
    if isinstance(batch, (tuple, list)):
        return type(batch)([pinned(value) for value in batch])
    return batch


def _mapping_like(original: Mapping, values: dict) -> Any:
    """The values in a mapping of the original's kind: an OrderedDict stays one."""
    if type(original) is dict:
        return values
    try:
        if not isinstance(original, MutableMapping):
            return type(original)(values)  # type: ignore[call-arg]
        changed = copy.copy(original)
        for key, value in values.items():
            changed[key] = value
        return changed
    except TypeError:  # a class that cannot be made so, or takes no other values
        return values


def _list_like(original: Any, values: list) -> Any:
    """The values in a sequence of the original's kind: a deque stays one, a tuple gets a list."""
    if type(original) is list or not isinstance(original, MutableSequence):
        return values
    try:
        changed = copy.copy(original)
        for position, value in enumerate(values):
            changed[position] = value
        return changed
    except TypeError:  # a bytearray takes no tensors
        return values


def _stack(tensors: Sequence[Any]) -> Tensor:
    first = tensors[0]
    for number, other in enumerate(tensors):
        if not isinstance(other, Tensor):
            raise TypeError(
                "default_collate: sample 0 is a tensor or an array, but sample "
                f"{number} is {type(other).__name__}"
            )
        if other.shape != first.shape:
            raise RuntimeError(
                "default_collate: samples must have the same shape to form a batch, but sample 0 "
                f"has {list(first.shape)} and sample {number} has {list(other.shape)}; resize "
                "them or give DataLoader a collate_fn"
            )
    if any(other.requires_grad or other.dtype != first.dtype for other in tensors):
        return stack(tensors)  # with its gradient, and torch's common type
    return wrap(array_module(first.array).stack([other.array for other in tensors]))
