"""Operations on any shapes, dtypes and layouts that Hypothesis can think of.

The oracle is NumPy where it has the operation, and torch for the rules that NumPy does not share
(types of results, indexing).
"""

import math

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given
from torch_oracle import LAYOUTS, array, check_gradients

import minitorch_cnn as mt

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
FULL_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
layouts = st.sampled_from(LAYOUTS)
seeds = st.integers(0, 2**32 - 1)


# ------------------------------------------------------------------------------- elementwise

BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "atan2": np.arctan2,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@pytest.mark.parametrize("name", BINARY)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    seed=seeds,
    layout=layouts,
)
def test_binary_broadcasts_as_numpy(name, shapes, seed, layout):
    a, b = shapes.input_shapes
    x, y = array(seed, a, 0.5, layout=layout), array(seed + 1, b, 0.5, layout=layout)
    function = getattr(mt, name)
    result = function(mt.from_numpy(x), mt.from_numpy(y))
    assert result.shape == shapes.result_shape
    np.testing.assert_allclose(result.numpy(), BINARY[name](x, y), rtol=1e-14)
    check_gradients(function, x, y)


COMPARISONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
}


@pytest.mark.parametrize("name", COMPARISONS)
@given(
    shapes=hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3),
    seed=seeds,
)
def test_comparisons_as_numpy(name, shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (np.asarray(rng.integers(-2, 3, shape)) for shape in shapes.input_shapes)
    result = getattr(mt, name)(mt.from_numpy(x), mt.from_numpy(y))
    expected = np.asarray(COMPARISONS[name](x, y))
    assert result.numpy().dtype == expected.dtype
    np.testing.assert_array_equal(result.numpy(), expected)


def special_numbers():
    return st.sampled_from([0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan])


@given(hnp.arrays(np.float32, FULL_SHAPES, elements=special_numbers()))
def test_special_numbers(x):
    t = mt.tensor(x)
    for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "nan_to_num", "sign"):
        np.testing.assert_array_equal(getattr(t, name)().numpy(), getattr(np, name)(x), name)


@given(st.lists(st.floats(-8, 8), max_size=30))
def test_erf(values):
    from minitorch_cnn.kernels.array.special import erf

    expected = [math.erf(value) for value in values]
    np.testing.assert_allclose(erf(np.array(values)), expected, rtol=4e-15, atol=0)
    single = erf(np.array(values, np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-6, atol=1e-6)


def test_erf_of_special_numbers():
    from minitorch_cnn.kernels.array.special import erf

    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 6.0, 1e300])
    result = erf(special)
    np.testing.assert_array_equal(result, [1, -1, np.nan, 0, 0, 1, 1])
    assert np.signbit(result[4]) and not np.signbit(result[3])


# -------------------------------------------------------------------------------- reductions


@st.composite
def array_and_dims(draw, shapes=SHAPES):
    shape = draw(shapes)
    if not shape:
        dims = None
    else:
        dims = tuple(
            draw(
                st.lists(
                    st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True
                )
            )
        )
    signs = draw(st.booleans())
    if dims is not None and signs:
        dims = tuple(dim - len(shape) for dim in dims)
    return array(draw(seeds), shape, layout=draw(layouts)), dims


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "logsumexp", "var", "std"])
@given(data=array_and_dims(FULL_SHAPES), keepdim=st.booleans())
def test_reductions_as_numpy(name, data, keepdim):
    x, dims = data

    def logsumexp(values, axis, keepdims):
        return np.log(np.exp(values).sum(axis, keepdims=keepdims))

    expected = {"logsumexp": logsumexp}.get(name) or getattr(np, name)
    options = {"correction": 0} if name in ("var", "std") else {}
    if name == "logsumexp" and dims is None:
        dims = ()

    def function(t):
        return getattr(mt, name)(t, dims, keepdim=keepdim, **options)

    result = function(mt.from_numpy(x))
    np.testing.assert_allclose(
        result.numpy(), expected(x, axis=dims or None, keepdims=keepdim), rtol=1e-12, atol=1e-14
    )
    # one element has no deviation, and a kink instead of a slope there
    reduced = math.prod(x.shape[dim] for dim in dims or range(x.ndim))
    if name != "std" or reduced > 1:
        check_gradients(function, x)


@given(array_and_dims(), st.booleans())
def test_sums_of_nothing(data, keepdim):
    x, dims = data
    for name in ("sum", "all", "any"):
        result = getattr(mt, name)(mt.from_numpy(x), dims, keepdim)
        expected = getattr(np, name)(x, axis=dims, keepdims=keepdim)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ["max", "min", "median", "cumsum", "cumprod", "prod", "softmax"])
