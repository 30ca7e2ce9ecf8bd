"""scatter_reduce and index_reduce: against torch."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import LAYOUTS, compare_with_torch, lay_out

import minitorch_cnn as mt


@pytest.mark.parametrize("values", [[2, 3, 4, 5], [2, 0, 4, 5], [0, 0, 4, 5], [2, 3, 0, 5]])
def test_the_slope_of_a_product_that_is_scattered(values):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        x = lib.tensor([1.5, 2.5], dtype=lib.float64, requires_grad=True)
        source = lib.tensor(values, dtype=lib.float64, requires_grad=True)
        y = x.scatter_reduce(0, lib.tensor([0, 0, 1, 1]), source, "prod")
        y.backward(lib.tensor([0.5, -2.0], dtype=lib.float64))
        results.append([y.detach().numpy(), x.grad.numpy(), source.grad.numpy()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


INDEX = [2, 0, 2]


layouts = st.sampled_from(LAYOUTS)


seeds = st.integers(0, 2**31)


def spread(rng, shape, low, high):
    """Numbers in [low, high] of which no two are close: no ties, no kinks."""
    count = int(np.prod(shape))
    steps = (np.arange(count) + 0.5 + rng.uniform(-0.2, 0.2, count)) / count
    return rng.permutation(low + steps * (high - low)).reshape(shape)


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@given(include_self=st.booleans(), layout=layouts, seed=seeds)
def test_scatter_reduce(reduce, include_self, layout, seed):
    rng = np.random.default_rng(seed)
    x, src = (lay_out(spread(rng, (3, 4), 0.5, 3.0), layout) for _ in range(2))
    index = rng.integers(0, 3, (3, 4))

    def call(lib, a, b):
        where = lib.tensor(index)
        return a.scatter_reduce(0, where, b, reduce, include_self=include_self) ** 2

    compare_with_torch(call, [x, src])


@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@given(include_self=st.booleans(), layout=layouts, seed=seeds)
def test_index_reduce(reduce, include_self, layout, seed):
    rng = np.random.default_rng(seed)
    x, source = (lay_out(spread(rng, (3, 3), 0.5, 3.0), layout) for _ in range(2))

    def call(lib, a, b):
        index = lib.tensor(INDEX)
        return a.index_reduce(1, index, b, reduce, include_self=include_self) ** 2

    compare_with_torch(call, [x, source])
