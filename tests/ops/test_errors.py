"""Wrong arguments raise torch's kind of error, with the offending values in the message."""

import pytest

import minitorch_cnn as mt

X = mt.zeros(2, 3)


@pytest.mark.parametrize(
    "call, error, text",
    [
        (lambda: X.sum(2), IndexError, r"range of \[-2, 1\], but got 2"),
        (lambda: X.sum((0, 0)), RuntimeError, "multiple times"),
        (lambda: X.softmax(-3), IndexError, "but got -3"),
        (lambda: X.unsqueeze(4), IndexError, r"\[-3, 2\], but got 4"),
        (lambda: X.squeeze(2), IndexError, "but got 2"),
        (lambda: X + mt.zeros(4), RuntimeError, r"size of tensor a \(3\)"),
        (lambda: X.eq(mt.zeros(4)), RuntimeError, r"size of tensor a \(3\)"),
        (lambda: X.reshape(5, -1), RuntimeError, r"\[5, -1\]' is invalid for input of size 6"),
        (lambda: X.reshape(-1, -1), RuntimeError, "only one dimension"),
        (lambda: X.view(-2, 3), RuntimeError, "invalid"),
        (lambda: X.flatten(1, 0), RuntimeError, "start_dim"),
        (lambda: X.permute(0), RuntimeError, "dims"),
        (lambda: X.permute(0, 0), RuntimeError, "duplicate"),
        (lambda: X.expand(2, 4), RuntimeError, r"existing size \(3\)"),
        (lambda: X.expand(3), RuntimeError, "greater or equal"),
        (lambda: X.repeat(2), RuntimeError, "repeat"),
        (lambda: X.flip(0, 0), RuntimeError, "multiple times"),
        (lambda: X.roll((1, 2), (0,)), RuntimeError, "shifts: 2, dims:1"),
        (lambda: X.movedim((0, 0), (0, 1)), RuntimeError, "repeated dim"),
        (lambda: X.t().unsqueeze(0).t(), RuntimeError, "3D"),
        (lambda: mt.zeros(2).mT, RuntimeError, "matrices"),
        (lambda: X[2], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
        (lambda: X[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
        (lambda: X[::-1], ValueError, "step must be greater than zero"),
        (lambda: X[[0, 7]], IndexError, "out of bounds"),
        (lambda: X[mt.tensor([True])], IndexError, "1"),
        (lambda: X[mt.tensor([0.5])], IndexError, "float"),
        (lambda: X["a"], IndexError, "str"),
        (lambda: X.select(0, 2), IndexError, "index 2 out of range"),
        (lambda: X.narrow(1, 2, 2), RuntimeError, r"start \(2\) \+ length \(2\)"),
        (lambda: X.unfold(1, 4, 1), RuntimeError, "size is 4"),
        (lambda: X.diagonal(0, 1, 1), RuntimeError, "identical"),
        (lambda: X.gather(1, mt.tensor([[3]])), IndexError, "index 3 is out of bounds"),
        (lambda: X.gather(1, mt.tensor([[-1]])), IndexError, "index -1 is out of bounds"),
        (lambda: X.gather(1, mt.tensor([0])), RuntimeError, "number of dimensions"),
        (lambda: X.gather(1, mt.tensor([[0]] * 3)), RuntimeError, "dimension 0"),
        (lambda: X.gather(1, mt.tensor([[0.0]])), RuntimeError, "integer"),
        (lambda: X.scatter(1, mt.tensor([[0]]), mt.ones(1, 1).double()), RuntimeError, "dtype"),
        (lambda: X.index_select(0, mt.tensor([5])), IndexError, "index 5"),
        (lambda: X.index_add(0, mt.tensor([0]), mt.ones(2, 3)), RuntimeError, r"\[1, 3\]"),
        (lambda: X.masked_fill(X, 1), RuntimeError, "boolean masks"),
        (lambda: mt.cat([]), RuntimeError, "non-empty"),
        (lambda: mt.cat([X, mt.zeros(2)]), RuntimeError, r"\[2\] for tensor number 1"),
        (lambda: mt.cat([X, mt.zeros(3, 3)], 1), RuntimeError, r"\[3, 3\] for tensor number 1"),
        (lambda: mt.cat(X), TypeError, "list or tuple"),
        (lambda: mt.cat([X, 1]), TypeError, "element 1"),
        (lambda: mt.stack([X, mt.zeros(2)]), RuntimeError, r"\[2\] at entry 1"),
        (lambda: X.split([1, 3], 1), RuntimeError, r"\[1, 3\]"),
        (lambda: X.chunk(0), RuntimeError, "got: 0"),
        (lambda: X @ X, RuntimeError, "2x3 and 2x3"),
        (lambda: X @ mt.zeros(3, 2).double(), RuntimeError, "same dtype"),
        (lambda: X @ mt.tensor(1.0), RuntimeError, "0D"),
        (lambda: mt.bmm(X, X), RuntimeError, "3D"),
        (lambda: mt.mv(X, X), RuntimeError, "1D"),
        (lambda: mt.dot(mt.zeros(2), mt.zeros(3)), RuntimeError, "same number"),
        (lambda: mt.einsum("ij,jk->ik", X), RuntimeError, "2 operands, but 1"),
        (lambda: mt.einsum("ijk->i", X), RuntimeError, "ijk"),
        (lambda: mt.einsum("ij->ix", X), RuntimeError, "'x'"),
        (lambda: mt.einsum("ij,ij", X, mt.zeros(2, 2)), RuntimeError, "lengths 3 and 2"),
        (lambda: mt.einsum("ii", X), RuntimeError, "twice"),
        (lambda: mt.einsum("1j", X), RuntimeError, "letters"),
        (lambda: mt.einsum([0, 1], X), ValueError, "subscripts"),
        (lambda: mt.arange(3).mean(), RuntimeError, "int64"),
        (lambda: mt.arange(3).var(), RuntimeError, "int64"),
        (lambda: mt.zeros(0).max(), IndexError, "non-zero size"),
        (lambda: mt.zeros(2, 0).argmax(1), IndexError, r"\[2, 0\]"),
        (lambda: X.norm("nuc"), NotImplementedError, "nuc"),
        (lambda: X & X, NotImplementedError, "float32"),
        (lambda: ~X, TypeError, "integer"),
        (lambda: X.topk(4), RuntimeError, "k=4"),
        (lambda: mt.bincount(mt.tensor([-1])), RuntimeError, "non-negative"),
        (lambda: mt.bincount(X), RuntimeError, "1-d"),
        (lambda: mt.isclose(X, X.double()), RuntimeError, "did not match"),
        (lambda: X + "a", TypeError, "unsupported operand"),
        (lambda: X + None, TypeError, "unsupported operand"),
        (lambda: [1] @ X, TypeError, "unsupported operand"),
        (lambda: X < "a", TypeError, "not supported"),
        (lambda: -mt.tensor([True]), RuntimeError, "bool"),
        (lambda: abs(mt.tensor([True])), RuntimeError, "bool"),
    ],
)
def test_error(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_comparison_with_other_things_is_false():
    assert (X == None) is False and (X != "a") is True  # noqa: E711


def test_operators_with_arrays_and_numbers():
    import numpy as np

    array = np.ones(3, np.float32)
    for result in (X + array, array + X, X * np.float32(2), np.float64(2) * X, 1 - X, X**2):
        assert isinstance(result, mt.Tensor) and result.shape == (2, 3)
        assert result.dtype is mt.float32
    x = mt.ones(2, 2)
    x @= mt.ones(2, 2)
    assert x.tolist() == [[2, 2], [2, 2]]
    y = z = mt.ones(2)
    y += 1
    y *= 3
    assert z.tolist() == [6, 6]
    assert (mt.tensor([5, -5]) // 2).tolist() == [2, -3] and (7 % mt.tensor([4])).item() == 3
    assert (~mt.tensor([True, False])).tolist() == [False, True]
    assert (mt.tensor([6]) & 3 | 8 ^ mt.tensor([1])).item() == 6 & 3 | 8 ^ 1
    assert (mt.tensor([1]) << 3 >> mt.tensor([1])).item() == 4
