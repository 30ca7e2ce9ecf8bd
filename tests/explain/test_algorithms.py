"""Algorithms of convolution: exact identities, counted operations, published numbers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import explain, kernels
from minitorch_cnn.explain.algorithms import (
    Sizes,
    direct_cost,
    fft_convolution,
    fft_cost,
    im2col_convolution,
    im2col_cost,
    library_choice,
    winograd_cost,
)
from minitorch_cnn.explain.winograd import TRAINING_POINTS, winograd_convolution
from minitorch_cnn.kernels.array import winograd


@given(
    st.sampled_from([(2, 3), (4, 3), (3, 2), (2, 5)]),
    st.lists(st.fractions(-3, 3, max_denominator=4), min_size=6, max_size=6, unique=True),
    st.lists(st.integers(-9, 9), min_size=11, max_size=11),
)
def test_winograd_is_exact_for_any_points(size, points, numbers):
    m, r = size
    AT, G, BT = explain.winograd_transforms(m, r, points[: m + r - 2])
    d = np.array([Fraction(v) for v in numbers[: m + r - 1]])
    g = np.array([Fraction(v) for v in numbers[-r:]])
    y = AT @ ((G @ g) * (BT @ d))
    expected = [sum(g[j] * d[i + j] for j in range(r)) for i in range(m)]
    assert y.tolist() == expected


def test_the_matrices_are_those_of_the_paper():
    # Lavin and Gray, section 4.1; the point at infinity has the other sign, in BT and AT alike.
    AT, G, BT = explain.winograd_transforms(2).as_type(float)
    assert BT[:3].tolist() == [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0]]
    assert BT[3].tolist() == [0, -1, 0, 1]
    assert G.tolist() == [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]
    assert AT.tolist() == [[1, 1, 1, 0], [0, 1, -1, 1]]
    AT, G, BT = explain.winograd_transforms(4).as_type(float)
    assert BT.tolist() == [
        [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
    ]  # fmt: skip
    np.testing.assert_allclose(24 * G, [
        [6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24],
    ])  # fmt: skip


def test_wrong_points_are_refused():
    with pytest.raises(ValueError, match="needs 3 different points"):
        explain.winograd_transforms(2, 3, [0, 1, 1])
    with pytest.raises(ValueError, match=r"points of F\(6, 3\)"):
        explain.winograd_transforms(6)


def loops(padded, weight, stride, dilation, groups):
    (sh, sw), (dh, dw) = stride, dilation
    K, Cg, KH, KW = weight.shape
    OH = (padded.shape[2] - dh * (KH - 1) - 1) // sh + 1
    OW = (padded.shape[3] - dw * (KW - 1) - 1) // sw + 1
    y = np.zeros((len(padded), K, OH, OW))
    for n, k, i, j in np.ndindex(y.shape):
        for c, u, v in np.ndindex(Cg, KH, KW):
            channel = k * groups // K * Cg + c
            y[n, k, i, j] += (
                weight[k, c, u, v] * padded[n, channel, i * sh + u * dh, j * sw + v * dw]
            )
    return y


@given(st.sampled_from([2, 4]), st.integers(1, 2), st.integers(1, 3), st.integers(3, 9))
def test_winograd_convolution(m, N, C, size):
    rng = np.random.default_rng(size)
    padded, weight = rng.standard_normal((N, C, size, size + 1)), rng.standard_normal((2, C, 3, 3))
    expected = loops(padded, weight, (1, 1), (1, 1), 1)
    np.testing.assert_allclose(winograd_convolution(padded, weight, m), expected, atol=1e-11)


@given(
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.integers(5, 8),
)
def test_fft_and_im2col_convolutions(stride, dilation, kernel, size):
    layer = mt.nn.Conv2d(2, 4, kernel, stride, 1, dilation, dtype=mt.float64)
    convolution = explain.conv2d(mt.randn(2, 2, size, size, dtype=mt.float64), layer)
    arguments = convolution.padded, convolution.weight
    expected = loops(*arguments, stride, dilation, 1)
    np.testing.assert_allclose(fft_convolution(*arguments, convolution), expected, atol=1e-11)
    np.testing.assert_allclose(im2col_convolution(*arguments, convolution), expected, atol=1e-11)
    grouped = mt.nn.Conv2d(2, 4, kernel, stride, 1, dilation, groups=2, dtype=mt.float64)
    convolution = explain.conv2d(convolution.input, grouped)
    arguments = convolution.padded, convolution.weight
    expected = loops(*arguments, stride, dilation, 2)
    np.testing.assert_allclose(im2col_convolution(*arguments, convolution), expected, atol=1e-11)


# One image of 3 channels, 8x8 padded to 10x10, four 3x3 filters, 8x8 outputs: 4 or 16 tiles.
SIZES = Sizes(N=1, C=3, Hp=10, Wp=10, K=4, Cg=3, KH=3, KW=3, OH=8, OW=8, input=192)


class Counted:
    """A number that counts: times with a factor other than 0, 1 and -1, plus with two terms."""

    products = sums = 0

    def __init__(self, empty=False):
        self.empty = empty

    @classmethod
    def scaled(cls, factor, value):
        if factor == 0:
            return cls(empty=True)
        cls.products += abs(factor) != 1
        return cls()

    def __add__(self, other):
        if self.empty or other.empty:
            return other if self.empty else self
        Counted.sums += 1
        return Counted()


def counting_product(matrix, vectors):
    """matrix @ vectors, one number at a time; vectors is a list of lists of Counted (columns)."""
    columns = []
    for vector in vectors:
        column = []
        for row in matrix:
            total = Counted(empty=True)
            for factor, value in zip(row, vector, strict=True):
                total = total + Counted.scaled(factor, value)
            column.append(total)
        columns.append(column)
    return columns


def both_sides(matrix, rows, columns):
    """Counts matrix @ X @ matrix^T for X of (rows, columns)."""
    first = counting_product(matrix, [[Counted()] * rows for _ in range(columns)])
    counting_product(matrix, list(zip(*first, strict=True)))


@pytest.mark.parametrize("m", [2, 4])
def test_winograd_operations_are_those_of_a_run_that_counts(m):
    n, tiles = m + 2, (8 // m) ** 2
    Counted.products = Counted.sums = 0
    AT, G, BT = explain.winograd_transforms(m)
    for _ in range(tiles * SIZES.C):
        both_sides(BT, n, n)
    for _ in range(SIZES.K * SIZES.C):
        both_sides(G, 3, 3)
    for _ in range(tiles * SIZES.K):
        both_sides(AT, n, n)
        Counted.products += n * n * SIZES.C
        Counted.sums += n * n * (SIZES.C - 1)
    cost = winograd_cost(SIZES, m)
    assert (cost.multiplications, cost.additions) == (Counted.products, Counted.sums)


def test_winograd_numbers_of_the_paper():
    # Section 4.1: for one channel and filter 16 instead of 36 products, 32 additions for the
    # data, 24 for the inverse transform of a tile.
    s = Sizes(N=1, C=1, Hp=4, Wp=4, K=1, Cg=1, KH=3, KW=3, OH=2, OW=2, input=16)
    assert direct_cost(s).multiplications == 36
    more = winograd_cost(s._replace(N=2), 2)
    one = winograd_cost(s, 2)
    assert more.multiplications - one.multiplications == 16  # the kernel is transformed once
    assert more.additions - one.additions == 32 + 24


def test_direct_im2col_and_fft_costs():
    direct, columns, fft = direct_cost(SIZES), im2col_cost(SIZES), fft_cost(SIZES)
    assert direct.multiplications == columns.multiplications == 4 * 64 * 27
    assert direct.additions == 4 * 64 * 26
    assert direct.bytes_moved == 4 * (192 + 4 * 27 + 4 * 64) and direct.workspace == 0
    assert columns.workspace == 4 * 64 * 27
    assert columns.bytes_moved == direct.bytes_moved + 2 * columns.workspace
    # 16 x 16 numbers, 16 x 9 frequencies; 3 + 12 + 4 transforms of half 128 * 8 complex products
    assert fft.multiplications == 4 * (19 * 512) + 4 * (4 * 3 * 144)
    assert fft.additions == 2 * (19 * 512) + 2 * (19 * 1024) + 2 * (12 * 144) + 2 * (4 * 2 * 144)
    assert fft.workspace == 8 * 144 * 19


def test_all_algorithms_agree_and_are_measured():
    result = explain.algorithms(explain.conv2d(mt.randn(1, 4, 9, 9), mt.nn.Conv2d(4, 3, 3)))
    assert [cost.name for cost in result.costs] == [
        "direct", "im2col", "winograd F(2x2)", "winograd F(4x4)", "fft",
    ]  # fmt: skip
    assert all(cost.error < 1e-5 and cost.seconds > 0 for cost in result.costs)
    text = str(result)
    assert "the library takes" in text and f"{result.costs[2].multiplications:,}" in text


def test_what_cannot_do_a_layer_says_why():
    layer = mt.nn.Conv2d(4, 4, 5, stride=2, groups=2)
    result = explain.algorithms(explain.conv2d(mt.randn(1, 4, 9, 9), layer), measure=False)
    assert [cost.name for cost in result.costs] == ["direct", "im2col"]
    assert result.not_for["winograd F(2x2)"] == "only for 3x3 kernels"
    assert all(cost.seconds is None for cost in result.costs) and result.library == {}


def test_the_library_says_what_it_takes():
    x = mt.randn(1, 4, 6, 6)
    three = explain.conv2d(x, mt.nn.Conv2d(4, 4, 3))
    for name in ("im2col", "winograd", "direct"):
        with kernels.conv_algorithm(name):
            assert library_choice(three) == (name, "forced")
    depthwise = explain.conv2d(x, mt.nn.Conv2d(4, 4, 3, groups=4))
    assert library_choice(depthwise).algorithm == "depthwise"
    result = explain.algorithms(three)
    assert set(result.library) == {"im2col", "winograd", library_choice(three).algorithm}
    assert min(result.library.values()) > 0
    assert set(explain.algorithms(depthwise).library) == {"depthwise"}


def test_the_points_of_training_are_those_of_the_kernels():
    """What the tile's text says of the layers that train is what they do."""
    AT, G, BT = explain.winograd_transforms(4, points=TRAINING_POINTS).as_type(float)
    np.testing.assert_allclose(AT, winograd.MATRIX_A.T, atol=1e-15)
    np.testing.assert_allclose(np.abs(G), np.abs(winograd.MATRIX_G), atol=1e-15)
    np.testing.assert_allclose(np.abs(BT), np.abs(winograd.MATRIX_B.T), atol=1e-15)
    np.testing.assert_array_equal(
        np.sign(G[0] * BT[0, 0]), np.sign(winograd.MATRIX_G[0]) * np.sign(winograd.MATRIX_B[0, 0])
    )
    tile = explain.winograd_tile(explain.conv2d(mt.randn(1, 1, 6, 6), mt.nn.Conv2d(1, 1, 3)), m=4)
    assert "sqrt(1/2), +-sqrt(2)" in tile.text()


