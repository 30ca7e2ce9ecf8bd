"""Other shapes for the same elements: reshape, permute, expand, ... mostly views.

A view is a second window on the same memory, so it costs nothing and writing into it changes the
original. Each view here is a ViewFunction (see autograd/function.py), and its gradient is the
same rearrangement backwards.
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import numpy as np

from .. import dtypes, kernels
from ..autograd.function import Function, ViewFunction
from ..autograd.names import called
from ..backend import array_module, inverse_order
from ..tensor import Size, Tensor, running, shape_text, wrap
from .arguments import as_int
from .common import check_broadcast, sum_to

__all__ = [
    "reshape", "flatten", "ravel", "unflatten", "squeeze", "unsqueeze", "permute", "transpose",
    "swapaxes", "swapdims", "t", "movedim", "moveaxis", "broadcast_to", "broadcast_shapes",
    "broadcast_tensors", "tile",
]  # fmt: skip


def int_tuple(args: tuple, function: str, name: str) -> tuple[int, ...]:
    """Sizes or dimensions given one by one or as one sequence: f(2, 3) and f((2, 3))."""
    if len(args) == 1 and isinstance(args[0], tuple | list):
        args = tuple(args[0])
    return tuple([each if type(each) is int else as_int(function, name, each) for each in args])


# ------------------------------------------------------------------------------ view, reshape


class Reshape(ViewFunction):
    """y = the elements of x in another shape, in the same memory"""

    @staticmethod
    def view(array: Any, shape: tuple[int, ...]) -> Any:
        return array.reshape(shape)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return reshape(gy, ctx.shape), None


class ReshapedCopy(Function):
    """y = the elements of x in another shape, in new memory"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        ctx.shape = x.shape
        return running(kernels.contiguous(x.arriving).reshape(shape))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return reshape(gy, ctx.shape), None


def can_view(array: Any, shape: tuple[int, ...]) -> bool:
    """True if `array` can take that shape without moving an element.

    Neighbouring dimensions that step through memory evenly form a block, which may be cut up in
    any other way. So each block must be a product of consecutive new dimensions.

    >>> import numpy as np
    >>> x = np.zeros((2, 3, 4))
    >>> can_view(x[:, :2], (2, 8)), can_view(x[:, :2], (4, 4)), can_view(x.T, (24,))
    (True, False, False)
    """
    if array.flags.c_contiguous or array.size == 0:
        return True
    blocks: list[int] = []
    expected_stride = None
    for length, stride in zip(reversed(array.shape), reversed(array.strides), strict=True):
        if length == 1:
            continue
        if stride == expected_stride:
            blocks[-1] *= length
        else:
            blocks.append(length)
        expected_stride = stride * length
    for length in reversed(shape):
        while blocks and blocks[-1] == 1:
            blocks.pop()
        if length == 1:
            continue
        if blocks[0] == 1:
            blocks.pop(0)
        if blocks[0] % length:
            return False
        blocks[0] //= length
    return True


