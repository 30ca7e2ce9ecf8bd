"""Reductions: against torch and NumPy, with ties, nothing, and half precision."""

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from tables import A, X, against_torch, case, raises
from torch_oracle import LAYOUTS, array, check_gradients

import minitorch_cnn as mt

CASES = [
    case("sum", lambda lib, x: x.sum() ** 2, A),
    case("sum_dim", lambda lib, x: lib.sum(x, (0, -1)) ** 2, A),
    case("sum_keepdim", lambda lib, x: x.sum(1, keepdim=True) ** 2, A),
    case("mean", lambda lib, x: x.mean() ** 2, A),
    case("mean_dim", lambda lib, x: x.mean((1, 2), keepdim=True) ** 2, A),
    case("var", lambda lib, x: x.var(), A),
    case("var_dim", lambda lib, x: x.var((0, 2), correction=0), A),
    case("std", lambda lib, x: x.std(1), A),
    case("std_keepdim", lambda lib, x: lib.std(x, dim=-1, keepdim=True), A),
    case("var_mean", lambda lib, x: lib.var_mean(x, dim=1), A),
    case("std_mean", lambda lib, x: lib.std_mean(x, dim=(0, 1)), A),
    case("max", lambda lib, x: x.max() ** 2, A),
    case("max_dim", lambda lib, x: x.max(1)[0] ** 2, A),
    case("min_dim", lambda lib, x: tuple(lib.min(x, -1, keepdim=True)), A),
    case("amax", lambda lib, x: x.amax((0, 2)) ** 2, A),
    case("amin", lambda lib, x: x.amin(1, keepdim=True) ** 2, A),
    case("aminmax", lambda lib, x: tuple(lib.aminmax(x, dim=1)), A),
    case("median", lambda lib, x: tuple(lib.median(x, 1)), A),
    case("median_all", lambda lib, x: x.median(), (4, 5)),
    case("argmax", lambda lib, x: x.argmax(), A),
    case("argmin_dim", lambda lib, x: x.argmin(2, keepdim=True), A),
    case("norm", lambda lib, x: x.norm(), A),
    case("norm_dim", lambda lib, x: x.norm(2, 1, True), A),
    case("norm_1", lambda lib, x: x.norm(1, -1) ** 2, A),
    case("norm_3", lambda lib, x: x.norm(3, (0, 1)), A),
    case("norm_inf", lambda lib, x: x.norm(float("inf"), 1) ** 2, A),
    case("nansum", lambda lib, x: x.nansum(0) ** 2, A),
]

test_same_as_torch, test_float32_stays, test_gradients_by_differences = against_torch(CASES)

ERRORS = [
    (lambda: X.sum(2), IndexError, r"range of \[-2, 1\], but got 2"),
    (lambda: X.sum((0, 0)), RuntimeError, "multiple times"),
    (lambda: mt.arange(3).mean(), RuntimeError, "int64"),
    (lambda: mt.arange(3).var(), RuntimeError, "int64"),
    (lambda: mt.zeros(0).max(), RuntimeError, "to be specified"),
    (lambda: mt.zeros(0).amax(), RuntimeError, "to be specified"),
    (lambda: mt.zeros(0).amax(0), IndexError, "non-zero size"),
    (lambda: mt.zeros(2, 0).argmax(1), IndexError, r"\[2, 0\]"),
]

test_error = raises(ERRORS)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


FULL_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)


layouts = st.sampled_from(LAYOUTS)


seeds = st.integers(0, 2**32 - 1)


@st.composite
def array_and_dims(draw, shapes=SHAPES):
    shape = draw(shapes)
    if not shape:
        dims = None
    else:
        dims = tuple(
            draw(
                st.lists(
                    st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True
                )
            )
        )
    signs = draw(st.booleans())
    if dims is not None and signs:
        dims = tuple(dim - len(shape) for dim in dims)
    return array(draw(seeds), shape, layout=draw(layouts)), dims


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "logsumexp", "var", "std"])
@given(data=array_and_dims(FULL_SHAPES), keepdim=st.booleans())
def test_reductions_as_numpy(name, data, keepdim):
    x, dims = data

    def logsumexp(values, axis, keepdims):
        return np.log(np.exp(values).sum(axis, keepdims=keepdims))

    expected = {"logsumexp": logsumexp}.get(name) or getattr(np, name)
    options = {"correction": 0} if name in ("var", "std") else {}
    if name == "logsumexp" and dims is None:
        dims = ()

    def function(t):
        return getattr(mt, name)(t, dims, keepdim=keepdim, **options)

    result = function(mt.from_numpy(x))
    np.testing.assert_allclose(
        result.numpy(), expected(x, axis=dims or None, keepdims=keepdim), rtol=1e-12, atol=1e-14
    )
    # one element has no deviation, and a kink instead of a slope there
    reduced = math.prod(x.shape[dim] for dim in dims or range(x.ndim))
    if name != "std" or reduced > 1:
        check_gradients(function, x)