@given(x=FULL_SHAPES.filter(len), seed=seeds, dim=st.integers(-4, 3), layout=layouts)
def test_along_one_dimension(name, x, seed, dim, layout):
    assume(-len(x) <= dim < len(x))
    values = array(seed, x, layout=layout)
    t = mt.from_numpy(values)
    if name in ("max", "min", "median"):
        found, index = getattr(t, name)(dim)
        expected = getattr(np, name)(values, axis=dim)
        if name == "median":
            expected = np.sort(values, axis=dim).take((values.shape[dim] - 1) // 2, dim)
        np.testing.assert_array_equal(found.numpy(), expected)
        picked = np.take_along_axis(values, np.expand_dims(index.numpy(), dim), dim)
        np.testing.assert_array_equal(picked.squeeze(dim), expected)
    elif name == "softmax":
        e = np.exp(values)
        np.testing.assert_allclose(t.softmax(dim).numpy(), e / e.sum(dim, keepdims=True))
    else:
        expected = getattr(np, name)(values, axis=dim)
        np.testing.assert_allclose(getattr(t, name)(dim).numpy(), expected, rtol=1e-12)


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=6))
def test_gradient_of_products_with_zeros(numbers):
    """prod and cumprod with any number of zeros, against the definition."""
    x = mt.tensor([float(each) for each in numbers], dtype=mt.float64, requires_grad=True)
    (gradient,) = mt.autograd.grad(x.prod(), x)
    others = [math.prod(numbers[:i] + numbers[i + 1 :]) for i in range(len(numbers))]
    np.testing.assert_allclose(gradient.numpy(), others)
    check_gradients(lambda t: mt.cumprod(t, 0), x.detach().numpy())


