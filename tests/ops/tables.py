"""Tests that are tables: how to call an operation, the same way for minitorch_cnn and torch.

The table stands in the file that is named after the file of ops/; what is done with it, here.
A function makes one or more tests of a table:

    test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)
"""

import functools
import zlib

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import LAYOUTS, as_list, compare_with_torch, lay_out

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck

# ------------------------------------------------------------------------ what tables are made of

M = (3, 4)
A = (2, 3, 4)
X = mt.zeros(2, 3)


def case(name, call, *shapes, low=-2.0, high=2.0):
    return pytest.param(call, shapes, low, high, id=name)


def index_for(lib):
    return lib.tensor([[0, 2, 1, 2], [1, 0, 0, 0]])


def numbers(lib, *shape):
    return lib.arange(float(np.prod(shape, dtype=int))).reshape(shape)


def row(lib):
    return lib.arange(4.0)


def matrix(lib):
    return lib.arange(6.0).reshape(2, 3)


def volume(lib, *shape):
    return lib.ones(shape or (1, 2, 3, 3, 3))


def spd(lib, x):
    """A symmetric positive-definite matrix made of x (..., n, n)."""
    return x @ x.mT + 2 * lib.eye(x.shape[-1], dtype=x.dtype)


def spread(rng, shape, low, high):
    """Numbers in [low, high] of which no two are close: no ties, no kinks."""
    count = int(np.prod(shape))
    steps = (np.arange(count) + 0.5 + rng.uniform(-0.2, 0.2, count)) / count
    return rng.permutation(low + steps * (high - low)).reshape(shape)


def _inputs(call_id, shapes, low, high):
    rng = np.random.default_rng(zlib.crc32(call_id.encode()))
    return [np.asarray(rng.uniform(low, high, shape)) for shape in shapes]


# ------------------------------------------------------------------------------ what is done with


def against_torch(cases):
    """Three tests of a list of `case`s: values, gradients and double gradients in all layouts."""

    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("call, shapes, low, high", cases)
    def test_same_as_torch(request, call, shapes, low, high, layout):
        pytest.importorskip("torch")
        arrays = _inputs(request.node.callspec.id, shapes, low, high)
        compare_with_torch(call, [lay_out(each, layout) for each in arrays])

    @pytest.mark.parametrize("call, shapes, low, high", cases)
    def test_float32_stays(call, shapes, low, high):
        """Results have torch's dtype, and its values to single precision."""
        torch = pytest.importorskip("torch")
        arrays = [each.astype(np.float32) for each in _inputs("float32", shapes, low, high)]
        mt_result = call(mt, *(mt.tensor(each) for each in arrays))
        torch_result = call(torch, *(torch.tensor(each) for each in arrays))
        if not isinstance(mt_result, tuple):
            mt_result, torch_result = [mt_result], [torch_result]
        for ours, theirs in zip(mt_result, torch_result, strict=True):
            assert ours.numpy().dtype == theirs.numpy().dtype
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("call, shapes, low, high", cases)
    def test_gradients_by_differences(request, call, shapes, low, high):
        """gradcheck and gradgradcheck: an oracle that needs no torch."""
        arrays = _inputs(request.node.callspec.id, shapes, low, high)
        tensors = [mt.tensor(each, requires_grad=True) for each in arrays]
        function = functools.partial(call, mt)
        assert gradcheck(function, tensors, atol=1e-6, rtol=1e-5)
        if any(each.requires_grad for each in as_list(function(*tensors))):
            assert gradgradcheck(function, tensors, atol=1e-6, rtol=1e-5)

    return test_same_as_torch, test_float32_stays, test_gradients_by_differences


def on_random_matrices(cases):
    """A test of {name: (call, number of tensors, lowest and highest value)}: torch's results."""

    @pytest.mark.parametrize("name", cases)
    @given(
        rows=st.integers(2, 4),
        columns=st.integers(2, 4),
        layout=st.sampled_from(LAYOUTS),
        seed=st.integers(0, 2**31),
    )
    def test_operation(name, rows, columns, layout, seed):
        pytest.importorskip("torch")
        call, count, low, high = cases[name]
        rng = np.random.default_rng(seed)
        arrays = [lay_out(spread(rng, (rows, columns), low, high), layout) for _ in range(count)]
        compare_with_torch(call, arrays)

    return test_operation


