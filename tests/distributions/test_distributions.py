"""Distributions against torch's: densities, entropies, divergences and their gradients."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt

A = [[0.3, 1.7, 0.9], [2.4, 0.6, 1.1]]
B = [[1.2, 0.4, 2.2], [0.7, 1.9, 0.8]]
P = [[0.2, 0.7, 0.4], [0.9, 0.5, 0.1]]

# name: (parameters, a second set, a value of the support)
CASES = {
    "Normal": ((A, B), (B, A), P),
    "LogNormal": ((A, B), (B, A), P),
    "Laplace": ((A, B), (B, A), P),
    "Gumbel": ((A, B), None, P),
    "Uniform": (([[-1.0] * 3] * 2, A), ([[-2.0] * 3] * 2, (np.array(A) + 1).tolist()), P),
    "Exponential": ((A,), (B,), P),
    "Gamma": ((A, B), (B, A), P),
    "Chi2": ((A,), None, P),
    "Beta": ((A, B), (B, A), P),
    "Dirichlet": ((A,), (B,), [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]),
    "Bernoulli": ((P,), ([[0.5, 0.1, 0.3], [0.2, 0.8, 0.6]],), [[1.0, 0, 1], [0, 0, 1]]),
    "Geometric": ((P,), ([[0.5, 0.1, 0.3], [0.2, 0.8, 0.6]],), [[1.0, 0, 3], [0, 2, 1]]),
    "Poisson": ((A,), (B,), [[1.0, 0, 3], [0, 2, 1]]),
    "Categorical": ((A,), (B,), [2.0, 0.0]),
    "OneHotCategorical": ((A,), (B,), [[0.0, 0, 1], [1, 0, 0]]),
}
QUANTITIES = {
    "log_prob": lambda d, value: d.log_prob(value),
    "entropy": lambda d, value: d.entropy(),
    "mean": lambda d, value: d.mean,
    "variance": lambda d, value: d.variance,
    "stddev": lambda d, value: d.stddev,
    "mode": lambda d, value: d.mode.double(),
    "cdf": lambda d, value: d.cdf(value),
    "icdf": lambda d, value: d.icdf(value),
    "logits": lambda d, value: d.logits,
    "perplexity": lambda d, value: d.perplexity(),
    "enumerate_support": lambda d, value: d.enumerate_support().double(),
}


def leaves(lib, values):
    return [lib.tensor(each, dtype=lib.float64, requires_grad=True) for each in values]


def outcome(lib, name, quantity, seed=0):
    """The quantity of a distribution, and the gradients of its parameters; or the error's type."""
    parameters, _, value = CASES[name]
    parameters, value = leaves(lib, parameters), lib.tensor(value, dtype=lib.float64)
    try:
        y = QUANTITIES[quantity](getattr(lib.distributions, name)(*parameters), value)
    except (NotImplementedError, AttributeError):
        return None
    grads = [None] * len(parameters)
    if y.requires_grad:
        cotangent = np.random.default_rng(seed).normal(size=tuple(y.shape))
        grads = lib.autograd.grad(y, parameters, lib.tensor(cotangent), allow_unused=True)
    return [y.detach().numpy(), *(None if g is None else g.numpy() for g in grads)]


@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("name", CASES)
def test_quantities_are_torchs(name, quantity):
    torch = pytest.importorskip("torch")
    ours = outcome(mt, name, quantity)
    if ours is None and quantity in ("mode", "cdf", "enumerate_support"):
        return  # which some have in torch alone
    theirs = outcome(torch, name, quantity)
    if ours is None or theirs is None:
        assert ours is theirs
        return
    for mine, other in zip(ours, theirs, strict=True):
        if other is None or mine is None:  # None and zeros are the same gradient
            assert mine is None or not mine.any()
            assert other is None or not other.any()
        else:
            np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9, strict=True)


@pytest.mark.parametrize("name", [name for name, (_, other, _) in CASES.items() if other])
def test_divergences_are_torchs(name):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        kind = getattr(lib.distributions, name)
        first, second = leaves(lib, CASES[name][0]), leaves(lib, CASES[name][1])
        kl = lib.distributions.kl_divergence(kind(*first), kind(*second))
        cotangent = lib.tensor(np.random.default_rng(1).normal(size=tuple(kl.shape)))
        grads = lib.autograd.grad(kl, first + second, cotangent)
        found.append([kl.detach().numpy(), *(each.numpy() for each in grads)])
        same = lib.distributions.kl_divergence(kind(*first), kind(*first))
        np.testing.assert_allclose(same.detach().numpy(), 0, atol=1e-12)
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-7, atol=1e-9, strict=True)