@pytest.mark.parametrize("m", [2, 4])
def test_a_tile_is_what_the_layer_computes(m):
    layer = mt.nn.Conv2d(3, 2, 3, padding=1)
    convolution = explain.conv2d(mt.randn(2, 3, 7, 7), layer)
    tile = explain.winograd_tile(convolution, 1, 1, 1, 0, m)
    height, width = tile.expected.shape
    assert tile.M.shape == (3, m + 2, m + 2)
    np.testing.assert_allclose(tile.Y[:height, :width], tile.expected, atol=1e-5)
    last = explain.winograd_tile(convolution, 0, 0, -(-7 // m) - 1, -(-7 // m) - 1, m)
    np.testing.assert_allclose(last.Y[: 7 - 7 // m * m, : 7 - 7 // m * m], last.expected, atol=1e-5)
    with pytest.raises(IndexError, match="tile_row"):
        explain.winograd_tile(convolution, 0, 0, 9, 0, m)
    with pytest.raises(ValueError, match="stride 1"):
        explain.winograd_tile(explain.conv2d(mt.randn(1, 1, 7, 7), mt.nn.Conv2d(1, 1, 3, 2)))


def test_roofline():
    model = mt.nn.Sequential(
        mt.nn.Conv2d(3, 8, 3, padding=1), mt.nn.ReLU(), mt.nn.Flatten(), mt.nn.Linear(512, 10)
    )
    machine = explain.Machine(peak=100e9, bandwidth=20e9)
    result = explain.roofline(model, mt.randn(2, 3, 8, 8), machine)
    convolution, linear = result.points
    assert (convolution.name, linear.name) == ("0", "3")
    assert convolution.flops == 2 * 2 * 8 * 64 * 27
    assert convolution.bytes == 4 * (2 * 3 * 64 + 8 * 27 + 2 * 8 * 64)
    assert linear.flops == 2 * 2 * 512 * 10
    assert machine.ridge == 5 and result.roof(2.0) == 40e9 and result.roof(50.0) == 100e9
    assert "memory" in str(result)
    twice = explain.Roofline(machine, [convolution, linear, convolution._replace(name="5")])
    assert [name for name, _, _ in twice.groups()] == ["3", "0 and 1 like it"]


def test_the_probe_measures_something():
    machine = explain.probe_machine(size=64, megabytes=1)
    assert 1e8 < machine.peak < 1e14 and 1e8 < machine.bandwidth < 1e13


def test_layer_inputs_come_in_the_order_of_the_calls():
    model = mt.nn.Sequential(mt.nn.Conv2d(1, 2, 3), mt.nn.ReLU(inplace=True), mt.nn.Flatten())
    x = mt.randn(1, 1, 4, 4)
    records = explain.layer_inputs(model, x)
    assert [name for name, *_ in records] == ["0", "1", "2"]
    np.testing.assert_array_equal(records[1][2], model[0](x).detach())  # before the ReLU
    assert records[1][3].min().item() >= 0 and model.training
