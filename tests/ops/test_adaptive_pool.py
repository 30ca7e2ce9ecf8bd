"""Pooling to a given output size: torch's values and errors, gradients of any order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import check_gradients, same_as_torch, same_error, spread_out

import minitorch_cnn as mt
from minitorch_cnn.ops.adaptive_pool import adaptive_avg_pool2d, adaptive_max_pool2d

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


@given(st.tuples(*[st.integers(1, 5)] * 2), st.tuples(*[st.integers(1, 6)] * 2), st.integers(0, 99))
def test_adaptive_gradients_and_their_gradients(size, out, seed):
    x = spread_out(seed, (1, 2, *size))
    check_gradients(lambda a: adaptive_avg_pool2d(a, out), x)
    check_gradients(lambda a: adaptive_max_pool2d(a, out), x)


ERRORS = [
    (adaptive_avg_pool2d, (4, 4), dict(output_size=2)),
    (adaptive_avg_pool2d, (1, 2, 4, 4), dict(output_size=(2, 2, 2))),
    (adaptive_avg_pool2d, (1, 2, 0, 4), dict(output_size=2)),
    (adaptive_max_pool2d, (4, 4), dict(output_size=2)),
]


@pytest.mark.parametrize("ours, shape, options", ERRORS)
def test_errors_are_of_torchs_kind(ours, shape, options):
    same_error(ours, shape, options)


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
