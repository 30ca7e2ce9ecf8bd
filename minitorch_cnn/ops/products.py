"""Products of vectors, matrices and batches of matrices, all by way of one Function, MatMul."""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd.function import Function
from ..autograd.names import called
from ..tensor import Tensor, running, shape_text
from .common import same_device, sum_to
from .precision import half_precision
from .reduce import sum
from .shape import expand, mT, permute, reshape, unsqueeze

__all__ = [
    "matmul", "mm", "bmm", "mv", "dot", "outer", "addmm", "addmv", "baddbmm", "trace",
    "tensordot", "ger",
]  # fmt: skip


class MatMul(Function):
    """Y = A B for matrices in the last two axes; the axes before them broadcast"""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return running(kernels.matmul(a.arriving, b.arriving))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        # dL/dA = gY B^T and dL/dB = A^T gY: the only products whose shapes fit.
        a, b = ctx.saved_tensors
        ga = gb = None
        if ctx.needs_input_grad[0]:
            ga = sum_to(MatMul.apply(gy, mT(b)), a.shape)
        if ctx.needs_input_grad[1]:
            gb = sum_to(MatMul.apply(mT(a), gy), b.shape)
        return ga, gb


def check_pair(name: str, a: Any, b: Any) -> None:
    for each in (a, b):
        if not isinstance(each, Tensor):
            raise TypeError(f"{name}(): expected tensors, got {type(each).__name__}")
    same_device(a, b)
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: expected m1 and m2 to have the same dtype, but got: {a.dtype} != {b.dtype}; "
            "convert one of them with .to(dtype)"
        )