def complete_shape(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """`shape` with its -1, if there is one, replaced so that it holds `size` elements."""
    if math.prod(shape) == size and min(shape, default=0) >= 0:
        return shape
    known = math.prod(length for length in shape if length != -1)
    unknown = shape.count(-1)
    if unknown > 1:
        raise RuntimeError(f"only one dimension can be inferred, got shape {shape_text(shape)}")
    negative = any(length < -1 for length in shape)
    if unknown and known == 0 and size == 0:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {shape_text(shape)} because the "
            "unspecified dimension size -1 can be any value and is ambiguous"
        )
    if negative or (size % known if unknown and known else known != size):
        raise RuntimeError(f"shape '{shape_text(shape)}' is invalid for input of size {size}")
    return tuple(size // known if length == -1 else length for length in shape)


def reshape(input: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape: a view if the memory layout allows it, else a copy.

    One length may be -1: it follows from the others, as in (N, C, H, W) -> (N, -1). Raises
    RuntimeError if the number of elements is not the same.

    >>> import minitorch_cnn as mt
    >>> mt.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    given = sizes if shape is None else (*sizes, shape)
    array = input.arriving
    lengths = complete_shape(int_tuple(given, "reshape", "shape"), array.size)
    operation = Reshape if can_view(array, lengths) else ReshapedCopy
    return operation.apply(input, lengths)


def view(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """The same memory in another shape, such as (N, C, H, W) -> (N, -1), or read as another dtype.

    Raises RuntimeError if the layout in memory does not allow it; `reshape` copies then.
    Activations may lie in memory channels-last, which torch's programs do not expect of a
    convolution's result: where that alone is in the way, the memory is brought into the usual
    order first, for all views that are taken from then on.

    >>> import minitorch_cnn as mt
    >>> x = mt.zeros(2, 2)
    >>> y = x.view(4)
    >>> y[3] = 7
    >>> x
    tensor([[0., 0.],
            [0., 7.]])
    """
    given = (*sizes, *(each for each in (size, dtype) if each is not None))
    if len(given) == 1 and isinstance(given[0], dtypes.dtype):
        return _view_as_type(input, given[0])
    array = input.arriving
    lengths = complete_shape(int_tuple(given, "view", "size"), array.size)
    if not can_view(array, lengths):
        input.lay_out_by_rows()
    if not can_view(input.array, lengths):
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one "
            "dimension spans across two contiguous subspaces). Use .reshape(...) instead. "
            f"Shape {shape_text(input.shape)}, stride {input.stride()}, "
            f"view {shape_text(lengths)}"
        )
    return Reshape.apply(input, lengths)


def _view_as_type(input: Tensor, kind: dtypes.dtype) -> Tensor:
    if input.requires_grad:
        raise NotImplementedError("view(dtype) of a tensor that requires grad: use detach() first")
    if kind.itemsize != input.itemsize and input.ndim == 0:
        raise RuntimeError(
            f"self.dim() cannot be 0 to view {input.dtype} as {kind} (different element sizes)"
        )
    try:
        array = input.array.view(kind.numpy)
    except ValueError as error:
        raise RuntimeError(f"cannot view {input.dtype} as {kind}: {error}") from None
    result = wrap(array)
    result._memory = input._memory
    return result


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`view` in the shape of another tensor: (N, C, H, W), say. Raises as `view` does.

    >>> import minitorch_cnn as mt
    >>> mt.arange(4).view_as(mt.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor: (N, C, H, W), say. Raises as `reshape` does.

    >>> import minitorch_cnn as mt
    >>> mt.arange(4).reshape_as(mt.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return reshape(input, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim to end_dim (inclusive) made into one: (N, C, H, W), 1 -> (N, C*H*W).

    A view where possible, as in `reshape`. Raises RuntimeError if start_dim comes after end_dim,
    IndexError for one that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3, 4).flatten(1).shape
    minitorch_cnn.Size([2, 12])
    """
    start, end = input._dim(start_dim), input._dim(end_dim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = input.shape
    if input.ndim > 0 and start == end:
        return input
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension: (N, C) -> (N*C,), contiguous; a view where that can be.

    Never raises.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).ravel()
    tensor([1, 2, 3, 4])
    """
    return flatten(input).contiguous()


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension made into several; one of the sizes may be -1: (N, C*H), 1 -> (N, C, H).

    Raises RuntimeError if the sizes do not multiply to its length, IndexError for a dimension that
    does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 12).unflatten(1, (3, -1)).shape
    minitorch_cnn.Size([2, 3, 4])
    """
    dim = input._dim(dim)
    shape = input.shape
    sizes = complete_shape(int_tuple((sizes,), "unflatten", "sizes"), shape[dim])
    return reshape(input, (*shape[:dim], *sizes, *shape[dim + 1 :]))


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of length 1, as a view: all of them, or those of `dim` of length 1.

    (N, 1, L) -> (N, L). Raises IndexError for a dim that does not exist; one that is longer stays.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(1, 3, 1).squeeze().shape, mt.zeros(1, 3, 1).squeeze(-1).shape
    (minitorch_cnn.Size([3]), minitorch_cnn.Size([1, 3]))
    """
    if dim is None:
        dims = set(range(input.ndim))
    else:
        given = [input._dim(each) for each in int_tuple((dim,), "squeeze", "dim")]
        dims = set(given)
        if len(dims) != len(given):
            raise RuntimeError(f"squeeze: dim {shape_text(dim)} names a dimension twice")
    kept = (n for i, n in enumerate(input.array.shape) if n != 1 or i not in dims)
    return called(Reshape.apply(input, tuple(kept)), f"SqueezeBackward{0 if dim is None else 1}")


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dimension of length 1 at position `dim`, as a view: (N, L), 1 -> (N, 1, L).

    Raises IndexError for a position that cannot be.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(3, 4).unsqueeze(1).shape
    minitorch_cnn.Size([3, 1, 4])
    """
    count = input.ndim + 1
    if not -count <= dim < count:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], "
            f"but got {dim})"
        )
    dim %= count
    shape = input.array.shape
    return called(Reshape.apply(input, (*shape[:dim], 1, *shape[dim:])), "UnsqueezeBackward0")


# ---------------------------------------------------------------------------- order of the axes


class Permute(ViewFunction):
    """y = x with its axes in another order: axis i of y is axis dims[i] of x"""

    @staticmethod
    def view(array: Any, dims: tuple[int, ...]) -> Any:
        return array.transpose(dims)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (dims,) = ctx.args
        return Permute.apply(gy, tuple(inverse_order(dims))), None


def permute(input: Tensor, *axes: Any, dims: Any = None) -> Tensor:
    """The axes in another order, as a view: permute(x, 1, 0) or permute(x, (1, 0)).

    (N, C, H, W) with 0, 2, 3, 1 gives (N, H, W, C). Raises RuntimeError unless every axis is named
    once, IndexError for one that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3, 4).permute(2, 0, 1).shape
    minitorch_cnn.Size([4, 2, 3])
    """
    order = given = int_tuple(axes if dims is None else (dims,), "permute", "dims")
    if len(order) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the "
            f"length of the desired ordering of dimensions i.e. input.dim() = {input.ndim} is "
            f"not equal to len(dims) = {len(order)}"
        )
    order = tuple([input._dim(each) for each in order])
    if len(set(order)) != len(order):
        raise RuntimeError(f"permute(): duplicate dims are not allowed, got {shape_text(given)}")
    return Permute.apply(input, order)


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two axes exchanged, as a view: (N, C, L) with 1, 2 -> (N, L, C).

    Raises IndexError for an axis that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).transpose(0, 1)
    tensor([[1, 3],
            [2, 4]])
    """
    first, second = input._dim(dim0), input._dim(dim1)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = order[second], order[first]
    return called(Permute.apply(input, tuple(order)), "TransposeBackward0")


swapdims = transpose


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` with NumPy's names: a view of a tensor of any shape, two dimensions exchanged.

    Raises IndexError for a dimension that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3).swapaxes(axis0=0, axis1=1).shape
    minitorch_cnn.Size([3, 2])
    """
    return transpose(input, axis0, axis1)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, (n, m) -> (m, n); vectors and 0-d tensors stay as they are.

    A view. Raises RuntimeError for more than 2 dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).t()
    tensor([[1, 3],
            [2, 4]])
    """
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    turned = transpose(input, 0, 1) if input.ndim == 2 else transpose(input, 0, 0)
    return called(turned, "TBackward0")


def T(input: Tensor) -> Tensor:
    """All axes in reverse order, (N, C) -> (C, N): the property ``x.T``, a view.

    Never raises. Warns, as torch does, of a tensor that is no matrix.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3).T.shape
    minitorch_cnn.Size([3, 2])
    """
    if input.ndim != 2:
        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
            "deprecated: take `x.mT` to transpose batches of matrices, or "
            "`x.permute(*range(x.ndim)[::-1])` to reverse the dimensions.",
            stacklevel=2,
        )
    return Permute.apply(input, tuple(reversed(range(input.ndim))))


def mT(input: Tensor) -> Tensor:
    """The last two axes exchanged, (..., n, m) -> (..., m, n): the property ``x.mT``, a view.

    Raises RuntimeError for fewer than 2 dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3, 4).mT.shape
    minitorch_cnn.Size([2, 4, 3])
    """
    if input.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices, got a {input.ndim}-D tensor")
    return transpose(input, -2, -1)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other positions, as a view; the rest keep their order.

    (N, C, H, W) with 1, -1 gives (N, H, W, C). Raises RuntimeError if an axis is named twice or
    there are not as many targets, IndexError for one that does not exist.

    >>> import minitorch_cnn as mt
    >>> mt.zeros(2, 3, 4).movedim(0, -1).shape
    minitorch_cnn.Size([3, 4, 2])
    """
    sources = [input._dim(each) for each in int_tuple((source,), "movedim", "source")]
    targets = [input._dim(each) for each in int_tuple((destination,), "movedim", "destination")]
    if len(sources) != len(targets):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source and destination must have the "
            f"same number of elements, got {source} and {destination}"
        )
    for name, dims in (("source", sources), ("destination", targets)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{name}` ({dims})")
    rest = iter([dim for dim in range(input.ndim) if dim not in sources])
    at = dict(zip(targets, sources, strict=True))
    order = [at[dim] if dim in at else next(rest) for dim in range(input.ndim)]
    return Permute.apply(input, tuple(order))


moveaxis = movedim

# ------------------------------------------------------------------------------ more elements


class Expand(ViewFunction):
    """y = x repeated along new axes and those of length 1, without copying"""

    @staticmethod
    def view(array: Any, shape: tuple[int, ...]) -> Any:
        return array_module(array).broadcast_to(array, shape)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return sum_to(gy, ctx.shape), None


def expand(input: Tensor, *sizes: Any, size: Any = None) -> Tensor:
    """A view that repeats new leading axes and axes of length 1; -1 keeps a length.

    (N, 1) with -1, L gives (N, L), without copying. Raises RuntimeError for an axis of another
    length than 1, and for fewer sizes than there are axes.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1], [2]]).expand(-1, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    wanted = int_tuple(sizes if size is None else (*sizes, size), "expand", "size")
    extra = len(wanted) - input.ndim
    old = (None,) * extra + tuple(input.array.shape)
    if extra < 0:
        raise RuntimeError(
            f"expand: the number of sizes provided ({len(wanted)}) must be greater or equal to "
            f"the number of dimensions in the tensor ({input.ndim})"
        )
    shape = []
    for dim, (new, length) in enumerate(zip(wanted, old, strict=True)):
        if new == -1 and length is not None:
            new = length
        if new < 0 or (length is not None and new != length and length != 1):
            raise RuntimeError(
                f"The expanded size of the tensor ({new}) must match the existing size "
                f"({length}) at non-singleton dimension {dim}. Target sizes: "
                f"{shape_text(wanted)}. Tensor sizes: {shape_text(input.shape)}"
            )
        shape.append(new)
    return Expand.apply(input, tuple(shape))


broadcast_to = expand


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """`expand` to the shape of another tensor: (1, L) like (N, L), say. Raises as `expand` does.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1], [2]]).expand_as(mt.zeros(2, 3))
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    return expand(input, other.shape)


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which all of these broadcast: (N, 1) and (L,) give (N, L).

    Raises RuntimeError if there is none.

    >>> import minitorch_cnn as mt
    >>> mt.broadcast_shapes((2, 1), (3,))
    minitorch_cnn.Size([2, 3])
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise RuntimeError(
            "Shape mismatch: objects cannot be broadcast to a single shape: "
            f"{', '.join(shape_text(shape) for shape in shapes)}"
        ) from error


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors expanded to their common shape, as views: (N, 1) and (L,) give two of (N, L).

    Raises RuntimeError if there is none.

    >>> import minitorch_cnn as mt
    >>> mt.broadcast_tensors(mt.tensor([[1], [2]]), mt.tensor([3, 4]))[1]
    tensor([[3, 4],
            [3, 4]])
    """
    for pair in itertools.combinations(tensors, 2):
        check_broadcast(*pair)
    shape = broadcast_shapes(*(each.shape for each in tensors))
    return tuple(expand(each, shape) for each in tensors)


def repeat(input: Tensor, *sizes: Any, repeats: Any = None) -> Tensor:
    """Copies of the tensor side by side: repeats[i] times along axis i, (N, L) -> (r*N, s*L).

    More repeats than axes add leading ones. Raises RuntimeError for fewer repeats than axes.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = int_tuple(sizes if repeats is None else (*sizes, repeats), "repeat", "repeats")
    if len(times) < input.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions "
            f"of tensor: {shape_text(times)} for shape {shape_text(input.shape)}"
        )
    # Each axis n becomes (times, n): a new axis to expand, then both are merged.
    shape = (1,) * (len(times) - input.ndim) + tuple(input.array.shape)
    apart = [length for n in shape for length in (1, n)]  # (1, n0, 1, n1, ...)
    copies = [length for r, n in zip(times, shape, strict=True) for length in (r, n)]
    merged = [r * n for r, n in zip(times, shape, strict=True)]
    y = reshape(expand(reshape(input, apart), copies), merged).contiguous()
    return called(y, "RepeatBackward0")


def tile(input: Tensor, *repeats: Any, dims: Any = None) -> Tensor:
    """As `repeat`, but missing leading repeats count as 1: (N, L) with s -> (N, s*L).

    Raises RuntimeError for negative repeats.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([[1, 2], [3, 4]]).tile(2)
    tensor([[1, 2, 1, 2],
            [3, 4, 3, 4]])
    """
    times = int_tuple(repeats if dims is None else (dims,), "tile", "dims")
    return repeat(input, (1,) * (input.ndim - len(times)) + times)