@given(array_and_dims(), st.booleans())
def test_sums_of_nothing(data, keepdim):
    x, dims = data
    for name in ("sum", "all", "any"):
        result = getattr(mt, name)(mt.from_numpy(x), dims, keepdim)
        expected = getattr(np, name)(x, axis=dims, keepdims=keepdim)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["max", "min", "median", "cumsum", "cumprod", "prod", "softmax"])
@given(x=FULL_SHAPES.filter(len), seed=seeds, dim=st.integers(-4, 3), layout=layouts)
def test_along_one_dimension(name, x, seed, dim, layout):
    assume(-len(x) <= dim < len(x))
    values = array(seed, x, layout=layout)
    t = mt.from_numpy(values)
    if name in ("max", "min", "median"):
        found, index = getattr(t, name)(dim)
        expected = getattr(np, name)(values, axis=dim)
        if name == "median":
            expected = np.sort(values, axis=dim).take((values.shape[dim] - 1) // 2, dim)
        np.testing.assert_array_equal(found.numpy(), expected)
        picked = np.take_along_axis(values, np.expand_dims(index.numpy(), dim), dim)
        np.testing.assert_array_equal(picked.squeeze(dim), expected)
    elif name == "softmax":
        e = np.exp(values)
        np.testing.assert_allclose(t.softmax(dim).numpy(), e / e.sum(dim, keepdims=True))
    else:
        expected = getattr(np, name)(values, axis=dim)
        np.testing.assert_allclose(getattr(t, name)(dim).numpy(), expected, rtol=1e-12)


def test_ties_share_the_gradient_of_extremes():
    x = mt.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    x.amax(1).backward(mt.tensor([1.0, 6.0]))
    assert x.grad.tolist() == [[0.0, 0.5, 0.5], [2.0, 2.0, 2.0]]
    x.grad = None
    x.min(1).values.backward(mt.tensor([1.0, 6.0]))
    assert x.grad.tolist() == [[1.0, 0.0, 0.0], [6.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", ["norm", "std"])
def test_length_and_deviation_at_zero_have_gradient_zero(name):
    x = mt.zeros(3, requires_grad=True)
    getattr(x, name)().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_half_precision_sums_do_not_saturate():
    assert mt.ones(5000, dtype=mt.float16).sum().item() == 5000
    assert mt.ones(5000, 2, dtype=mt.float16).sum(0).tolist() == [5000, 5000]
    x = mt.full((4096,), 100.0, dtype=mt.float16)
    assert x.mean().item() == 100 and x.var().item() == 0


def test_norms_of_float16_are_added_up_in_float32():
    torch = pytest.importorskip("torch")
    numbers = 10 + np.random.default_rng(0).standard_normal((3, 5000))
    for p in ("fro", 1, 2, 3, 0):
        for dim in (None, -1):
            found = []
            for lib in (mt, torch):
                x = lib.tensor(numbers, dtype=lib.float16, requires_grad=True)
                y = lib.norm(x, p, dim)
                assert y.dtype is lib.float16
                if p != 0:
                    y.sum().backward()
                found.append([y.tolist(), None if p == 0 else x.grad.numpy()])
            np.testing.assert_allclose(found[0][0], found[1][0], rtol=2e-3)
            if p != 0:
                np.testing.assert_allclose(found[0][1], found[1][1], rtol=4e-3, atol=1e-6)


def test_median_of_nan_is_nan():
    x = mt.tensor([[1.0, 2.0, float("nan")], [3.0, 1.0, 2.0]])
    assert x.median().isnan()
    values, indices = x.median(1)
    assert values[0].isnan() and values[1] == 2
    assert indices.tolist() == [2, 2]
    assert x.median(0).indices.tolist() == [0, 1, 0]
