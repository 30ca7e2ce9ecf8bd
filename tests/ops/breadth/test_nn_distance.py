"""Distances and angles between vectors: against NumPy and torch."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import array, check_gradients, compare_with_torch

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SEEDS = st.integers(0, 2**32 - 1)


@given(st.integers(1, 4), st.sampled_from([0.5, 1.0, 2.0, 3.0, math.inf]), SEEDS)
def test_distances_are_norms(n, p, seed):
    # No two numbers within 0.2: the slope of |d|**0.5 near 0 is too steep to be measured.
    rng = np.random.default_rng(seed)
    x, y = (rng.permutation(6 * n) * 0.3 + rng.uniform(0, 0.1, 6 * n)).reshape(2, n, 3)
    expected = np.array([np.linalg.norm(a - b + 1e-6, p) for a, b in zip(x, y, strict=True)])
    got = F.pairwise_distance(mt.from_numpy(x), mt.from_numpy(y), p)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)
    check_gradients(lambda a, b: F.pairwise_distance(a, b, p, keepdim=True), x, y)
    pairs = [np.linalg.norm(x[i] - x[j], p) for i in range(n) for j in range(i + 1, n)]
    np.testing.assert_allclose(F.pdist(mt.from_numpy(x), p).numpy(), pairs, rtol=1e-12)
    check_gradients(lambda a: F.pdist(a, p), x)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, math.inf])
def test_pdist_of_equal_rows_has_gradient_0(p):
    x = mt.ones(3, 2, dtype=mt.float64, requires_grad=True)
    F.pdist(x, p).sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0]] * 3
    for bad, words in ((mt.zeros(3), "1D"), (mt.tensor([[1]]), "int64")):
        with pytest.raises(RuntimeError, match=words):
            F.pdist(bad)
    with pytest.raises(RuntimeError, match="-1"):
        F.pdist(mt.zeros(2, 2), p=-1)


def test_cosine_similarity_broadcasts_before_it_takes_a_dimension():
    pytest.importorskip("torch")
    compare_with_torch(
        lambda lib, x, y: lib.nn.functional.cosine_similarity(x, y, dim=-2),
        [array(0, (1, 2, 3)), array(1, (2, 1, 3))],
    )


def test_cosine_of_two_types():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        x = lib.tensor([3.0, 4.0])
        y = lib.nn.functional.cosine_similarity(x.to(lib.int8), x.double(), dim=0)
        assert y.dtype is lib.float64 and y.item() == pytest.approx(1, rel=1e-12)
        with pytest.raises(RuntimeError, match="common dtype to be floating point"):
            lib.nn.functional.cosine_similarity(x.long(), x.long(), dim=0)
