"""F.linear and nn.Linear: a sum of products, its gradients, errors and initial values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import minitorch_cnn as mt
from minitorch_cnn import nn
from minitorch_cnn.autograd import gradcheck, gradgradcheck
from minitorch_cnn.nn import functional as F


@st.composite
def cases(draw, least=0):
    """Shapes of x, W and perhaps b, in float64, some of them lying in memory backwards."""
    leading = draw(st.lists(st.integers(least, 3), max_size=3))
    inputs, outputs = draw(st.integers(least, 4)), draw(st.integers(least, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = rng.standard_normal((*leading, inputs))
    w = rng.standard_normal((outputs, inputs))
    b = rng.standard_normal(outputs) if draw(st.booleans()) else None
    if draw(st.booleans()):
        x = x[..., ::-1]
    if draw(st.booleans()):
        w = np.asfortranarray(w)
    return x, w, b


@settings(max_examples=25)
@given(cases())
def test_values_are_the_sums_of_products(case):
    x, w, b = case
    y = F.linear(*[None if a is None else mt.from_numpy(a) for a in case]).numpy()
    assert y.shape == (*x.shape[:-1], len(w))
    for index in np.ndindex(*y.shape):
        products = [x[(*index[:-1], i)] * w[index[-1], i] for i in range(w.shape[1])]
        expected = sum(products) + (0 if b is None else b[index[-1]])
        assert y[index] == pytest.approx(expected, rel=1e-12, abs=1e-13)


@settings(max_examples=20)
@given(cases())
def test_gradients_of_both_orders(case):
    tensors = [mt.from_numpy(a).requires_grad_() for a in case if a is not None]
    assert gradcheck(F.linear, tensors)
    assert gradgradcheck(F.linear, tensors)


def test_same_as_torch_with_only_some_gradients_needed():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((5, 4)), rng.standard_normal(5)
    cotangent = rng.standard_normal((2, 3, 5))
    for needed in range(1, 8):
        results = []
        for lib in (mt, torch):
            tensors = [lib.from_numpy(a) for a in (x, w, b)]
            for i, tensor in enumerate(tensors):
                tensor.requires_grad_(bool(needed >> i & 1))
            y = lib.nn.functional.linear(*tensors)
            y.backward(lib.from_numpy(cotangent))
            grads = [None if t.grad is None else t.grad.numpy() for t in tensors]
            results.append([y.detach().numpy(), *grads])
        for ours, theirs in zip(*results, strict=True):
            assert (ours is None) == (theirs is None)
            if ours is not None:
                np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_weight_of_one_dimension_takes_the_last_dimension_away():
    x = mt.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert F.linear(x, mt.tensor([10.0, 1.0])).tolist() == [12.0, 34.0]
    assert F.linear(x, mt.tensor([10.0, 1.0]), mt.tensor(0.5)).tolist() == [12.5, 34.5]


@pytest.mark.parametrize(
    "x, w, b, message",
    [
        (mt.zeros(2, 3), mt.zeros(4, 5), None, r"\[2, 3\] .*\[4, 5\] cannot be multiplied"),
        (mt.zeros(()), mt.zeros(4, 5), None, "cannot be multiplied"),
        (mt.zeros(2, 5), mt.zeros(4, 5), mt.zeros(5), r"bias must have shape \[4\].*\[5\]"),
        (mt.zeros(2, 5), mt.zeros(4, 5).double(), None, "float32 and minitorch_cnn.float64"),
        (mt.zeros(2, 5), mt.zeros(4, 5), mt.zeros(4).half(), "float32 and minitorch_cnn.float16"),
    ],
)
def test_what_does_not_fit_is_quoted(x, w, b, message):
    with pytest.raises(RuntimeError, match=message):
        F.linear(x, w, b)


def test_layer_prints_and_starts_as_torchs():
    torch = pytest.importorskip("torch")
    for args, kwargs in (((3, 4), {}), ((3, 4, False), {}), ((5, 2), {"bias": True})):
        ours, theirs = nn.Linear(*args, **kwargs), torch.nn.Linear(*args, **kwargs)
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        assert [tuple(p.shape) for p in ours.parameters()] == [
            tuple(p.shape) for p in theirs.parameters()
        ]


def test_initial_values_are_uniform_within_one_over_the_root_of_the_inputs():
    mt.manual_seed(0)
    layer = nn.Linear(400, 300)
    for values in (layer.weight.detach().numpy().ravel(), layer.bias.detach().numpy()):
        bound = 1 / math.sqrt(400)
        assert np.abs(values).max() <= bound
        # the standard deviation of a uniform distribution, within five of its standard errors
        expected = bound / math.sqrt(3)
        assert abs(values.std() - expected) < 5 * expected * 0.45 / math.sqrt(values.size)
        assert abs(values.mean()) < 5 * expected / math.sqrt(values.size)
    weight = layer.weight.tolist()
    mt.manual_seed(0)
    assert nn.Linear(400, 300).weight.tolist() == weight
    layer.reset_parameters()
    assert layer.weight.tolist() != weight


def test_layer_with_a_dtype_and_without_inputs():
    assert nn.Linear(2, 3, dtype=mt.float64).weight.dtype is mt.float64
    with pytest.warns(UserWarning, match="zero-element"):
        empty = nn.Linear(0, 2)
    assert empty(mt.zeros(4, 0)).tolist() == [[0.0, 0.0]] * 4


def values(seed, *shape):
    return np.random.default_rng(seed).uniform(0.1, 2.0, shape)


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_is_torchs(bias):
    torch = pytest.importorskip("torch")
    ours, theirs = (lib.nn.Bilinear(3, 4, 5, bias=bias, dtype=lib.float64) for lib in (mt, torch))
    assert repr(ours) == repr(theirs)
    assert float(abs(ours.weight).max()) <= 3**-0.5
    theirs.load_state_dict({k: torch.tensor(v.numpy()) for k, v in ours.state_dict().items()})
    x, y = values(0, 2, 3), values(1, 2, 4)
    got = ours(mt.tensor(x), mt.tensor(y)).detach().numpy()
    expected = theirs(torch.tensor(x), torch.tensor(y)).detach().numpy()
    np.testing.assert_allclose(got, expected, atol=1e-12)
    with pytest.raises(ValueError, match="0"):
        nn.Bilinear(0, 4, 5)