def _product(name: str, a: Tensor, b: Tensor) -> Tensor:
    """MatMul of two tensors with at least two axes, after checking that they fit."""
    if a.shape[-1] != b.shape[-2]:
        shapes = f"{'x'.join(map(str, a.shape))} and {'x'.join(map(str, b.shape))}"
        raise RuntimeError(f"{name}: mat1 and mat2 shapes cannot be multiplied ({shapes})")
    for m, n in zip(reversed(a.shape[:-2]), reversed(b.shape[:-2]), strict=False):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"{name}: the batch dimensions of {shape_text(a.shape)} and "
                f"{shape_text(b.shape)} do not broadcast"
            )
    return MatMul.apply(a, b)


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The matrix product (``input @ other``).

    (n, m) @ (m, p) is (n, p). A vector on the left is a row, on the right a column, and that
    axis disappears from the result; two vectors give their dot product. Axes before the last
    two are batches of matrices, and broadcast. Raises RuntimeError for shapes or dtypes that do not
    fit and for a 0-d tensor, TypeError for anything but tensors.

    >>> import minitorch_cnn as mt
    >>> a = mt.tensor([[1, 2], [3, 4]])
    >>> a @ a, a @ mt.tensor([1, 1])
    (tensor([[ 7, 10],
            [15, 22]]), tensor([3, 7]))
    """
    input, other = half_precision(input, other)
    check_pair("matmul", input, other)
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            "both arguments to matmul need to be at least 1D, but they are "
            f"{input.ndim}D and {other.ndim}D"
        )
    a = unsqueeze(input, 0) if input.ndim == 1 else input
    b = unsqueeze(other, 1) if other.ndim == 1 else other
    if b.ndim == 2 and a.ndim > 2:
        # One matrix for the whole batch: a single large product instead of many small ones.
        rows = reshape(a, (a.shape[:-1].numel(), a.shape[-1]))
        y = reshape(_product("matmul", rows, b), (*a.shape[:-1], b.shape[1]))
    else:
        y = _product("matmul", a, b)
    if other.ndim == 1:
        y = y.squeeze(-1)
    return y.squeeze(-1 if other.ndim == 1 else -2) if input.ndim == 1 else y


def _of_dims(name: str, *wanted: tuple[Tensor, int]) -> None:
    for tensor, ndim in wanted:
        if tensor.ndim != ndim:
            raise RuntimeError(
                f"{name}: {ndim}D tensors expected, but got shape {shape_text(tensor.shape)}"
            )


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices, without broadcasting: (n, m) and (m, p) give (n, p).

    Raises RuntimeError for other shapes and for two dtypes, TypeError for anything but tensors.

    >>> import minitorch_cnn as mt
    >>> mt.mm(mt.tensor([[1, 2], [3, 4]]), mt.tensor([[1], [1]]))
    tensor([[3],
            [7]])
    """
    input, mat2 = half_precision(input, mat2)
    check_pair("mm", input, mat2)
    _of_dims("mm", (input, 2), (mat2, 2))
    return _product("mm", input, mat2)


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two batches of matrices: (b, n, m) and (b, m, p) give (b, n, p).

    Raises RuntimeError for other shapes and for two dtypes, TypeError for anything but tensors.

    >>> import minitorch_cnn as mt
    >>> a = mt.tensor([[[1, 2]], [[3, 4]]])
    >>> mt.bmm(a, a.transpose(1, 2)).flatten()
    tensor([ 5, 25])
    """
    input, mat2 = half_precision(input, mat2)
    check_pair("bmm", input, mat2)
    _of_dims("bmm", (input, 3), (mat2, 3))
    if input.shape[0] != mat2.shape[0]:
        raise RuntimeError(
            f"bmm: batch sizes must be equal, got {shape_text(input.shape)} and "
            f"{shape_text(mat2.shape)}"
        )
    return _product("bmm", input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector: (n, m) and (m,) give (n,).

    Raises RuntimeError for other shapes and for two dtypes.

    >>> import minitorch_cnn as mt
    >>> mt.mv(mt.tensor([[1, 2], [3, 4]]), mt.tensor([1, 10]))
    tensor([21, 43])
    """
    _of_dims("mv", (input, 2), (vec, 1))
    return called(matmul(input, vec), "MvBackward0")


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The dot product of two vectors of one length: (n,) and (n,) give a 0-d tensor.

    Raises RuntimeError for other shapes and for two dtypes.

    >>> import minitorch_cnn as mt
    >>> mt.dot(mt.tensor([1, 2]), mt.tensor([3, 4]))
    tensor(11)
    """
    _of_dims("dot", (input, 1), (tensor, 1))
    if input.dtype is not tensor.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype} and "
            f"{tensor.dtype}"
        )
    if input.shape != tensor.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor {shape_text(input.shape)} and src "
            f"{shape_text(tensor.shape)} to have the same number of elements"
        )
    return matmul(input, tensor)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The matrix of all products input[i] * vec2[j]: (n,) and (m,) give (n, m).

    Raises RuntimeError for anything but vectors.

    >>> import minitorch_cnn as mt
    >>> mt.outer(mt.tensor([1, 2]), mt.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    _of_dims("outer", (input, 1), (vec2, 1))
    return unsqueeze(input, 1) * vec2


def weighted_sum(input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """beta * input + alpha * product, of the product's shape."""
    input, product = half_precision(input, product)
    for name, factor in (("beta", beta), ("alpha", alpha)):
        if isinstance(factor, float) and not product.dtype.is_floating_point:
            raise RuntimeError(
                f"For integral input tensors, argument {name} must not be a floating point "
                f"number, got {factor}"
            )
    if product.dtype is not input.dtype:
        raise RuntimeError(
            "Input dtypes must be the same: self and the matrices must have the same dtype, got "
            f"{input.dtype} and {product.dtype}"
        )
    input = expand(input, product.shape)
    product = product if alpha == 1 else product * alpha
    if beta == 0:  # as in torch, NaN in input does not matter then
        return product
    return (input if beta == 1 else input * beta) + product


def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta * input + alpha * mat1 @ mat2: (n, m) and (m, p) give (n, p), to which input broadcasts.

    Raises RuntimeError for shapes or dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.addmm(mt.tensor([100]), mt.tensor([[1, 2]]), mt.tensor([[3], [4]]), alpha=2)
    tensor([[122]])
    """
    return weighted_sum(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * mat @ vec: (n, m) and (m,) give (n,), to which input broadcasts.

    Raises RuntimeError for shapes or dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> mt.addmv(mt.tensor([100]), mt.tensor([[1, 2]]), mt.tensor([3, 4]), alpha=2)
    tensor([122])
    """
    return weighted_sum(input, mv(mat, vec), beta, alpha)


def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1
) -> Tensor:
    """beta * input + alpha * batch1 @ batch2, for batches of matrices.

    (b, n, m) and (b, m, p) give (b, n, p), to which input broadcasts. Raises RuntimeError for
    shapes or dtypes that do not fit.

    >>> import minitorch_cnn as mt
    >>> a = mt.tensor([[[1, 2]], [[3, 4]]])
    >>> mt.baddbmm(mt.tensor([100]), a, a.transpose(1, 2)).flatten()
    tensor([105, 125])
    """
    return weighted_sum(input, bmm(batch1, batch2), beta, alpha)


