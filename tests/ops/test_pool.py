"""Pooling as operations: torch's values and errors, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import spread_out

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.ops.pool import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    max_pool2d,
)


def leaf(array):
    return mt.tensor(array).requires_grad_()


@st.composite
def windows(draw, dilated):
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    options = dict(
        kernel_size=kernel,
        stride=draw(st.one_of(st.none(), st.integers(1, 3))),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        ceil_mode=draw(st.booleans()),
    )
    if dilated:
        options["dilation"] = draw(st.integers(1, 2))
    size = draw(st.tuples(st.integers(5, 8), st.integers(5, 8)))
    return (draw(st.integers(0, 2)), draw(st.integers(1, 3)), *size), options


def same_as_torch(ours, theirs, x, gy_seed):
    """Values and first gradient."""
    torch = pytest.importorskip("torch")
    a, b = leaf(x), torch.tensor(x, requires_grad=True)
    y, expected = ours(a), theirs(b)
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), atol=1e-12)
    gy = np.random.default_rng(gy_seed).standard_normal(y.shape)
    (got,) = mt.autograd.grad(y, a, mt.tensor(gy))
    (want,) = torch.autograd.grad(expected, b, torch.tensor(gy))
    np.testing.assert_allclose(got.numpy(), want.numpy(), atol=1e-12)


@given(windows(dilated=True), st.booleans(), st.integers(0, 2**32))
def test_max_pool2d_is_torchs(case, batched, seed):
    torch = pytest.importorskip("torch")
    shape, options = case
    x = spread_out(seed, shape if batched else shape[1:])
    same_as_torch(
        lambda a: max_pool2d(a, **options),
        lambda b: torch.nn.functional.max_pool2d(b, **options),
        x,
        seed,
    )
    _, indices = max_pool2d(mt.tensor(x), **options, return_indices=True)
    _, expected = torch.nn.functional.max_pool2d(torch.tensor(x), **options, return_indices=True)
    assert indices.dtype is mt.int64
    np.testing.assert_array_equal(indices.numpy(), expected.numpy())


@given(windows(dilated=False), st.booleans(), st.sampled_from([None, 3, -2]), st.integers(0, 2**32))
def test_avg_pool2d_is_torchs(case, include_pad, divisor, seed):
    torch = pytest.importorskip("torch")
    shape, options = case
    options |= dict(count_include_pad=include_pad, divisor_override=divisor)
    same_as_torch(
        lambda a: avg_pool2d(a, **options),
        lambda b: torch.nn.functional.avg_pool2d(b, **options),
        spread_out(seed, shape),
        seed,
    )


def test_what_ceil_mode_reaches_beyond_the_padding_does_not_count():
    x = mt.ones(1, 1, 4)
    options = dict(kernel_size=(1, 3), stride=(1, 2), ceil_mode=True)
    assert avg_pool2d(x, **options).tolist() == [[[1.0, 1.0]]]
    # With padding (0, 1): windows of 0 1 1, 1 1 1 and 1 0, the last one cut at the padding's end.
    padded = avg_pool2d(x, **options, padding=(0, 1)).flatten().tolist()
    assert padded == pytest.approx([2 / 3, 1.0, 1 / 2])
    padded = avg_pool2d(x, **options, padding=(0, 1), count_include_pad=False)
    assert padded.flatten().tolist() == [1.0, 1.0, 1.0]


SIZES = st.one_of(st.none(), st.integers(1, 8))


@given(st.tuples(*[st.integers(1, 7)] * 2), st.tuples(SIZES, SIZES), st.integers(0, 2**32))
def test_adaptive_pooling_is_torchs(size, out, seed):
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x = spread_out(seed, (2, 3, *size))
    same_as_torch(
        lambda a: adaptive_avg_pool2d(a, out), lambda b: F.adaptive_avg_pool2d(b, out), x, seed
    )
    same_as_torch(
        lambda a: adaptive_max_pool2d(a, out), lambda b: F.adaptive_max_pool2d(b, out), x, seed
    )
    y, indices = adaptive_max_pool2d(mt.tensor(x[0]), out, return_indices=True)
    y_torch, indices_torch = F.adaptive_max_pool2d(torch.tensor(x[0]), out, return_indices=True)
    np.testing.assert_array_equal(y.numpy(), y_torch.numpy())
    np.testing.assert_array_equal(indices.numpy(), indices_torch.numpy())


def check_gradients(function, array):
    x = leaf(array)
    assert gradcheck(function, x)
    assert gradgradcheck(function, x)


@given(windows(dilated=True), windows(dilated=False), st.integers(0, 2**32))
def test_gradients_and_their_gradients(max_case, avg_case, seed):
    shape, options = max_case
    check_gradients(lambda a: max_pool2d(a, **options), spread_out(seed, (1, *shape[1:])))
    shape, others = avg_case
    check_gradients(lambda a: avg_pool2d(a, **others), spread_out(seed, (1, *shape[1:])))


@given(st.tuples(*[st.integers(1, 5)] * 2), st.tuples(*[st.integers(1, 6)] * 2), st.integers(0, 99))
def test_adaptive_gradients_and_their_gradients(size, out, seed):
    x = spread_out(seed, (1, 2, *size))
    check_gradients(lambda a: adaptive_avg_pool2d(a, out), x)
    check_gradients(lambda a: adaptive_max_pool2d(a, out), x)


def test_positions_are_not_computed_where_no_gradient_is_needed(monkeypatch):
    from minitorch_cnn import kernels

    asked = []
    forward = kernels.max_pool2d_forward
    monkeypatch.setattr(
        kernels, "max_pool2d_forward", lambda x, g, want: asked.append(want) or forward(x, g, want)
    )
    x = mt.zeros(1, 1, 4, 4, requires_grad=True)
    with mt.no_grad():
        max_pool2d(x, 2)
    max_pool2d(x, 2)
    assert asked == [False, True]


def test_float16_and_integers():
    x = mt.tensor([[[1, 5], [2, 3]]])
    assert max_pool2d(x, 2).tolist() == [[[5]]]
    assert max_pool2d(x.half(), 2).dtype is mt.float16
    ones = mt.ones(1, 64, 64, dtype=mt.float16) * 60  # the sum, 245760, is beyond float16
    assert avg_pool2d(ones, 64).tolist() == [[[60.0]]]
    with pytest.raises(NotImplementedError, match="int64"):
        avg_pool2d(x, 2)


ERRORS = [
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, padding=2)),
    (max_pool2d, (1, 1, 1, 1), dict(kernel_size=2)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, stride=0)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=0)),
    (max_pool2d, (4, 4), dict(kernel_size=2)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=2, dilation=0)),
    (max_pool2d, (1, 1, 4, 4), dict(kernel_size=(2, 2, 2))),
    (max_pool2d, (1, 0, 4, 4), dict(kernel_size=2)),
    (avg_pool2d, (1, 1, 4, 4), dict(kernel_size=2, padding=2)),
    (avg_pool2d, (1, 1, 4, 4), dict(kernel_size=2, divisor_override=0)),
    (avg_pool2d, (1, 1, 1, 1), dict(kernel_size=2)),
    (adaptive_avg_pool2d, (4, 4), dict(output_size=2)),
    (adaptive_avg_pool2d, (1, 2, 4, 4), dict(output_size=(2, 2, 2))),
    (adaptive_avg_pool2d, (1, 2, 0, 4), dict(output_size=2)),
    (adaptive_max_pool2d, (4, 4), dict(output_size=2)),
]


@pytest.mark.parametrize("ours, shape, options", ERRORS)
def test_errors_are_of_torchs_kind(ours, shape, options):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError):
        getattr(torch.nn.functional, ours.__name__)(torch.zeros(shape), **options)
    with pytest.raises(RuntimeError, match=r"\d"):
        ours(mt.zeros(shape), **options)


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(seed=st.integers(0, 2**32))
def test_of_several_nan_torchs_is_the_maximum(dims, dtype, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x = rng.choice([0.0, 1.0, np.nan], (2, 3, *(5, 6, 7)[:dims])).astype(dtype)
    for name, arguments in ((f"max_pool{dims}d", (3, 2, 1)), (f"adaptive_max_pool{dims}d", (3,))):
        pool, theirs = getattr(mt.nn.functional, name), getattr(torch.nn.functional, name)
        a, b = leaf(x), torch.tensor(x, requires_grad=True)
        got, where = pool(a, *arguments, return_indices=True)
        want, place = theirs(b, *arguments, return_indices=True)
        np.testing.assert_array_equal(got.detach().numpy(), want.detach().numpy())
        np.testing.assert_array_equal(where.numpy(), place.numpy())
        gy = rng.integers(1, 9, want.shape).astype(dtype)
        got.backward(mt.tensor(gy))
        want.backward(torch.tensor(gy))
        np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_adaptive_pooling_without_elements_is_torchs(kind, dims):
    torch = pytest.importorskip("torch")
    spatial = (5, 6, 7)[:dims]
    empty = (*spatial[:-1], 0)
    shapes = [(1, 0, *spatial), (0, 2, *spatial), (0, *spatial), (2, 3, *empty), (2, 0, *empty)]
    cases = [(shape, 2) for shape in shapes]
    cases += [(shape, 0) for shape in ((2, 3, *spatial), (3, *spatial), (0, 3, *spatial))]
    cases.append(((2, 3, *spatial), (0,) + (2,) * (dims - 1)))
    for shape, size in cases:
        found = []
        for lib in (mt, torch):
            x = lib.zeros(shape, requires_grad=True)
            pool = getattr(lib.nn.functional, f"adaptive_{kind}_pool{dims}d")
            outcome = []
            try:
                y = pool(x, size)
                outcome.append(tuple(y.shape))
                y.sum().backward()
                outcome.append(tuple(x.grad.shape))
            except RuntimeError as error:
                outcome.append("non-zero size for non-batch dimensions" in str(error))
            found.append(outcome)
        assert found[0] == found[1], (shape, size)


def test_adaptive_pooling_of_nothing_and_to_nothing():
    f = mt.nn.functional
    for pool in (f.adaptive_avg_pool2d, f.adaptive_max_pool2d):
        x = mt.ones(2, 3, 4, 4, requires_grad=True)
        y = pool(x, (0, 2))
        assert y.shape == (2, 3, 0, 2)
        with pytest.raises(RuntimeError, match="Expected grad_output to have non-zero size"):
            y.sum().backward()
        assert pool(mt.ones(0, 4, 4), 2).shape == (0, 2, 2)  # no channels
        with pytest.raises(RuntimeError, match="non-zero size"):
            pool(mt.ones(2, 0, 4), 2)
    assert f.adaptive_avg_pool1d(mt.ones(0, 10), 5).shape == (0, 5)
    x = mt.ones(1, 2, 5, 5, requires_grad=True)
    y = f.fractional_max_pool2d(x, 2, output_size=(0, 1))
    assert y.shape == (1, 2, 0, 1)
    y.sum().backward()
    assert x.grad.tolist() == mt.zeros(1, 2, 5, 5).tolist()
    with pytest.raises(RuntimeError, match="kernel_size must either"):
        f.fractional_max_pool2d(mt.ones(1, 2, 5, 5), (1,), output_size=2)
