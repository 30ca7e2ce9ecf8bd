"""How samples move with the parameters: gamma's and beta's, by the distribution function."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt
from minitorch_cnn.kernels.array import sample_gradients, special_more
from minitorch_cnn.kernels.array.special import lgamma


def beta_function(a, b, x):
    """The regularized incomplete beta function by its power series, which has positive terms."""
    term = np.exp(lgamma(a + b) - lgamma(a + 1) - lgamma(b) + a * np.log(x) + b * np.log1p(-x))
    total = np.zeros_like(x)
    for k in range(5000):
        total += term
        term = term * x * (a + b + k) / (a + 1 + k)
    return total


@pytest.mark.parametrize("a", [0.01, 0.3, 1.0, 7.0, 150.0, 3000.0])
def test_gamma_gradient_is_that_of_equal_ranks(a):
    x = np.random.default_rng(0).gamma(a, size=50)
    x = np.concatenate([x, [a * 1e-3, a * 0.5, a + 0.5, a * 3]])
    a = np.full_like(x, a)
    h = 1e-4 * a / (1 + np.sqrt(a))
    difference = (special_more.gammainc(a + h, x)[1] - special_more.gammainc(a - h, x)[1]) / (2 * h)
    density = np.exp((a - 1) * np.log(x) - x - lgamma(a))
    seen = density > 1e-12
    slope = sample_gradients.gamma_gradient(a, x)
    np.testing.assert_allclose(slope[seen], difference[seen] / density[seen], rtol=2e-4)


@pytest.mark.parametrize("a", [0.05, 1.0, 20.0])
@pytest.mark.parametrize("b", [0.05, 1.0, 20.0, 400.0])
def test_beta_gradient_is_that_of_equal_ranks(a, b):
    x = np.random.default_rng(0).beta(a, b, size=50)
    x = x[(x > 1e-12) & (x < 0.99)]
    a, b = np.full_like(x, a), np.full_like(x, b)
    h = 1e-5 * a
    rise = (beta_function(a + h, b, x) - beta_function(a - h, b, x)) / (2 * h)
    log = (a - 1) * np.log(x) + (b - 1) * np.log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)
    slope = sample_gradients.beta_gradient(a, b, x, 1 - x)
    assert len(x) > 3
    np.testing.assert_allclose(slope, -rise / np.exp(log), rtol=2e-4)


def test_samples_have_gradients_of_torchs_sign_and_size():
    torch = pytest.importorskip("torch")
    cases = {
        "Gamma": (2.5, 0.7), "Beta": (0.6, 3.0), "StudentT": (4.0, 1.0, 2.0), "Chi2": (3.0,),
        "FisherSnedecor": (3.0, 5.0), "InverseGamma": (3.0, 2.0),
    }  # fmt: skip
    for name, numbers in cases.items():
        found = []
        for lib in (mt, torch):
            lib.manual_seed(3)
            parameters = [
                lib.full((200,), each, dtype=lib.float64, requires_grad=True) for each in numbers
            ]
            distribution = getattr(lib.distributions, name)(*parameters)
            assert distribution.has_rsample
            x = distribution.rsample()
            x.sum().backward()
            found.append([x.detach().numpy(), *(p.grad.numpy() for p in parameters)])
        np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-10, err_msg=name)
        for ours, theirs in zip(found[0][1:], found[1][1:], strict=True):
            # torch's formula is an approximation with about three digits
            np.testing.assert_allclose(ours, theirs, rtol=3e-3, atol=2e-4, err_msg=name)


def test_dirichlet_moves_along_the_simplex():
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        lib.manual_seed(0)
        alpha = lib.tensor([0.5, 2.0, 7.0], dtype=lib.float64).expand(100, 3).clone()
        alpha.requires_grad_()
        x = lib.distributions.Dirichlet(alpha).rsample()
        (x * lib.tensor([3.0, -1.0, 2.0], dtype=lib.float64)).sum().backward()
        found.append(alpha.grad.numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=2e-3, atol=1e-6)
    alpha = mt.full((50, 3), 2.0, requires_grad=True)
    mt.distributions.Dirichlet(alpha).rsample().sum().backward()  # which is 1, wherever they go
    np.testing.assert_allclose(alpha.grad.numpy(), 0, atol=1e-5)


def test_means_of_gradients_are_gradients_of_means():
    mt.manual_seed(0)
    a = mt.tensor(3.0, dtype=mt.float64, requires_grad=True)
    mt.distributions.Gamma(a, 2.0).rsample((20000,)).mean().backward()
    assert a.grad.item() == pytest.approx(0.5, abs=0.02)
    with pytest.raises(RuntimeError, match="twice"):
        x = mt.distributions.Gamma(a, 2.0).rsample()
        (g,) = mt.autograd.grad(x, a, create_graph=True)
        g.backward()


def test_tiny_concentrations():
    mt.manual_seed(1)
    x = mt.distributions.Beta(mt.tensor(0.01), mt.tensor(0.01)).sample((5000,))
    assert not bool(((x == 0) | (x == 1)).any())
    assert (x < 0.1).sum().item() / 5000 == pytest.approx(0.5, abs=0.05)
    none = mt.distributions.NegativeBinomial(mt.tensor([0.0]), mt.tensor([0.5])).sample((5,))
    assert none.tolist() == [[0.0]] * 5


def test_modes():
    d = mt.distributions
    assert d.Beta(3.0, 2.0).mode.item() == pytest.approx(2 / 3)
    assert d.Dirichlet(mt.tensor([0.5, 0.9])).mode.tolist() == [0.0, 1.0]
    assert d.Geometric(0.3).mode.item() == 0 and d.Poisson(2.5).mode.item() == 2
    assert d.Exponential(2.0).mode.item() == 0 and math.isnan(d.Uniform(0.0, 1.0).mode.item())
    assert d.OneHotCategorical(mt.tensor([0.2, 0.8])).mode.tolist() == [0.0, 1.0]
    x = np.linspace(0.001, 0.999, 999)
    for a, b in ((2.0, 3.0), (1.5, 1.0)):
        density = d.Kumaraswamy(a, b).log_prob(mt.tensor(x, dtype=mt.float32)).numpy()
        assert d.Kumaraswamy(a, b).mode.item() == pytest.approx(x[density.argmax()], abs=2e-3)