def test_divergence_where_one_gives_no_chance():
    d = mt.distributions
    zero, half = mt.tensor([0.0]), mt.tensor([0.5])
    assert d.kl_divergence(d.Bernoulli(half), d.Bernoulli(zero)).item() == math.inf
    assert d.kl_divergence(d.Bernoulli(zero), d.Bernoulli(half)).item() == pytest.approx(
        math.log(2)
    )
    one = d.Categorical(mt.tensor([1.0, 0.0]))
    assert d.kl_divergence(d.Categorical(mt.ones(2)), one).item() == math.inf
    assert d.kl_divergence(d.Uniform(0.0, 2.0), d.Uniform(0.0, 1.0)).item() == math.inf
    for p, q in ((d.Normal(0.0, 1.0), d.LogNormal(0.0, 1.0)), (d.Normal(0.0, 1.0), one)):
        with pytest.raises(NotImplementedError, match="No KL"):
            d.kl_divergence(p, q)


def test_a_divergence_of_ones_own():
    class Mine(mt.distributions.Normal):
        pass

    @mt.distributions.register_kl(Mine, mt.distributions.Normal)
    def formula(p, q):
        return p.loc * 0 + 7

    mine = Mine(0.0, 1.0)
    assert mt.distributions.kl_divergence(mine, mt.distributions.Normal(0.0, 1.0)).item() == 7
    assert mt.distributions.kl_divergence(mt.distributions.Normal(0.0, 1.0), mine).item() == 0
    with pytest.raises(TypeError, match="subclasses"):
        mt.distributions.register_kl(int, Mine)


@pytest.mark.parametrize("name", CASES)
def test_samples_have_the_distributions_mean_and_variance(name):
    parameters = [mt.tensor(each, dtype=mt.float64) for each in CASES[name][0]]
    distribution = getattr(mt.distributions, name)(*parameters)
    drawn = distribution.sample((6000,))
    assert drawn.shape == (6000, *distribution.batch_shape, *distribution.event_shape)
    distribution.log_prob(drawn)  # all of them are in the support
    if name == "Categorical":
        counts = mt.nn.functional.one_hot(drawn, 3).double().mean(0)
        np.testing.assert_allclose(counts.numpy(), distribution.probs.numpy(), atol=0.04)
        return
    mean, spread = distribution.mean.numpy(), distribution.stddev.numpy()
    np.testing.assert_array_less(np.abs(drawn.mean(0).numpy() - mean), 0.08 * spread)
    if name not in ("LogNormal", "Exponential", "Gamma", "Chi2", "Geometric"):  # of long tails
        np.testing.assert_allclose(drawn.double().std(0).numpy(), spread, rtol=0.12)


@pytest.mark.parametrize(
    "name", ["Normal", "LogNormal", "Laplace", "Gumbel", "Uniform", "Exponential"]
)
def test_the_gradient_of_a_sample_is_that_of_its_quantile(name):
    """x = icdf(u; parameters) for the u that was drawn: so dx / d parameter at equal u."""
    parameters = leaves(mt, CASES[name][0])
    distribution = getattr(mt.distributions, name)(*parameters)
    assert distribution.has_rsample and not distribution.sample().requires_grad
    x = distribution.rsample((4,))
    u = distribution.cdf(x.detach()).detach()
    cotangent = mt.randn(*x.shape, dtype=mt.float64)
    ours = mt.autograd.grad(x, parameters, cotangent)
    wanted = mt.autograd.grad(distribution.icdf(u), parameters, cotangent)
    for mine, other in zip(ours, wanted, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-6, atol=1e-7)


def test_what_is_refused():
    d = mt.distributions
    for call in (
        lambda: d.Poisson(1.0).rsample(),
        lambda: d.Poisson(1.0).entropy(),
        lambda: d.LKJCholesky(2).mode,
        lambda: d.Normal(0.0, 1.0).enumerate_support(),
    ):
        with pytest.raises(NotImplementedError, match="is not supported"):
            call()
    for call in (
        lambda: d.Bernoulli(0.5, 0.5),
        lambda: d.Categorical(),
        lambda: d.Normal("a", 1.0),
    ):
        with pytest.raises(ValueError):
            call()


INVALID = {
    "d.Normal(0.0, -1.0)": "Expected parameter scale .* constraint GreaterThan",
    "d.Bernoulli(lib.tensor([1.5]))": "probs .* Interval",
    "d.Uniform(1.0, 0.0)": "low",
    "d.Exponential(1.0).log_prob(lib.tensor([-1.0]))": "within the support",
    "d.Categorical(lib.ones(3)).log_prob(lib.tensor([3]))": "within the support",
    "d.Normal(lib.zeros(3), 1.0).log_prob(lib.zeros(2))": "not broadcastable",
    "d.Dirichlet(lib.ones(3)).log_prob(lib.zeros(2))": "match event_shape",
    "d.Normal(0.0, 1.0).log_prob(0.0)": "must be a Tensor",
    "d.Independent(d.Normal(0.0, 1.0), 1)": "reinterpreted_batch_ndims",
}


