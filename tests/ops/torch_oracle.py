"""How the tests of ops compare with torch: the same call for both libraries, on the same numbers.

A case is a function of (library, tensors). It is called with minitorch_cnn and with torch, and
what comes out must agree: values, dtypes, gradients for random cotangents, and the gradients of
those gradients.
"""

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

LAYOUTS = ("rows", "columns", "sliced", "backwards")


def lay_out(array, layout):
    """The same values in another memory layout."""
    if array.ndim == 0 or layout == "rows":
        return array
    if layout == "columns":
        return np.ascontiguousarray(array.T).T
    if layout == "sliced":
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    every = (slice(None, None, -1),) * array.ndim
    return array[every].copy()[every]  # negative strides in every dimension


def as_list(result):
    return list(result) if isinstance(result, list | tuple) else [result]


def differentiable(results):
    return [each for each in results if each.requires_grad]


def run(library, grad, call, tensors, cotangents, second_cotangents):
    """(outputs, gradients, gradients of the gradients) of a call, as NumPy arrays."""
    outputs = as_list(call(library, *tensors))
    smooth = differentiable(outputs)
    arrays = [each.detach().numpy() for each in outputs]
    if not smooth:
        return arrays, [], []
    us = [cotangent.requires_grad_() for cotangent in cotangents(smooth)]
    gradients = grad(smooth, tensors, us, create_graph=True, allow_unused=True)
    first = [None if each is None else each.detach().numpy() for each in gradients]
    deeper = differentiable([each for each in gradients if each is not None])
    targets = [*tensors, *us]
    vs = second_cotangents(deeper)
    seconds = grad(deeper, targets, vs, allow_unused=True) if deeper else []
    return arrays, first, [None if each is None else each.detach().numpy() for each in seconds]


def random_like(make, seed):
    """A function that makes one random tensor for each of a list of tensors."""

    def draw(tensors):
        rng = np.random.default_rng(seed)
        return [
            make(np.asarray(rng.standard_normal(tuple(each.shape)), np.float64)) for each in tensors
        ]

    return draw


def assert_same(ours, theirs, what, rtol=1e-9, atol=1e-9):
    """None (no gradient) counts as zeros."""
    assert len(ours) == len(theirs), what
    for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if mine is None and other is None:
            continue
        mine = np.zeros_like(other) if mine is None else mine
        other = np.zeros_like(mine) if other is None else other
        assert mine.shape == other.shape, f"{what} {index}: {mine.shape} and torch {other.shape}"
        assert mine.dtype == other.dtype, f"{what} {index}: {mine.dtype} and torch {other.dtype}"
        np.testing.assert_allclose(mine, other, rtol, atol, err_msg=f"{what} {index}")


def compare_with_torch(call, arrays):
    """Outputs, gradients and double gradients of `call`, ours against torch's, in float64."""
    torch = pytest.importorskip("torch", reason="these compare with torch")

    ours = [mt.from_numpy(each) for each in arrays]
    theirs = [torch.tensor(each.copy()) for each in arrays]
    for each in (*ours, *theirs):
        if each.is_floating_point():
            each.requires_grad_()
    mine = run(
        mt,
        mt.autograd.grad,
        call,
        ours,
        random_like(mt.from_numpy, 1),
        random_like(mt.from_numpy, 2),
    )
    other = run(
        torch,
        torch.autograd.grad,
        call,
        theirs,
        random_like(torch.tensor, 1),
        random_like(torch.tensor, 2),
    )
    assert_same(mine[0], other[0], "output")
    assert_same(mine[1], other[1], "gradient")
    assert_same(mine[2], other[2], "second gradient")


def array(seed, shape, low=-2.0, high=2.0, layout="rows"):
    values = np.asarray(np.random.default_rng(seed).uniform(low, high, shape))
    return lay_out(values, layout)


def ours(values):
    return mt.from_numpy(values).requires_grad_()


def check_gradients(function, *arrays):
    inputs = [ours(each) for each in arrays]
    assert gradcheck(function, inputs, atol=1e-6, rtol=1e-5)
    assert gradgradcheck(function, inputs, atol=1e-6, rtol=1e-5)


def leaves(rng, *shapes):
    return [mt.tensor(rng.standard_normal(shape)).requires_grad_() for shape in shapes]


def same_as_torch_and_differences(function, arguments, theirs, seed):
    """Values and gradients beside torch's, and both gradients beside finite differences."""
    torch = pytest.importorskip("torch", reason="these compare with torch")

    others = [torch.tensor(each.detach().numpy(), requires_grad=True) for each in arguments]
    y, expected = function(*arguments), theirs(*others)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-9)
    gy = np.random.default_rng(seed).standard_normal(y.shape)
    gradients = mt.autograd.grad(y, arguments, mt.tensor(gy))
    wanted = torch.autograd.grad(expected, others, torch.tensor(gy))
    for got, want in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(got.numpy(), want.numpy(), rtol=1e-6, atol=1e-8)
    assert gradcheck(function, arguments)
    assert gradgradcheck(function, arguments)


def spread_out(seed, shape):
    """Numbers in random order, no two closer than 0.01: no maximum changes within a gradcheck."""
    rng = np.random.default_rng(seed)
    return rng.permutation(np.arange(np.prod(shape)) * 0.01 - 1).reshape(shape)


def leaf(array):
    return mt.tensor(array).requires_grad_()


def same_as_torch(ours, theirs, x, gy_seed):
    """Values and first gradient of two functions of one array."""
    torch = pytest.importorskip("torch")
    a, b = leaf(x), torch.tensor(x, requires_grad=True)
    y, expected = ours(a), theirs(b)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)
    gy = np.random.default_rng(gy_seed).standard_normal(y.shape)
    (got,) = mt.autograd.grad(y, a, mt.tensor(gy))
    (want,) = torch.autograd.grad(expected, b, torch.tensor(gy))
    np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-12)


def same_error(ours, shape, options):
    """A RuntimeError for zeros of that shape from both libraries, and ours quotes a number."""
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        getattr(torch.nn.functional, ours.__name__)(torch.zeros(shape), **options)
    with pytest.raises(RuntimeError, match=r"\d"):
        ours(mt.zeros(shape), **options)
