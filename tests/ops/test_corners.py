"""Small things that torch's samples leave out: values at the seams, operands of other kinds."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt


def test_sinc_at_0_and_at_whole_numbers():
    x = mt.tensor([0.0, 1.0, -2.0, 0.5], dtype=mt.float64, requires_grad=True)
    y = mt.sinc(x)
    np.testing.assert_allclose(y.detach().numpy(), [1, 0, 0, 2 / math.pi], atol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0, -1, -0.5, -4 / math.pi], atol=1e-12)


def test_signbit_of_integers_and_of_minus_zero():
    assert mt.signbit(mt.tensor([-1, 0, 1])).tolist() == [True, False, False]
    assert mt.signbit(mt.tensor([-0.0, 0.0])).tolist() == [True, False]


def test_is_same_size():
    assert mt.is_same_size(mt.zeros(2, 3), mt.ones(2, 3))
    assert not mt.zeros(2, 3).is_same_size(mt.zeros(3, 2))
    assert not mt.zeros(1, 3).is_same_size(mt.zeros(3))


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "isclose"])
def test_two_tensors_are_needed(name):
    x = mt.ones(2)
    for pair in ((x, 1.0), (1.0, x)):
        with pytest.raises(TypeError, match=f"{name}.*1.0"):
            getattr(mt, name)(*pair)


def test_comparing_with_something_else_is_no_error():
    x = mt.ones(2)
    assert (x == "one") is False and (x != None) is True  # noqa: E711
    assert (x == np.array([1.0, 2.0])).tolist() == [True, False]
    with pytest.raises(TypeError):
        x < "one"  # noqa: B015


def test_division_of_integers_by_zero():
    x = mt.tensor([4, 5])
    for divide in (mt.floor_divide, mt.remainder, mt.fmod):
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, mt.tensor([1, 0]))
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            divide(x, 0)
        assert divide(x, mt.tensor([1, 1])).shape == (2,)
        assert divide(x, 1).shape == (2,)


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("which", ["fweights", "aweights", "both"])
def test_covariance_with_weights(which, correction):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 6))
    given = {"fweights": rng.integers(1, 4, 6), "aweights": rng.random(6) + 0.5}
    given = given if which == "both" else {which: given[which]}
    tensors = {name: mt.tensor(value) for name, value in given.items()}
    got = mt.cov(mt.tensor(x), correction=correction, **tensors)
    np.testing.assert_allclose(got.numpy(), np.cov(x, ddof=correction, **given), rtol=1e-12)


def test_ranks_at_the_ends():
    x = mt.tensor([30.0, 10.0, 20.0])
    assert [x.kthvalue(k).values.item() for k in (1, 2, 3)] == [10, 20, 30]
    assert mt.tensor(5.0).kthvalue(1).values.item() == 5
    for tensor, k in ((x, 0), (x, 4), (mt.tensor(5.0), 2)):
        with pytest.raises(RuntimeError, match=f"k={k}"):
            tensor.kthvalue(k)


@pytest.mark.parametrize("low, high", [(0, math.inf), (-math.inf, 0), (math.nan, 1), (2, 1)])
def test_histogram_of_an_impossible_range(low, high):
    with pytest.raises(RuntimeError, match="range of"):
        mt.histc(mt.ones(3), 4, low, high)


@pytest.mark.parametrize("shape", [(3,), (3, 2), (4, 3), (4, 3, 2)])
def test_solving_for_one_vector_or_many(shape):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 3, 3) if shape[0] == 4 else (3, 3))
    B = rng.standard_normal(shape)
    x = mt.linalg.solve(mt.tensor(A), mt.tensor(B)).numpy()
    columns = shape in ((3,), (4, 3))
    product = A @ (x[..., None] if columns else x)
    np.testing.assert_allclose(product[..., 0] if columns else product, B, rtol=1e-9)


def test_strides_over_memory_stay_inside_of_it():
    x = mt.arange(12.0, dtype=mt.float64).requires_grad_()
    y = x.as_strided((3, 2, 2), (3, 2, 1), 2)  # elements occur several times
    places = 2 + 3 * np.arange(3)[:, None, None] + 2 * np.arange(2)[:, None] + np.arange(2)
    np.testing.assert_array_equal(y.detach().numpy(), places)
    gy = np.random.default_rng(0).standard_normal(places.shape)
    y.backward(mt.tensor(gy))
    expected = np.zeros(12)
    np.add.at(expected, places, gy)
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-15)
    for size, stride, offset in (((4,), (4,), 0), ((2, 3), (6, 3), 0), ((2,), (1,), 11)):
        with pytest.raises(RuntimeError, match="12 elements"):
            mt.zeros(12).as_strided(size, stride, offset)
    assert mt.zeros(12).as_strided((2, 3), (5, 3), 0).shape == (2, 3)  # to the last element


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


def test_the_zeroth_power_of_a_singular_matrix():
    assert mt.linalg.matrix_power(mt.zeros(2, 2), 0).tolist() == [[1, 0], [0, 1]]


def test_qr_without_q():
    a = mt.randn(4, 3, dtype=mt.float64)
    q, r = mt.linalg.qr(a, "r")
    assert q.shape == (0,)
    np.testing.assert_allclose(np.abs(r.numpy()), np.abs(np.linalg.qr(a.numpy())[1]), rtol=1e-9)


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("values", [[1.5, -2.0, 0.0], [2, 3, 5], [True, False]])
def test_vander(values, increasing):
    torch = pytest.importorskip("torch")
    for count in (None, 2, 4):
        ours = mt.vander(mt.tensor(values), count, increasing)
        theirs = torch.vander(torch.tensor(values), count, increasing)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")


@pytest.mark.parametrize("name, shape", [("lp_pool1d", (2, 3, 7)), ("lp_pool3d", (2, 3, 4, 5, 6))])
@pytest.mark.parametrize("norm, options", [(2, {}), (3.0, {"stride": 1}), (1, {"ceil_mode": True})])
def test_pooling_by_a_norm(name, shape, norm, options):
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(0).random(shape) + 0.1
    results = []
    for lib in (mt, torch):
        leaf = lib.tensor(x, requires_grad=True)
        y = getattr(lib.nn.functional, name)(leaf, norm, 3, **options)
        (y * lib.arange(y.numel(), dtype=lib.float64).reshape(y.shape)).sum().backward()
        results.append((y.detach().numpy(), leaf.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_chain_matmul():
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(s) for s in ((2, 5), (5, 3), (3, 4)))
    got = mt.chain_matmul(*(mt.tensor(each) for each in (a, b, c)))
    np.testing.assert_allclose(got.numpy(), a @ b @ c, rtol=1e-12)


def test_small_questions():
    x = mt.zeros(2, 3)
    assert (x.ndimension(), x.nelement(), x.get_device()) == (2, 6, -1)
    assert mt.is_nonzero(mt.tensor([2.0])) and not mt.tensor(0).is_nonzero()
    with pytest.raises(RuntimeError):
        mt.is_nonzero(x)
    y = mt.tensor([1.7]).type_as(mt.tensor(3))
    assert y.dtype == mt.int64 and y.tolist() == [1]
    with pytest.raises(mt.linalg.LinAlgError):
        mt.linalg.inv(x[:, :2])


def test_a_class_beyond_the_last():
    one_hot = mt.nn.functional.one_hot
    assert one_hot(mt.tensor([2]), 3).tolist() == [[0, 0, 1]]
    with pytest.raises(RuntimeError):
        one_hot(mt.tensor([3]), 3)


def test_an_image_and_a_grid_of_different_types():
    image, grid = mt.ones(1, 1, 3, 3), mt.zeros(1, 2, 2, 2)
    assert mt.nn.functional.grid_sample(image, grid, align_corners=False).shape == (1, 1, 2, 2)
    for a, b in ((image, grid.double()), (image.double(), grid), (image.long(), grid.long())):
        with pytest.raises(RuntimeError, match="same dtype"):
            mt.nn.functional.grid_sample(a, b, align_corners=False)