def test_ties_share_the_gradient_of_extremes():
    x = mt.tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], requires_grad=True)
    x.amax(1).backward(mt.tensor([1.0, 6.0]))
    assert x.grad.tolist() == [[0.0, 0.5, 0.5], [2.0, 2.0, 2.0]]
    x.grad = None
    x.min(1).values.backward(mt.tensor([1.0, 6.0]))
    assert x.grad.tolist() == [[1.0, 0.0, 0.0], [6.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", ["norm", "std"])
def test_length_and_deviation_at_zero_have_gradient_zero(name):
    x = mt.zeros(3, requires_grad=True)
    getattr(x, name)().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]


def test_exponentials_do_not_overflow():
    x = mt.tensor([1000.0, 1000.0, -1000.0])
    assert x.logsumexp(0).item() == pytest.approx(1000 + math.log(2))
    assert x.softmax(0).tolist() == [0.5, 0.5, 0.0]
    np.testing.assert_allclose(x.log_softmax(0).numpy(), [-math.log(2), -math.log(2), -2000.6931])
    infinite = mt.tensor([[math.inf, 0.0], [-math.inf, -math.inf], [-math.inf, 2.0]])
    assert infinite.logsumexp(1).tolist() == [math.inf, -math.inf, 2.0]


def test_half_precision_sums_do_not_saturate():
    assert mt.ones(5000, dtype=mt.float16).sum().item() == 5000
    assert mt.ones(5000, 2, dtype=mt.float16).sum(0).tolist() == [5000, 5000]
    x = mt.full((4096,), 100.0, dtype=mt.float16)
    assert x.mean().item() == 100 and x.var().item() == 0


# ------------------------------------------------------------------------------------ shapes


@st.composite
def two_shapes(draw):
    """Two shapes with the same number of elements."""
    factors = draw(st.lists(st.integers(1, 4), max_size=4))

    def grouped():
        order = draw(st.permutations(factors))
        shape = []
        for factor in order:
            if shape and draw(st.booleans()):
                shape[-1] *= factor
            else:
                shape.append(factor)
        return tuple(shape)

    return grouped(), grouped()


@given(two_shapes(), st.randoms(use_true_random=False), seeds)
def test_reshape_is_a_view_exactly_when_torch_has_one(shapes, random, seed):
    torch = pytest.importorskip("torch")
    first, second = shapes
    order = list(range(len(first)))
    random.shuffle(order)
    x = array(seed, [first[i] for i in order])
    inverse = np.argsort(order).astype(int).tolist()
    a, b = mt.from_numpy(x).permute(inverse), torch.tensor(x).permute(inverse)
    np.testing.assert_array_equal(a.reshape(second).numpy(), b.reshape(second).numpy())
    shares = a.reshape(second).data_ptr() == a.data_ptr()
    assert shares == (b.reshape(second).data_ptr() == b.data_ptr())
    check_gradients(lambda t: t.permute(inverse).reshape(second) ** 2, x)


@given(FULL_SHAPES, seeds, st.data())
def test_views_share_memory(shape, seed, data):
    x = mt.from_numpy(array(seed, shape))
    views = [x.reshape(-1), x.unsqueeze(0), x.squeeze(), x.T, x[...], x.detach(), x.view(shape)]
    if shape:
        dim = data.draw(st.integers(0, len(shape) - 1))
        views += [x.select(dim, 0), x.narrow(dim, 0, 1), x.movedim(dim, 0), *x.unbind(dim)]
        views += [x.transpose(0, dim), *x.chunk(2, dim), x.unfold(dim, 1, 1), x.flatten(dim)]
    for view in views:
        assert np.shares_memory(view.numpy(), x.numpy())


def channels_last(shape=(2, 3, 4, 5)):
    values = np.arange(math.prod(shape), dtype=np.float64).reshape(shape)
    memory = np.ascontiguousarray(values.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return values, mt.from_numpy(memory)


def test_view_of_channels_last_memory():
    """`x.view(N, -1)` after a convolution works as in torch, whatever our memory layout."""
    values, x = channels_last()
    y = x.view(2, -1)
    np.testing.assert_array_equal(y.numpy(), values.reshape(2, -1))
    y[0, 1] = 99.0
    assert x[0, 0, 0, 1].item() == 99  # still a view


def test_view_of_a_part_of_channels_last_memory():
    values, x = channels_last()
    part = x[:1]
    y = part.view(-1)
    np.testing.assert_array_equal(y.numpy(), values[:1].reshape(-1))
    y[2] = -5.0
    assert part[0, 0, 0, 2].item() == -5 and x[0, 0, 0, 2].item() == -5


def test_view_refuses_what_torch_refuses():
    x = mt.zeros(3, 4)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        x.t().view(12)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        x[:, :2].view(6)
    with pytest.raises(RuntimeError, match=r"Use \.reshape"):
        channels_last()[1].permute(0, 2, 1, 3).view(-1)


def test_gradient_through_view_of_channels_last_memory():
    def function(t):
        return (t.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) * 1).view(2, -1) ** 2

    check_gradients(function, channels_last()[0])


def test_expanded_tensors_cannot_be_written():
    with pytest.raises((RuntimeError, ValueError)):
        mt.zeros(1).expand(3).add_(1)


# ------------------------------------------------------------------------------------- types


@pytest.mark.parametrize("first", DTYPES)
@pytest.mark.parametrize("second", [*DTYPES, "0-d float64", "0-d int64", True, 2, 2.5])
@pytest.mark.parametrize("name", ["add", "mul", "div", "eq", "maximum", "pow"])
def test_types_of_results_as_torch(name, first, second):
    torch = pytest.importorskip("torch")

    if name == "pow" and (first, second) == ("bool", "bool"):
        pytest.skip("torch has no such kernel; ours gives bools")

    def result_of(lib):
        a = lib.tensor([1, 0, 1]).to(getattr(lib, first))
        b = second
        if isinstance(b, str):
            b = lib.tensor(1 if b.startswith("0-d") else [1, 1, 1])
            b = b.to(getattr(lib, second.removeprefix("0-d ")))
        elif name == "maximum":
            b = lib.tensor(b)
        function = getattr(lib, name)
        return str(function(a, b).dtype).split(".")[-1]

    try:
        expected = result_of(torch)
    except RuntimeError:
        with pytest.raises((RuntimeError, NotImplementedError, TypeError)):
            result_of(mt)
        return
    assert result_of(mt) == expected


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize(
    "name",
    ["sum", "prod", "mean", "cumsum", "abs", "sign", "square", "neg", "exp", "floor", "all", "any"]
    + ["argmax", "amax", "sqrt"],
)
def test_types_of_unary_results_as_torch(name, kind):
    torch = pytest.importorskip("torch")
    if kind == "bool" and name in ("floor", "argmax"):
        pytest.skip("torch has no such kernel; ours gives the obvious result")

    def result_of(lib):
        x = lib.tensor([1, 0, 1]).to(getattr(lib, kind))
        result = x.cumsum(0) if name == "cumsum" else getattr(x, name)()
        return str(result.dtype).split(".")[-1], result.tolist()

    try:
        expected = result_of(torch)
    except (RuntimeError, NotImplementedError):
        with pytest.raises((RuntimeError, NotImplementedError)):
            result_of(mt)
        return
    result = result_of(mt)
    assert result[0] == expected[0]
    np.testing.assert_allclose(result[1], expected[1], rtol=1e-3)


def test_addmm_with_beta_0_ignores_its_input():
    nan = mt.full((2, 2), math.nan)
    assert mt.addmm(nan, mt.eye(2), mt.eye(2), beta=0).tolist() == [[1, 0], [0, 1]]
