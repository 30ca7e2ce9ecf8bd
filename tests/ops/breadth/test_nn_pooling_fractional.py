"""Fractional max-pooling: torch's places and gradients for the same random numbers."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients, spread_out

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("dims", [2, 3])
@given(data=st.data(), seed=SEEDS)
def test_fractional_max_pooling_is_torchs(dims, data, seed):
    torch = pytest.importorskip("torch")
    name = f"fractional_max_pool{dims}d"
    size = data.draw(st.tuples(*[st.integers(4, 7)] * dims))
    kernel = data.draw(st.tuples(*[st.integers(1, 2)] * dims))
    out = tuple(data.draw(st.integers(1, n - k)) for n, k in zip(size, kernel, strict=True))
    draws = array(seed + 1, (2, 3, dims), 0.0, 1.0)
    x = spread_out(seed, (2, 3, *size))
    results = [
        getattr(lib.nn.functional, name)(
            lib.from_numpy(x),
            kernel,
            output_size=out,
            return_indices=True,
            _random_samples=lib.from_numpy(draws),
        )
        for lib in (mt, torch)
    ]
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    samples = mt.from_numpy(draws)
    check_gradients(
        lambda a: getattr(F, name)(a, kernel, output_size=out, _random_samples=samples), x
    )


def test_fractional_windows_keep_their_order_and_reach_the_end():
    x = mt.arange(20.0).expand(1, 1, 20, 20)
    y = F.fractional_max_pool2d(x, 2, output_ratio=0.6)
    assert y.shape == (1, 1, 12, 12) and y[0, 0, 0, -1].item() == 19
    steps = y[0, 0, 0, 1:] - y[0, 0, 0, :-1]
    assert set(steps.tolist()) <= {1.0, 2.0}
    mt.manual_seed(5)
    again = F.fractional_max_pool2d(x, 2, output_ratio=0.6)
    mt.manual_seed(5)
    assert bool((again == F.fractional_max_pool2d(x, 2, output_ratio=0.6)).all())
    for ratio in ((0.5, 0.5, 0.6), (0.5,)):
        with pytest.raises(ValueError, match="requires output_ratio to either be a single Int"):
            F.fractional_max_pool2d(x, 2, output_ratio=ratio)
    with pytest.raises(ValueError, match="either"):
        F.fractional_max_pool2d(x, 2)
    with pytest.raises(RuntimeError, match="20"):
        F.fractional_max_pool2d(x, 2, output_size=20)
