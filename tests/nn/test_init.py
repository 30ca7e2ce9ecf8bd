"""nn.init: the laws' moments and bounds, exact patterns, seeds, errors."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn.nn import init

SHAPE = (60, 40, 3, 3)  # fan in 360, fan out 540
FAN_IN, FAN_OUT = 360, 540

# name: (call, half-width of a uniform law or None, standard deviation)
LAWS = {
    "uniform": (lambda t, g: init.uniform_(t, -0.3, 0.3, generator=g), 0.3, 0.3 / math.sqrt(3)),
    "normal": (lambda t, g: init.normal_(t, 0.0, 0.7, generator=g), None, 0.7),
    "xavier_uniform": (
        lambda t, g: init.xavier_uniform_(t, gain=2.0, generator=g),
        2 * math.sqrt(6 / (FAN_IN + FAN_OUT)),
        2 * math.sqrt(2 / (FAN_IN + FAN_OUT)),
    ),
    "xavier_normal": (
        lambda t, g: init.xavier_normal_(t, generator=g),
        None,
        math.sqrt(2 / (FAN_IN + FAN_OUT)),
    ),
    "kaiming_uniform": (
        lambda t, g: init.kaiming_uniform_(t, nonlinearity="relu", generator=g),
        math.sqrt(6 / FAN_IN),
        math.sqrt(2 / FAN_IN),
    ),
    "kaiming_uniform, slope": (
        lambda t, g: init.kaiming_uniform_(t, a=math.sqrt(5), generator=g),
        1 / math.sqrt(FAN_IN),
        1 / math.sqrt(3 * FAN_IN),
    ),
    "kaiming_normal, fan_out": (
        lambda t, g: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu", generator=g),
        None,
        math.sqrt(2 / FAN_OUT),
    ),
    "trunc_normal": (
        lambda t, g: init.trunc_normal_(t, std=0.02, generator=g),
        None,
        0.02,  # cut at 100 standard deviations: not cut at all
    ),
}


@pytest.mark.parametrize("name", sorted(LAWS))
def test_mean_spread_and_bounds_of_each_law(name):
    fill, bound, deviation = LAWS[name]
    tensor = mt.empty(*SHAPE)
    assert fill(tensor, mt.Generator().manual_seed(1)) is tensor
    values = tensor.numpy().ravel().astype(float)
    n = values.size
    assert abs(values.mean()) < 5 * deviation / math.sqrt(n)
    # the standard error of a standard deviation is sd * sqrt((kurtosis - 1) / 4n)
    kurtosis = 3.0 if bound is None else 1.8
    assert abs(values.std() - deviation) < 5 * deviation * math.sqrt((kurtosis - 1) / (4 * n))
    if bound is None:
        assert np.abs(values).max() > 3.5 * deviation  # it has a normal law's tails
    else:
        assert 0.999 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_a_generator_or_the_default_one_decides(name):
    fill = LAWS[name][0]
    values = [fill(mt.empty(*SHAPE), mt.Generator().manual_seed(s)).tolist() for s in (1, 1, 2)]
    assert values[0] == values[1] != values[2]
    mt.manual_seed(1)
    assert fill(mt.empty(*SHAPE), None).tolist() == values[0]


@settings(max_examples=15)
@given(st.floats(-2, 2), st.floats(0.3, 3), st.floats(-3, 0), st.floats(0.5, 3))
def test_trunc_normal_has_the_quantiles_of_its_law(mean, std, low, width):
    high = low + width
    if not low - 2 * std <= mean <= high + 2 * std:
        return
    values = mt.empty(20_000, dtype=mt.float64)
    init.trunc_normal_(values, mean, std, low, high, generator=mt.Generator().manual_seed(0))
    drawn = np.sort(values.numpy())
    assert drawn[0] >= low and drawn[-1] <= high
    law = statistics.NormalDist(mean, std)
    inside = law.cdf(high) - law.cdf(low)
    expected = [(law.cdf(v) - law.cdf(low)) / inside for v in drawn[::500]]
    fractions = np.arange(20_000)[::500] / 20_000
    # the greatest difference of the two distribution functions (Kolmogorov and Smirnov)
    assert np.abs(fractions - expected).max() < 2.0 / math.sqrt(20_000)


def test_trunc_normal_warns_where_almost_nothing_is_inside():
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(mt.empty(3), mean=10.0)


def test_constants_and_patterns():
    assert init.constant_(mt.empty(2), 3.5).tolist() == [3.5, 3.5]
    assert init.ones_(mt.empty(1, 2)).tolist() == [[1.0, 1.0]]
    assert init.zeros_(mt.empty(2)).tolist() == [0.0, 0.0]
    assert init.eye_(mt.empty(2, 3)).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    with pytest.raises(ValueError, match="2 dimensions"):
        init.eye_(mt.empty(2))


@pytest.mark.parametrize("shape, groups", [((3, 2, 3), 1), ((4, 2, 3, 5), 2), ((2, 4, 1, 1, 3), 1)])
def test_dirac_is_torchs_and_passes_channels_through(shape, groups):
    torch = pytest.importorskip("torch")
    ours = init.dirac_(mt.empty(*shape), groups)
    assert ours.tolist() == torch.nn.init.dirac_(torch.empty(*shape), groups).tolist()
    if len(shape) == 4:
        x = mt.randn(1, 4, 6, 6)
        y = mt.nn.functional.conv2d(x, ours, padding=(1, 2), groups=groups)
        assert bool((y == x).all())


def test_dirac_errors():
    with pytest.raises(ValueError, match="3, 4, or 5 dimensions"):
        init.dirac_(mt.empty(2, 2))
    with pytest.raises(ValueError, match="divisible by groups"):
        init.dirac_(mt.empty(3, 2, 1), groups=2)


@settings(max_examples=15)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(0, 100))
def test_orthogonal_rows_or_columns(rows, columns, field, seed):
    tensor = mt.empty(rows, columns, field, dtype=mt.float64)
    init.orthogonal_(tensor, gain=2.0, generator=mt.Generator().manual_seed(seed))
    m = tensor.numpy().reshape(rows, -1)
    product = m @ m.T if rows <= m.shape[1] else m.T @ m
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-12)


def test_orthogonal_is_uniform_over_signs():
    corners = [
        init.orthogonal_(mt.empty(2, 2), generator=mt.Generator().manual_seed(s))[0, 0].item() > 0
        for s in range(200)
    ]
    assert 60 < sum(corners) < 140
    with pytest.raises(ValueError, match="2 or more dimensions"):
        init.orthogonal_(mt.empty(3))
    assert init.orthogonal_(mt.empty(0, 3)).shape == (0, 3)


def test_sparse():
    tensor = init.sparse_(mt.empty(20, 5), sparsity=0.31, std=2.0)
    assert ((tensor == 0).sum(dim=0) == 7).all()  # 0.31 * 20, rounded up, in every column
    with pytest.raises(ValueError, match="2 dimensions"):
        init.sparse_(mt.empty(3), 0.5)


@pytest.mark.parametrize(
    "name, param",
    [
        ("linear", None),
        ("conv2d", None),
        ("conv_transpose2d", None),
        ("sigmoid", None),
        ("tanh", None),
        ("relu", None),
        ("leaky_relu", None),
        ("leaky_relu", 0.2),
        ("selu", None),
        ("leaky_relu", True),
        ("gelu", None),
    ],
)
def test_gains_are_torchs(name, param):
    torch = pytest.importorskip("torch")
    results = []
    for lib in (mt, torch):
        try:
            results.append(lib.nn.init.calculate_gain(name, param))
        except ValueError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_fans():
    assert init._calculate_fan_in_and_fan_out(mt.empty(*SHAPE)) == (FAN_IN, FAN_OUT)
    assert init._calculate_fan_in_and_fan_out(mt.empty(5, 7)) == (7, 5)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_normal_(mt.empty(3))
    with pytest.raises(ValueError, match="Mode both not supported"):
        init.kaiming_normal_(mt.empty(3, 3), mode="both")
    for fill in (init.kaiming_normal_, init.kaiming_uniform_):
        with pytest.warns(UserWarning, match="zero-element"):
            fill(mt.empty(0, 3))


def test_parameters_are_filled_in_place_without_a_history():
    p = mt.nn.Parameter(mt.zeros(3, 3, dtype=mt.float64))
    version = p._version
    for fill in (init.normal_, init.kaiming_uniform_, init.ones_, init.orthogonal_):
        assert fill(p) is p and p.is_leaf and p.dtype is mt.float64
    assert p._version > version


@pytest.mark.parametrize("view", [lambda t: t, lambda t: t.t(), lambda t: t[1:3]])
def test_draws_reach_views_and_every_write_counts(view):
    """Whatever the memory order, the numbers come into the memory of the tensor it is a view of."""
    whole = mt.full((4, 4), 9.0)
    part = view(whole)
    mt.manual_seed(3)
    init.normal_(part)
    assert whole._version == part._version == 1
    mt.manual_seed(3)
    assert view(whole).tolist() == init.normal_(view(mt.empty(4, 4))).tolist()
    assert (whole == 9).sum() == 16 - part.numel()


def test_what_waits_for_the_old_values_gets_them():
    x = mt.ones(2, 3, 2, 2)
    y = mt.nn.BatchNorm2d(3).eval()(x)  # not computed yet
    init.uniform_(x, 5, 6)
    assert mt.allclose(y, mt.ones(2, 3, 2, 2))


def test_the_older_names_warn():
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        with pytest.warns(FutureWarning, match="deprecated in favor of"):
            assert lib.nn.init.constant(lib.zeros(2), 3.0).tolist() == [3, 3]
