"""Sequences of different lengths in one batch: padded with zeros, or packed without them.

Packed, the batch lies step by step: first the first element of every sequence, then the second of
all that have one, ... With the longest sequence first, each step has the first rows of the batch:

    a b c        data a d f b e c
    d e      ->  batch_sizes 3 2 1
    f
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .. import dtypes
from ..ops.creation import from_numpy, full, tensor
from ..ops.join import cat
from ..ops.shape import reshape
from ..tensor import Tensor, shape_text

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence(NamedTuple):
    """data (total_length, ...), batch_sizes (T,), and how the batch was sorted, or None.

    Made by `pack_padded_sequence` and `pack_sequence`, taken and returned by `LSTM` and the others.
    """

    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None = None
    unsorted_indices: Tensor | None = None

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same with its data on another device or of another dtype."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else self._replace(data=data)

    def cpu(self) -> PackedSequence:
        return self.to("cpu")

    def cuda(self) -> PackedSequence:
        return self.to("cuda")

    def double(self) -> PackedSequence:
        return self.to(dtypes.float64)

    def float(self) -> PackedSequence:
        return self.to(dtypes.float32)

    def half(self) -> PackedSequence:
        return self.to(dtypes.float16)

    def long(self) -> PackedSequence:
        return self.to(dtypes.int64)

    def int(self) -> PackedSequence:
        return self.to(dtypes.int32)

    def short(self) -> PackedSequence:
        return self.to(dtypes.int16)

    def char(self) -> PackedSequence:
        return self.to(dtypes.int8)

    def byte(self) -> PackedSequence:
        return self.to(dtypes.uint8)

    def is_pinned(self) -> bool:
        return self.data.is_pinned()

    def pin_memory(self) -> PackedSequence:
        return self._replace(data=self.data.pin_memory())


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation (N,) that undoes this one; None stays None."""
    return None if permutation is None else permutation.argsort()


def _places(batch_sizes: np.ndarray) -> Tensor:
    """Where the rows of a packed sequence are among T * N rows of a padded one."""
    n = int(batch_sizes[0])
    rows = [np.arange(int(size)) + t * n for t, size in enumerate(batch_sizes)]
    return from_numpy(np.concatenate(rows))


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Packs input (T, N, ...), or (N, T, ...) with batch_first, of which lengths (N,) count.

    enforce_sorted: lengths must fall; False sorts them. Raises RuntimeError for lengths that do not
    fit or are not sorted.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[1.0, 2.0], [3.0, 0.0]])
    >>> packed = mt.nn.utils.rnn.pack_padded_sequence(x, [2, 1], batch_first=True)
    >>> packed.data, packed.batch_sizes
    (tensor([1., 3., 2.]), tensor([2, 1]))
    """
    lengths = np.asarray(lengths.cpu().numpy() if isinstance(lengths, Tensor) else lengths)
    if input.numel() == 0:
        raise RuntimeError(f"Cannot pack an empty tensor, got shape {shape_text(input.shape)}")
    x = input.transpose(0, 1) if batch_first else input
    if lengths.ndim != 1 or len(lengths) != x.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.size} "
            f"(batch_size={x.shape[1]})"
        )
    if not (lengths > 0).all():
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-lengths, kind="stable")
        lengths = lengths[order]
        x = x.index_select(1, from_numpy(order).to(x.device))
    elif (np.diff(lengths) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            f"sidestep this requirement. lengths: {lengths.tolist()}"
        )
    steps = int(lengths[0])
    if steps > x.shape[0]:
        raise RuntimeError(f"lengths has {steps}, but input has only {x.shape[0]} steps")
    sizes = (lengths[None, :] > np.arange(steps)[:, None]).sum(1)
    rows = reshape(x[:steps], (steps * x.shape[1], *x.shape[2:]))
    data = rows.index_select(0, _places(sizes).to(x.device))
    indices = None if order is None else from_numpy(order).to(x.device)
    return PackedSequence(data, from_numpy(sizes), indices, invert_permutation(indices))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(padded, lengths): (T, N, ...), or (N, T, ...) with batch_first, and (N,).

    total_length: T, at least that of the longest. Raises ValueError if it is less.

    >>> import minitorch_cnn as mt
    >>> rnn = mt.nn.utils.rnn
    >>> packed = rnn.pack_sequence([mt.ones(2), mt.ones(1)])
    >>> rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1., 1.],
            [1., 0.]]), tensor([2, 1]))
    """
    data, sizes = sequence.data, sequence.batch_sizes.numpy()
    n, steps = int(sizes[0]), len(sizes)
    if total_length is not None and total_length < steps:
        raise ValueError(
            f"Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {steps}"
        )
    length = total_length or steps
    rest = data.shape[1:]
    padded = full((length * n, *rest), padding_value, dtype=data.dtype, device=data.device)
    padded = padded.index_copy(0, _places(sizes).to(data.device), data).reshape(length, n, *rest)
    lengths = from_numpy((sizes[None, :] > np.arange(n)[:, None]).sum(1))
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths.index_select(0, sequence.unsorted_indices.cpu())
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L, ...) of any lengths in one tensor (T, N, ...), (N, T, ...) with batch_first.

    padding_side: "right" or "left". Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.rnn.pad_sequence([mt.ones(2), mt.ones(1)], batch_first=True)
    tensor([[1., 1.],
            [1., 0.]])
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}"
        )
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if any(each.shape[1:] != sequences[0].shape[1:] for each in sequences):
        shapes = ", ".join(shape_text(each.shape) for each in sequences)
        raise RuntimeError(f"sequences must agree in all dimensions but the first, got {shapes}")
    longest = max(len(each) for each in sequences)
    columns = []
    for each in sequences:
        missing = (longest - len(each), *each.shape[1:])
        filling = full(missing, padding_value, dtype=each.dtype, device=each.device)
        parts = [each, filling] if padding_side == "right" else [filling, each]
        columns.append(cat(parts).unsqueeze(0 if batch_first else 1))
    return cat(columns, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences (L, ...) in a padded tensor, for lengths (N,). The inverse of `pad_sequence`.

    Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.rnn.unpad_sequence(mt.ones(2, 2), mt.tensor([2, 1]), batch_first=True)
    [tensor([1., 1.]), tensor([1.])]
    """
    padded = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(padded.unbind(), lengths.tolist(), strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences (L, ...). Errors as `pack_padded_sequence`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.utils.rnn.pack_sequence([mt.tensor([1, 2]), mt.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = tensor([len(each) for each in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (L, ...) that were packed. Never raises.

    >>> import minitorch_cnn as mt
    >>> rnn = mt.nn.utils.rnn
    >>> rnn.unpack_sequence(rnn.pack_sequence([mt.tensor([1, 2]), mt.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