def on_square_matrices(cases):
    """A test of {name: call} for batches of square matrices: torch's results."""

    @pytest.mark.parametrize("name", cases)
    @given(
        batch=st.sampled_from([(), (2,), (2, 1)]),
        layout=st.sampled_from(LAYOUTS),
        seed=st.integers(0, 2**31),
    )
    def test_matrix_operation(name, batch, layout, seed):
        pytest.importorskip("torch")
        n = 3
        rng = np.random.default_rng(seed)
        # Far from singular, and with singular values apart: otherwise rounding errors are
        # amplified.
        rotation = np.linalg.qr(rng.standard_normal((*batch, n, n)))[0]
        other = np.linalg.qr(rng.standard_normal((*batch, n, n)))[0]
        array = lay_out(rotation * np.array([0.7, 1.6, 2.9]) @ other, layout)
        compare_with_torch(cases[name], [array])

    return test_matrix_operation


def gradients_of(functions):
    """A test of functions of a 3 x 3 matrix: their gradients by differences."""

    @pytest.mark.parametrize("function", functions)
    def test_gradients(function):
        a = mt.tensor([[0.9, 0.1, -0.2], [0.3, -0.7, 0.4], [0.05, 0.2, 0.6]], dtype=mt.float64)
        assert gradcheck(function, (a.requires_grad_(),))
        assert gradgradcheck(function, (a,))

    return test_gradients


def at_the_seams(calls):
    """A test of {name: call of a library}: values and types of nothing, ties, ... are torch's."""

    @pytest.mark.parametrize("call", calls.values(), ids=calls)
    def test_at_the_seams(call):
        torch = pytest.importorskip("torch")
        ours, theirs = call(mt), call(torch)
        if not isinstance(theirs, list | tuple):
            ours, theirs = (ours,), (theirs,)
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.numpy().dtype == other.numpy().dtype
            np.testing.assert_allclose(
                mine.numpy(), other.numpy(), rtol=1e-5, atol=1e-6, strict=True
            )

    return test_at_the_seams


def refused_as_by_torch(calls):
    """A test of {name: (call of a library, what our message says)}: torch's type of error."""

    @pytest.mark.parametrize("call, says", calls.values(), ids=calls)
    def test_refused_as_by_torch(call, says):
        torch = pytest.importorskip("torch")
        with pytest.raises(Exception) as theirs:
            call(torch)
        with pytest.raises(theirs.type, match=says):
            call(mt)

    return test_refused_as_by_torch


def refused_here(calls):
    """The same for what torch 2.13 has another type of error for, or rounds."""

    @pytest.mark.parametrize("call, says", calls.values(), ids=calls)
    def test_refused_here(call, says):
        with pytest.raises(RuntimeError, match=says):
            call(mt)

    return test_refused_here


def raises(cases):
    """A test of (call, error, what the message says)."""

    @pytest.mark.parametrize("call, error, text", cases)
    def test_error(call, error, text):
        with pytest.raises(error, match=text):
            call()

    return test_error


def own_memory(calls):
    """A test of calls (library, x of three elements): writing into the result leaves x alone."""

    @pytest.mark.parametrize("call", calls)
    def test_results_that_do_not_share_memory(call):
        for lib in (pytest.importorskip("torch"), mt):
            x = lib.arange(1.0, 4.0)
            call(lib, x).fill_(9.0)
            assert x.tolist() == [1.0, 2.0, 3.0]

    return test_results_that_do_not_share_memory


def one_by_one(calls, points):
    """A test of {name: call (library, x)} at each of the numbers: torch's value and gradient.

    Each alone, since what torch's vectors do with NaN depends on how many numbers there are.
    """

    @pytest.mark.parametrize("tier", ["array", "auto"])
    @pytest.mark.parametrize("call", calls.values(), ids=calls)
    def test_one_by_one(call, tier):
        torch = pytest.importorskip("torch")
        for point in points:
            found = []
            for lib in (mt, torch):
                x = lib.tensor([point], requires_grad=True)
                with mt.kernel_tier(tier):
                    y = call(lib, x)
                    y.sum().backward()
                found.append([y.detach().numpy(), x.grad.numpy()])
            for mine, other in zip(*found, strict=True):
                np.testing.assert_allclose(mine, other, rtol=1e-5, err_msg=f"at {point}")

    return test_one_by_one
