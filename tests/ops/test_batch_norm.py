"""Batch norm as an operation: torch's values and errors, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import leaves, same_as_torch_and_differences as check

import minitorch_cnn as mt
from minitorch_cnn.ops.batch_norm import batch_norm

SHAPES = st.one_of(
    st.tuples(st.integers(2, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 5)),
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(2, 4), st.integers(1, 4)),
)


@given(SHAPES, st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_batch_norm(shape, training, affine, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    C = shape[1]
    mean, var = rng.standard_normal(C), rng.random(C) + 0.5
    arguments = leaves(rng, shape, *[(C,), (C,)] * affine)

    def ours(x, w=None, b=None):
        return batch_norm(x, mt.tensor(mean), mt.tensor(var), w, b, training, eps=0.1)

    def theirs(x, w=None, b=None):
        return torch.nn.functional.batch_norm(
            x, torch.tensor(mean), torch.tensor(var), w, b, training, eps=0.1
        )

    check(ours, arguments, theirs, seed)


def test_batch_norm_second_gradient_takes_both_ways_to_the_same_numbers():
    """Backward is a kernel, or (when it is recorded) tensor operations: the same gradient."""
    rng = np.random.default_rng(0)
    for training in (True, False):
        x, w, b = leaves(rng, (3, 4, 2, 2), (4,), (4,))
        y = batch_norm(x, mt.zeros(4).double(), mt.ones(4).double(), w, b, training)
        gy = mt.tensor(rng.standard_normal(y.shape))
        fused = mt.autograd.grad(y, (x, w, b), gy, retain_graph=True)
        recorded = mt.autograd.grad(y, (x, w, b), gy, create_graph=True)
        for one, other in zip(fused, recorded, strict=True):
            assert not one.requires_grad and other.requires_grad is (other is not recorded[2])
            np.testing.assert_allclose(one.numpy(), other.detach().numpy(), atol=1e-12)


@given(SHAPES, st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 2**32))
def test_running_statistics(shape, momentum, seed):
    rng = np.random.default_rng(seed)
    C = shape[1]
    x = rng.standard_normal(shape) * 2 + 1
    old_mean, old_var = rng.standard_normal(C), rng.random(C)
    mean, var = mt.tensor(old_mean), mt.tensor(old_var)
    version = mean._version
    batch_norm(mt.tensor(x), mean, var, training=True, momentum=momentum)
    axes = (0, *range(2, len(shape)))
    new_mean = (1 - momentum) * old_mean + momentum * x.mean(axes)
    new_var = (1 - momentum) * old_var + momentum * x.var(axes, ddof=1)
    np.testing.assert_allclose(mean.numpy(), new_mean, atol=1e-12)
    np.testing.assert_allclose(var.numpy(), new_var, atol=1e-12)
    assert mean._version > version  # whoever saved it for backward must notice
    batch_norm(mt.tensor(x), mean, var, training=False)
    np.testing.assert_allclose(mean.numpy(), new_mean, atol=1e-12)


def test_batch_norm_in_float16_is_computed_in_float32():
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((8, 3, 32, 32)) * 10 + 300).astype(np.float16)
    weight, bias = mt.tensor([1.0, 2.0, 3.0]), mt.zeros(3)
    a = mt.tensor(x).requires_grad_()
    y = batch_norm(a, mt.zeros(3), mt.ones(3), weight, bias, training=True)
    exact = x.astype(float)
    exact = (exact - exact.mean((0, 2, 3), keepdims=True)) / exact.std((0, 2, 3), keepdims=True)
    exact *= np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)
    assert y.dtype is mt.float16
    np.testing.assert_allclose(y.detach().numpy().astype(float), exact, atol=2e-2)
    y.float().square().sum().backward()
    assert a.grad.dtype is mt.float16


def test_batch_norm_of_an_empty_batch():
    mean, var = mt.zeros(3), mt.ones(3)
    x = mt.zeros(0, 3, 2, 2, requires_grad=True)
    y = batch_norm(x, mean, var, training=True)
    assert y.shape == (0, 3, 2, 2)
    y.sum().backward()
    assert x.grad.shape == (0, 3, 2, 2)
    assert mean.tolist() == [0.0] * 3 and var.tolist() == [1.0] * 3


def test_mixed_types_are_refused():
    with pytest.raises(RuntimeError, match=r"float64.*float32"):
        batch_norm(mt.zeros(2, 3), mt.zeros(3).double(), mt.ones(3).double())


@pytest.mark.parametrize(
    "args, expected",
    [
        (((1, 3), (3,), (3,), None, None, True), ValueError),
        (((1, 3, 1, 1), (3,), (3,), None, None, True), ValueError),
        (((2, 3), (4,), (4,)), RuntimeError),
        (((2, 3), (3,), (3,), (4,)), RuntimeError),
        (((2, 3), None, None), RuntimeError),
    ],
)
def test_errors_are_of_torchs_kind(args, expected):
    torch = pytest.importorskip("torch")
    for library, function in ((torch, torch.nn.functional.batch_norm), (mt, batch_norm)):
        tensors = [library.ones(each) if isinstance(each, tuple) else each for each in args]
        with pytest.raises(expected):
            function(*tensors)


@pytest.mark.parametrize("tier", ["array", "auto"])
@pytest.mark.parametrize("side", [3, 40])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_statistics_of_infinite_numbers(tier, side, place):
    """The mean of infinity and finite numbers is infinity, of both infinities NaN."""
    inf, nan = float("inf"), float("nan")
    for bad, mean in [((inf,), inf), ((-inf,), -inf), ((inf, -inf), nan), ((inf, nan), nan)]:
        x = np.zeros((4, 2, side, side), np.float32)
        row = np.zeros(4 * side * side, np.float32)
        for offset, value in enumerate(bad):
            row[place - offset] = value
        x[:, 0] = row.reshape(4, side, side)
        running_mean, running_var = mt.zeros(2), mt.ones(2)
        with mt.kernel_tier(tier):
            batch_norm(mt.tensor(x), running_mean, running_var, training=True)
        np.testing.assert_array_equal(running_mean.numpy(), [mean, 0])
        assert running_var[0].isnan()


def test_eps_of_zero_is_refused_in_training():
    x = mt.ones(2, 2)
    with pytest.raises(ValueError, match=r"eps must be positive .*got 0"):
        batch_norm(x, None, None, training=True, eps=0.0)
    assert batch_norm(x, mt.zeros(2), mt.ones(2), eps=0.0).tolist() == [[1, 1], [1, 1]]
