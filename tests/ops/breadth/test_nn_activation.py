"""The rarer activations: their formulas, torch, and gradients of any order."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from torch_oracle import LAYOUTS, array, check_gradients

import minitorch_cnn as mt
from minitorch_cnn.nn import functional as F

SHAPES = st.lists(st.integers(1, 4), max_size=3).map(tuple)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# name, options, formula of one number, kinks
CASES = [
    ("celu", dict(alpha=0.7), lambda x: x if x > 0 else 0.7 * math.expm1(x / 0.7), ()),
    ("celu", {}, lambda x: x if x > 0 else math.expm1(x), ()),
    ("softsign", {}, lambda x: x / (1 + abs(x)), ()),
    ("tanhshrink", {}, lambda x: x - math.tanh(x), ()),
    ("softshrink", dict(lambd=0.3), lambda x: math.copysign(max(abs(x) - 0.3, 0), x), (-0.3, 0.3)),
    ("softshrink", {}, lambda x: math.copysign(max(abs(x) - 0.5, 0), x), (-0.5, 0.5)),
    ("hardshrink", {}, lambda x: x if abs(x) > 0.5 else 0.0, (-0.5, 0.5)),
    ("hardshrink", dict(lambd=1.0), lambda x: x if abs(x) > 1 else 0.0, (-1.0, 1.0)),
    ("rrelu", {}, lambda x: x if x > 0 else x * (1 / 8 + 1 / 3) / 2, (0.0,)),
    ("rrelu", dict(lower=0.2, upper=0.6), lambda x: x if x > 0 else 0.4 * x, (0.0,)),
]


@pytest.mark.parametrize("name, options, formula, kinks", CASES)
@given(shape=SHAPES, layout=st.sampled_from(LAYOUTS), seed=st.integers(0, 2**32 - 1))
def test_formula_and_gradients(name, options, formula, kinks, shape, layout, seed):
    x = array(seed, shape, -3.0, 3.0, layout)
    for kink in kinks:  # a difference across a kink is no derivative
        x = np.where(abs(x - kink) < 1e-3, kink + 0.01, x)
    function = getattr(F, name)
    y = function(mt.from_numpy(x), **options)
    np.testing.assert_allclose(y.numpy(), np.vectorize(formula, otypes=[float])(x), atol=1e-14)
    check_gradients(lambda a: function(a, **options), x)


@pytest.mark.parametrize("name", ["celu", "softsign", "tanhshrink", "softshrink", "hardshrink"])
def test_special_numbers_kinks_and_float32_are_torchs(name):
    torch = pytest.importorskip("torch")
    x = np.array([0.0, -0.0, 0.5, -0.5, np.inf, -np.inf, np.nan, 800.0, -800.0], np.float32)
    ours, theirs = mt.from_numpy(x).requires_grad_(), torch.from_numpy(x).requires_grad_()
    y, expected = getattr(F, name)(ours), getattr(torch.nn.functional, name)(theirs)
    assert y.dtype is mt.float32
    np.testing.assert_allclose(y.detach().numpy(), expected.detach().numpy(), rtol=1e-6)
    y.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(ours.grad.numpy()[:6], theirs.grad.numpy()[:6], rtol=1e-6)


@pytest.mark.parametrize("name", ["celu_", "rrelu_"])
def test_in_place(name):
    x = mt.tensor([-1.0, 2.0])
    function = getattr(F, name)
    assert function(x) is x
    assert x.tolist() == getattr(F, name[:-1])(mt.tensor([-1.0, 2.0])).tolist()
    assert getattr(F, name[:-1])(y := mt.tensor([-1.0, 2.0]), inplace=True) is y


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(-3, 2),
    st.integers(0, 2**32 - 1),
)
def test_glu_halves_a_dimension(shape, dim, seed):
    dim = dim % len(shape)
    shape[dim] *= 2
    x = array(seed, shape)
    values, gates = np.split(x, 2, dim)
    np.testing.assert_allclose(
        F.glu(mt.from_numpy(x), dim).numpy(), values / (1 + np.exp(-gates)), rtol=1e-12
    )
    check_gradients(lambda a: F.glu(a, dim), x)


def test_glu_needs_an_even_length():
    with pytest.raises(RuntimeError, match="size 3"):
        F.glu(mt.zeros(2, 3))
    with pytest.raises(RuntimeError, match="scalars"):
        F.glu(mt.tensor(1.0))


def test_rrelu_draws_slopes_while_training():
    x = mt.cat([mt.full((4000,), -1.0), mt.full((10,), 3.0)]).requires_grad_()
    y = F.rrelu(x, 0.2, 0.6, training=True)
    slopes = -y.detach().numpy()[:4000]
    assert 0.2 <= slopes.min() < 0.21 and 0.59 < slopes.max() <= 0.6
    assert slopes.mean() == pytest.approx(0.4, abs=0.01)
    assert y[4000:].tolist() == [3.0] * 10
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy()[:4000], slopes)


def test_gumbel_softmax_chooses_by_the_probabilities():
    logits = mt.tensor([1.0, 0.0, -1.0], dtype=mt.float64).expand(20000, 3)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(hard.flatten().tolist()) == {0.0, 1.0} and bool((hard.sum(1) == 1).all())
    np.testing.assert_allclose(hard.mean(0).numpy(), logits[0].softmax(0).numpy(), atol=0.01)
    mt.manual_seed(3)
    soft = F.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(soft.sum(1).numpy(), 1.0)
    # The gradient of the hard choice is that of the soft one.
    u = mt.randn(20000, 3, dtype=mt.float64)
    gradients = []
    for hard in (False, True):
        x = logits.clone().requires_grad_()
        mt.manual_seed(3)
        F.gumbel_softmax(x, tau=0.5, hard=hard).backward(u)
        gradients.append(x.grad.numpy())
    np.testing.assert_allclose(gradients[0], gradients[1])
    assert abs(gradients[0]).max() > 0.1


@pytest.mark.parametrize(
    "function, options, words",
    [
        (F.celu, dict(alpha=0.0), "alpha=0"),
        (F.softshrink, dict(lambd=-1.0), "-1"),
        (F.rrelu, dict(lower=0.5, upper=0.25), "0.25"),
    ],
)
def test_wrong_settings_are_refused(function, options, words):
    with pytest.raises(RuntimeError, match=words):
        function(mt.ones(2), **options)


def test_integers_are_refused():
    for name in ("celu", "glu", "rrelu", "softshrink", "hardshrink"):
        with pytest.raises(NotImplementedError, match="int64"):
            getattr(F, name)(mt.tensor([1, 2]))
