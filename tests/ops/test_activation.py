"""Activation functions: closed formulas, torch's values, gradients of first and second order."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tables import one_by_one

import minitorch_cnn as mt
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F


def normal_cdf(v):
    return 0.5 * (1 + math.erf(v / math.sqrt(2)))


def softplus(v):
    return max(v, 0) + math.log1p(math.exp(-abs(v)))


def sigmoid(v):
    return math.exp(-softplus(-v))


# name: (arguments, the formula for one number, where the slope jumps)
FORMULAS = {
    "relu": ((), lambda v: max(v, 0), [0]),
    "leaky_relu": ((0.1,), lambda v: v if v > 0 else 0.1 * v, [0]),
    "elu": ((0.7,), lambda v: v if v > 0 else 0.7 * (math.exp(v) - 1), [0]),
    "selu": (
        (),
        lambda v: 1.0507009873554805 * (v if v > 0 else 1.6732632423543772 * math.expm1(v)),
        [0],
    ),
    "gelu": ((), lambda v: v * normal_cdf(v), []),
    "silu": ((), lambda v: v * sigmoid(v), []),
    "mish": ((), lambda v: v * math.tanh(softplus(v)), []),
    "hardtanh": ((-0.5, 1.5), lambda v: min(max(v, -0.5), 1.5), [-0.5, 1.5]),
    "relu6": ((), lambda v: min(max(v, 0), 6), [0, 6]),
    "hardsigmoid": ((), lambda v: min(max(v + 3, 0), 6) / 6, [-3, 3]),
    "hardswish": ((), lambda v: v * min(max(v + 3, 0), 6) / 6, [-3, 3]),
    "softplus": ((2.0, 5.0), lambda v: v if 2 * v > 5 else math.log1p(math.exp(2 * v)) / 2, [2.5]),
    "logsigmoid": ((), lambda v: -softplus(-v), []),
    "threshold": ((0.3, -2.0), lambda v: v if v > 0.3 else -2.0, [0.3]),
    "sigmoid": ((), sigmoid, []),
    "tanh": ((), math.tanh, []),
}
NAMES = sorted(FORMULAS)


def apart_from(kinks, values):
    """The values, with those near a kink moved away, so that differences do not cross it."""
    for kink in kinks:
        values = np.where(np.abs(values - kink) < 0.05, kink + 0.1, values)
    return values


def in_layout(values, layout):
    """The same values, lying in memory in another way."""
    if layout == "transposed":
        return np.ascontiguousarray(values.T).T
    if layout == "every second, backwards":
        wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]))
        view = wide[..., ::-2]
        view[...] = values
        return view
    return values


@st.composite
def inputs(draw, kinks=()):
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = apart_from(kinks, 3 * rng.standard_normal(shape))
    layout = draw(st.sampled_from(["rows", "transposed", "every second, backwards"]))
    return in_layout(values, layout)


@pytest.mark.parametrize("name", NAMES)
def test_values_are_the_formula_for_every_number(name):
    arguments, formula, _ = FORMULAS[name]
    values = np.concatenate([np.linspace(-7, 7, 57), [0.0, 1e-9, -30.0, -21.0, 30.0]])
    y = getattr(F, name)(mt.from_numpy(values), *arguments)
    np.testing.assert_allclose(y.numpy(), [formula(v) for v in values], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(data=st.data())
def test_gradients_of_both_orders(name, data):
    arguments, _, kinks = FORMULAS[name]
    x = mt.from_numpy(data.draw(inputs(kinks))).requires_grad_()

    def function(x):
        return getattr(F, name)(x, *arguments)

    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(data=st.data())
def test_same_values_and_gradients_as_torch(name, data):
    torch = pytest.importorskip("torch")
    arguments, _, kinks = FORMULAS[name]
    values = data.draw(inputs(kinks))
    cotangent = np.random.default_rng(1).standard_normal(values.shape)
    results = []
    for lib in (mt, torch):
        # torch refuses negative strides, so it gets a copy
        x = lib.from_numpy(values if lib is mt else values.copy()).requires_grad_()
        y = getattr(lib.nn.functional, name)(x, *arguments)
        y.backward(lib.from_numpy(cotangent))
        results.append((y.detach().numpy(), x.grad.numpy()))
    # torch rounds the factor 1/6 in hardsigmoid's gradient to float32
    rtol = 1e-7 if name == "hardsigmoid" else 1e-10
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("tanh", "sigmoid")])
def test_gradients_at_the_kinks_are_torchs(name):
    torch = pytest.importorskip("torch")
    arguments, _, kinks = FORMULAS[name]
    gradients = []
    for lib in (mt, torch):
        x = lib.tensor([*kinks, 0.0], dtype=lib.float64, requires_grad=True)
        getattr(lib.nn.functional, name)(x, *arguments).sum().backward()
        gradients.append(x.grad.tolist())
    np.testing.assert_allclose(*gradients, rtol=1e-7)


@pytest.mark.parametrize("name", ["gelu", "elu", "silu", "softplus", "logsigmoid", "mish"])
def test_large_inputs_neither_overflow_nor_give_nan(name):
    x = mt.tensor([-1000.0, 1000.0], requires_grad=True)
    y = getattr(F, name)(x)
    (g,) = mt.autograd.grad(y.sum(), x, create_graph=True)
    (gg,) = mt.autograd.grad(g.sum(), x)
    for values in (y, g, gg):
        assert bool(values.isfinite().all())
    assert g[1].item() == pytest.approx(0.0 if name == "logsigmoid" else 1.0)


def test_gelu_with_tanh():
    values = np.linspace(-4, 4, 33)
    y = F.gelu(mt.from_numpy(values), approximate="tanh").numpy()
    inner = math.sqrt(2 / math.pi) * (values + 0.044715 * values**3)
    np.testing.assert_allclose(y, 0.5 * values * (1 + np.tanh(inner)), rtol=1e-13)
    assert np.abs(y - F.gelu(mt.from_numpy(values)).numpy()).max() < 5e-4
    x = mt.from_numpy(values).requires_grad_()
    assert gradcheck(lambda x: F.gelu(x, approximate="tanh"), (x,))
    assert gradgradcheck(lambda x: F.gelu(x, approximate="tanh"), (x,))
    with pytest.raises(RuntimeError, match="erf"):
        F.gelu(x, approximate="erf")


@settings(max_examples=15)
@given(st.data())
def test_prelu_has_one_slope_or_one_for_each_channel(data):
    shape = (2, 3, *data.draw(st.lists(st.integers(1, 3), max_size=2)))
    slopes = data.draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    x = mt.from_numpy(apart_from([0], rng.standard_normal(shape))).requires_grad_()
    w = mt.from_numpy(rng.standard_normal(slopes)).requires_grad_()
    assert gradcheck(F.prelu, (x, w))
    assert gradgradcheck(F.prelu, (x, w))
    y = F.prelu(x, w).detach().numpy()
    for index in np.ndindex(*shape):
        v, slope = x.detach().numpy()[index], w.detach().numpy()[index[1] % slopes]
        assert y[index] == pytest.approx(v if v > 0 else slope * v)


def test_prelu_refuses_a_wrong_number_of_slopes():
    with pytest.raises(RuntimeError, match=r"1 or 3 elements .*\[2, 3\].*\[4\]"):
        F.prelu(mt.zeros(2, 3), mt.zeros(4))


def test_relu_keeps_nan_and_the_order_in_memory():
    assert np.isnan(F.relu(mt.tensor([float("nan")])).item())
    image = mt.from_numpy(np.zeros((2, 4, 4, 3), np.float32).transpose(0, 3, 1, 2))
    image.requires_grad_()
    y = F.relu(image)
    assert y.stride() == image.stride()
    (gx,) = mt.autograd.grad(y, image, y.detach())
    assert gx.stride() == image.stride()


def test_relu_of_integers():
    assert F.relu(mt.tensor([-2, 3])).tolist() == [0, 3]


@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "elu", "selu", "silu", "mish", "hardtanh", "hardswish", "relu6"]
)
def test_inplace_gives_the_same_gradient_and_overwrites(name):
    values = apart_from([0, 1, -1, 3, -3], np.random.default_rng(2).standard_normal((3, 4)) * 2)
    cotangent = mt.from_numpy(np.random.default_rng(3).standard_normal((3, 4)))
    results = []
    for inplace in (False, True):
        leaf = mt.from_numpy(values.copy()).requires_grad_()
        x = leaf * 1.5
        y = getattr(F, name)(x, inplace=inplace)
        (y * 2).backward(cotangent)
        assert (x.numpy(force=True) == y.numpy(force=True)).all() == inplace
        results.append((y.detach().numpy(), leaf.grad.numpy()))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-14)


def test_inplace_relu_of_a_view_changes_its_base():
    leaf = mt.tensor([[-1.0, 2.0], [-3.0, 4.0]], requires_grad=True)
    x = leaf * 1
    F.relu_(x[0])
    assert x.tolist() == [[0.0, 2.0], [-3.0, 4.0]]
    x.sum().backward()
    assert leaf.grad.tolist() == [[0.0, 1.0], [1.0, 1.0]]


def test_inplace_relu_is_noticed_by_an_operation_that_needs_the_old_values():
    leaf = mt.tensor([1.0, -2.0], requires_grad=True)
    x = leaf * 1
    y = x * x
    F.relu_(x)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_inplace_on_a_leaf_is_refused():
    with pytest.raises(RuntimeError, match="leaf"):
        F.relu_(mt.ones(2, requires_grad=True))


def test_integers_are_refused_where_the_result_would_not_be_one():
    with pytest.raises(RuntimeError, match=r"gelu\(\) is not implemented for minitorch_cnn.int64"):
        F.gelu(mt.tensor([1, 2]))


test_one_by_one = one_by_one(
    {
        "relu": lambda lib, x: lib.nn.functional.relu(x),
        "relu in place": lambda lib, x: lib.nn.functional.relu(x * 1, inplace=True),
        "relu6": lambda lib, x: lib.nn.functional.relu6(x),
        "hardtanh": lambda lib, x: lib.nn.functional.hardtanh(x),
        "threshold": lambda lib, x: lib.nn.functional.threshold(x, 1.0, 7.0),
        "threshold in place": lambda lib, x: lib.nn.functional.threshold_(x * 1, 0.0, 2.0),
        "leaky_relu": lambda lib, x: lib.nn.functional.leaky_relu(x),
        "leaky_relu of slope 0": lambda lib, x: lib.nn.functional.leaky_relu(x, 0.0),
        "leaky_relu, falling": lambda lib, x: lib.nn.functional.leaky_relu(x, -0.5),
        "batch norm, relu": lambda lib, x: lib.nn.functional.batch_norm(
            x[:, None], lib.zeros(1), lib.ones(1), eps=0.0
        ).relu(),
    },
    [float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 1.0, -1.0, 6.0, 25.0, -25.0],
)


def test_nan_keeps_its_gradient_in_compiled_kernels():
    """Images long enough for the vectorised ReLU, alone and behind a batch norm."""
    for tier in ("array", "auto"):
        x = mt.full((2, 3, 16, 16), -1.0)
        x[0, 1, 2, 3] = float("nan")
        x[1, 2, 5, 5] = 2.0
        x.requires_grad_()
        with mt.kernel_tier(tier):
            F.relu(x * 1).sum().backward()
            direct = x.grad.clone()
            x.grad = None
            F.relu(F.batch_norm(x, mt.zeros(3), mt.ones(3), eps=0.0)).sum().backward()
        for grad in (direct, x.grad):
            assert grad.nonzero().tolist() == [[0, 1, 2, 3], [1, 2, 5, 5]]
            assert grad.sum() == 2