def trace(input: Tensor) -> Tensor:
    """The sum of a matrix's diagonal, (n, m) -> a 0-d tensor. Raises RuntimeError for other shapes.

    >>> import minitorch_cnn as mt
    >>> mt.trace(mt.tensor([[1, 2], [3, 4]]))
    tensor(5)
    """
    _of_dims("trace", (input, 2))
    return sum(input.diagonal())


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums over pairs of axes: the last `dims` of a with the first of b, or two lists of axes.

    (N, H, W) with (H, W, C) and dims 2 gives (N, C). An axis of length 1 counts for all positions
    of the other one. Raises RuntimeError if the lengths or dtypes do not fit, TypeError for
    anything but tensors.

    >>> import minitorch_cnn as mt
    >>> mt.tensordot(mt.ones(2, 3, 4), mt.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    minitorch_cnn.Size([2, 5])
    """
    a, b = half_precision(a, b)
    check_pair("tensordot", a, b)
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects 0 <= dims <= {min(a.ndim, b.ndim)}, got {dims}")
        of_a, of_b = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    else:
        of_a = [a._dim(each) for each in dims[0]]
        of_b = [b._dim(each) for each in dims[1]]
    if len(of_a) != len(of_b):
        raise RuntimeError(f"both dimension lists should have same length, got {of_a} and {of_b}")
    for first, second in zip(of_a, of_b, strict=True):
        # An axis of length 1 that meets a longer one counts for all of its positions.
        if a.shape[first] == 1 != b.shape[second]:
            b = sum(b, second, True)
        elif b.shape[second] == 1 != a.shape[first]:
            a = sum(a, first, True)
    summed_a = [a.shape[each] for each in of_a]
    summed_b = [b.shape[each] for each in of_b]
    if summed_a != summed_b:
        raise RuntimeError(
            f"contracted dimensions need to match, but first has size {summed_a} in dims {of_a} "
            f"and second has size {summed_b} in dims {of_b}"
        )
    free_a = [axis for axis in range(a.ndim) if axis not in of_a]
    free_b = [axis for axis in range(b.ndim) if axis not in of_b]
    shape_a, shape_b = [a.shape[each] for each in free_a], [b.shape[each] for each in free_b]
    count_a, count_b, summed = math.prod(shape_a), math.prod(shape_b), math.prod(summed_a)
    rows = reshape(permute(a, free_a + of_a), (count_a, summed))
    columns = reshape(permute(b, of_b + free_b), (summed, count_b))
    return reshape(MatMul.apply(rows, columns), (*shape_a, *shape_b))


ger = outer  # another name of the same function


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y_o = input1 weight_o input2 + bias_o, for each output o: a form for every pair of features.

    input1: (..., I); input2: (..., J); weight: (O, I, J); bias: (O,) or None. Returns (..., O).
    Raises RuntimeError, with the shapes, if they do not fit.

    >>> import minitorch_cnn as mt
    >>> x, y = mt.tensor([[1.0, 2.0]]), mt.tensor([[3.0, 4.0]])
    >>> mt.nn.functional.bilinear(x, y, mt.eye(2).unsqueeze(0))
    tensor([[11.]])
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            "bilinear(): input batch dimensions do not match: "
            f"got {shape_text(input1.shape)} and {shape_text(input2.shape)}"
        )
    if weight.ndim != 3 or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise RuntimeError(
            f"bilinear(): inputs of shapes {shape_text(input1.shape)} and "
            f"{shape_text(input2.shape)} do not fit weight {shape_text(weight.shape)} (outputs, "
            "features of input1, features of input2)"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"bilinear(): bias must have shape [{weight.shape[0]}], got {shape_text(bias.shape)}"
        )
    same_device(input1, input2, weight, bias)
    # One form for all outputs at once: (..., I) @ (I, O*J) -> (..., O, J), times input2.
    O, I, J = weight.shape
    forms = weight.permute(1, 0, 2).reshape(I, O * J)
    rows = (input1 @ forms).reshape(*input1.shape[:-1], O, J)
    y = (rows * input2.unsqueeze(-2)).sum(dim=-1)
    return y if bias is None else y + bias
