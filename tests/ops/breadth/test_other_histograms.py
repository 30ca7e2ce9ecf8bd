"""Histograms against NumPy's, which count in their own way, and against torch."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(0, 30), st.integers(1, 6), st.booleans(), st.booleans(), st.booleans())
def test_histogram_is_numpys(seed, count, bins, weighted, density, edges):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 9, (count, 2)) / 2.0  # many lie at edges
    weight = rng.random(x.shape) if weighted else None
    limits = (0.5, 3.5)
    lines = np.unique(rng.integers(0, 9, bins + 2)) / 2.0
    if edges and len(lines) < 2:
        return
    expected, expected_edges = np.histogram(
        x, lines if edges else bins, None if edges else limits, weights=weight
    )
    got = mt.histogram(
        mt.tensor(x),
        mt.tensor(lines) if edges else bins,
        **({} if edges else {"range": limits}),
        weight=None if weight is None else mt.tensor(weight),
        density=density,
    )
    if density and expected.sum() == 0:
        assert got.hist.isnan().all()
        return
    if density:
        expected = expected / expected.sum() / np.diff(expected_edges)
    np.testing.assert_allclose(got.hist.cpu().numpy(), expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(got.bin_edges.cpu().numpy(), expected_edges, rtol=1e-15)


@given(SEEDS, st.integers(0, 20), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_histogramdd_is_numpys(seed, count, bins):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, (count, len(bins))).astype(float)
    weight = rng.random(count)
    limits = [(0.0, 3.0)] * len(bins)
    expected, lines = np.histogramdd(x, bins, limits, weights=weight)
    got = mt.histogramdd(
        mt.tensor(x), bins, range=list(itertools.chain(*limits)), weight=mt.tensor(weight)
    )
    np.testing.assert_allclose(got.hist.cpu().numpy(), expected, rtol=1e-12)
    for ours, theirs in zip(got.bin_edges, lines, strict=True):
        np.testing.assert_allclose(ours.cpu().numpy(), theirs, rtol=1e-15)
    again = mt.histogramdd(mt.tensor(x), list(got.bin_edges), weight=mt.tensor(weight))
    assert again.hist.equal(got.hist)


ODD = [
    "lib.histogram(x, 4)",
    "lib.histogram(x, 4, range=(2, 2))",
    "lib.histogram(x.reshape(3, 4), 3, weight=x.reshape(3, 4), density=True)",
    "lib.histogram(lib.ones(3), 3)",
    "lib.histogram(lib.ones(0), 3)",
    "lib.histogram(x, lib.tensor([3.0, 1.0, 2.0]))",
    "lib.histogram(lib.tensor([float('nan'), 1.0, 2.0]), 2, range=(0.0, 3.0))",
    "x.histogram(lib.tensor([0.0, 3.0, 3.0, 11.0]))",
    "lib.histogramdd(lib.ones(0, 2), [2, 2])",
    "lib.histogramdd(x.reshape(2, 3, 2), [2, 3])",
    "lib.histogramdd(x.reshape(6, 2), bins=2, weight=x[:6], density=True)",
    "lib.histogram(x, 0)",
    "lib.histogram(x, lib.tensor([1.0]))",
    "lib.histogram(x, lib.ones(2, 2))",
    "lib.histogram(x, 4, range=(5.0, 0.0))",
    "lib.histogram(x, 4, range=(1.0,))",
    "lib.histogram(x, 4, range=(float('nan'), 1.0))",
    "lib.histogram(lib.tensor([float('inf'), 1.0]), 2)",
    "lib.histogram(x.long(), 4)",
    "lib.histogram(x, 4, weight=x[:3])",
    "lib.histogram(x, 4, weight=x.double())",
    "lib.histogram(x.double(), lib.tensor([0.0, 1.0]))",
    "lib.histogramdd(x, bins=2)",
    "lib.histogramdd(x.reshape(6, 2), [2])",
]


@pytest.mark.parametrize("call", ODD)
def test_odd_ones_are_torchs(call):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        try:
            result = eval(call, {"lib": lib, "x": lib.arange(12.0)})
        except Exception as error:
            results.append(type(error))
            continue
        edges = result.bin_edges
        edges = edges if isinstance(edges, tuple) else (edges,)
        results.append([repr(each.cpu()) for each in (result.hist, *edges)])
    assert results[0] == results[1]