@pytest.mark.parametrize("call, says", INVALID.items())
def test_parameters_and_values_are_checked(call, says):
    torch = pytest.importorskip("torch")
    for lib in (mt, torch):
        with pytest.raises(ValueError, match=says):
            eval(call, {"lib": lib, "d": lib.distributions})


def test_checks_can_be_left_out():
    assert mt.distributions.Normal(0.0, -1.0, validate_args=False).scale.item() == -1
    with pytest.raises(ValueError, match="True or False"):
        mt.distributions.Distribution.set_default_validate_args(3)


def test_independent_and_expand_are_torchs():
    torch = pytest.importorskip("torch")
    found = []
    for lib in (mt, torch):
        d = lib.distributions
        loc, scale = lib.tensor(A), lib.tensor(B)
        p, q = (d.Independent(d.Normal(*each), 1) for each in ((loc, scale), (scale, loc)))
        wide = p.expand((4, 2))
        found.append(
            [
                p.log_prob(lib.tensor(P)), p.entropy(), d.kl_divergence(p, q), wide.mean,
                d.Categorical(loc).expand((3, 2)).entropy(),
                d.Bernoulli(logits=loc).expand((3, 2, 3)).probs,
            ]
        )  # fmt: skip
        assert p.batch_shape == (2,) and p.event_shape == (3,) and wide.batch_shape == (4, 2)
        assert p.rsample((5,)).shape == (5, 2, 3) and p.has_rsample
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-5, strict=True)


def test_texts():
    d = mt.distributions
    assert repr(d.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"
    assert repr(d.Normal(mt.zeros(2), 1.0)).startswith("Normal(loc: minitorch_cnn.Size([2])")
    assert "Categorical(probs: " in repr(d.OneHotCategorical(mt.ones(3)))
    assert repr(d.Independent(d.Normal(mt.zeros(1), 1.0), 1)).startswith("Independent(Normal(")


TEXTS = """
    Bernoulli(0.25) Bernoulli(logits=zeros(2)) Binomial(5,0.25) Geometric(0.5) Normal(0.0,1.0)
    Binomial(tensor([3.0,4.0]),logits=zeros(2)) Categorical(ones(3)) Categorical(logits=zeros(2,3))
    ContinuousBernoulli(0.25) NegativeBinomial(3.0,0.25) Geometric(logits=tensor(0.0)) Poisson(3.0)
    Wishart(tensor(3.0),eye(2)) Wishart(tensor(3.0),scale_tril=eye(2)) Multinomial(3,ones(3))
    MultivariateNormal(zeros(2),scale_tril=eye(2)) Dirichlet(ones(3)) Gamma(1.0,ones(3))
    Independent(Normal(zeros(2),ones(2)),1) StudentT(3.0) Uniform(0.0,ones(3)) VonMises(0.0,1.0)
    Pareto(1.0,2.0) Weibull(1.0,2.0) Kumaraswamy(1.0,2.0) LKJCholesky(3,1.0) Cauchy(0.0,1.0)
    LowRankMultivariateNormal(zeros(2),ones(2,1),ones(2)) FisherSnedecor(1.0,2.0)
    Normal(0.0,-1.0) Categorical(tensor([0.5,-1.0])) Bernoulli(1.5) Normal(zeros(2),ones(3))
    Gamma(ones(3),zeros(3)) Dirichlet(tensor([1.0,-1.0])) ExpTransform().inv Poisson(-1.0)
    Normal(0.0,1.0).log_prob(tensor(float("nan"))) Categorical(ones(3)).log_prob(tensor(5))"""


def texts(library):
    """What distributions, or the errors in their place, say of themselves; first and later."""
    names, found = {**vars(library.distributions), "zeros": library.zeros}, []
    names.update({name: getattr(library, name) for name in ("ones", "eye", "tensor")})
    for text in TEXTS.split():
        try:
            made = eval(text, dict(names))
            found.append(repr(made))
            for name in ("probs", "logits"):
                getattr(made, name, None)
            found.append(repr(made))
        except (ValueError, RuntimeError) as error:
            found.append(str(error).partition(": shapes")[0])
    return [each.replace("minitorch_cnn.", "torch.") for each in found]


def test_texts_are_torchs():
    """Beta, Chi2 and others that keep their parameters inside name none of them in torch."""
    torch = pytest.importorskip("torch")
    assert texts(mt) == texts(torch)


def test_texts_say_what_was_given_and_found():
    found = texts(mt)
    assert found[:2] == [
        "Bernoulli(probs: 0.25)",
        "Bernoulli(probs: 0.25, logits: -1.0986123085021973)",
    ]
    wrong = "of distribution Normal(loc: 0.0, scale: -1.0) to satisfy the constraint GreaterThan"
    assert any(wrong in each for each in found)
