"""The less common distributions, and transforms, beside torch's: values, gradients, samples."""

import math

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

A = [[0.3, 1.7, 0.9], [2.4, 0.6, 1.1]]
B = [[1.2, 0.4, 2.2], [0.7, 1.9, 0.8]]
P = [[0.2, 0.7, 0.4], [0.9, 0.5, 0.1]]
COUNTS = [[1.0, 0, 3], [0, 2, 1]]
ROWS = [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]
POINTS = [[2.5, 0.7, 2.3], [0.9, 3.1, 1.2]]  # above all of B
MATRIX = [[1.2, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.4, 0.5, 0.9]]

# an expression in d (distributions), t (transforms), a, b, p (parameters) and m, and a value
CASES = {
    "d.StudentT(a + 2.5, b, p)": P,
    "d.StudentT(a)": P,
    "d.Cauchy(a, b)": P,
    "d.HalfNormal(a)": P,
    "d.HalfCauchy(a)": P,
    "d.Pareto(b, a + 2.5)": POINTS,
    "d.Weibull(a, b + 1)": P,
    "d.Kumaraswamy(a, b)": P,
    "d.InverseGamma(a + 2.5, b)": P,
    "d.FisherSnedecor(a + 2.5, b + 4.5)": P,
    "d.VonMises(a, b)": P,
    "d.Binomial(4, p)": COUNTS,
    "d.Binomial(4, logits=a)": COUNTS,
    "d.NegativeBinomial(b, p)": COUNTS,
    "d.NegativeBinomial(3, logits=-a)": COUNTS,
    "d.Multinomial(4, a)": [[1.0, 0, 3], [2, 2, 0]],
    "d.Multinomial(4, logits=a)": [[1.0, 0, 3], [2, 2, 0]],
    "d.LogisticNormal(a[:, :2], b[:, :2])": ROWS,
    "d.RelaxedBernoulli(a[0, 0], p)": P,
    "d.RelaxedBernoulli(b[0, 0], logits=a)": P,
    "d.RelaxedOneHotCategorical(a[0, 0], b)": ROWS,
    "d.RelaxedOneHotCategorical(a[0, 0], logits=b)": ROWS,
    "d.OneHotCategoricalStraightThrough(a)": [[0.0, 0, 1], [1, 0, 0]],
    "d.MultivariateNormal(a, m @ m.mT)": P,
    "d.MultivariateNormal(a, scale_tril=m.tril())": P,
    "d.MultivariateNormal(a, precision_matrix=m @ m.mT)": P,
    "d.LowRankMultivariateNormal(a, m[:, :2], b)": P,
    "d.MixtureSameFamily(d.Categorical(a), d.Normal(b, p))": [0.3, 0.8],
    "d.MixtureSameFamily(d.Categorical(a[0]), d.Independent(d.Normal(m, m.exp()), 1))": P,
    "d.TransformedDistribution(d.Normal(a, b), t.ExpTransform())": P,
    "d.TransformedDistribution(d.Normal(a, b), [t.AffineTransform(p, -b), t.ExpTransform()])": P,
    "d.TransformedDistribution(d.Normal(a, b), [t.TanhTransform()])": P,
    "d.TransformedDistribution(d.Normal(a[0], b[0]), [t.AffineTransform(a, 2.0, event_dim=1)])": P,
    "d.TransformedDistribution(d.Normal(a[:, :2], p[:, :2]), t.StickBreakingTransform())": ROWS,
    "d.TransformedDistribution(d.Independent(d.Normal(a, b), 1), t.ReshapeTransform((3,), (3, 1)))":
    np.array(P)[:, :, None].tolist(),
}  # fmt: skip
QUANTITIES = ("log_prob", "entropy", "mean", "variance", "stddev", "mode", "cdf", "icdf")


def made(lib, expression):
    names = {"a": A, "b": B, "p": P, "m": MATRIX}
    leaves = {
        name: lib.tensor(each, dtype=lib.float64, requires_grad=True)
        for name, each in names.items()
    }
    d = lib.distributions
    return eval(expression, {"d": d, "t": d.transforms, **leaves}), list(leaves.values())


def with_gradients(lib, y, leaves):
    found = [y.detach().double().numpy()]
    if y.requires_grad:
        cotangent = lib.tensor(np.random.default_rng(0).normal(size=tuple(y.shape)))
        for grad in lib.autograd.grad(y, leaves, cotangent, retain_graph=True, allow_unused=True):
            found.append(np.zeros(1) if grad is None else grad.numpy())
    return found


def quantity(lib, expression, name):
    distribution, leaves = made(lib, expression)
    value = lib.tensor(CASES[expression], dtype=lib.float64)
    if name == "icdf":
        value = lib.tensor(P, dtype=lib.float64)
    try:
        y = getattr(distribution, name)
        y = y(value) if name in ("log_prob", "cdf", "icdf") else y() if name == "entropy" else y
        return with_gradients(lib, y, leaves)
    except (NotImplementedError, AttributeError):
        return None


def compare(ours, theirs, rtol=1e-7):
    for mine, other in zip(ours, theirs, strict=True):
        if mine.any() or other.any():  # None and zeros are the same gradient
            np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("expression", CASES)
def test_quantities_are_torchs(expression):
    seen = 0
    for name in QUANTITIES:
        ours, theirs = (quantity(lib, expression, name) for lib in (mt, torch))
        if theirs is None:
            assert ours is None or name in ("mode", "entropy", "cdf", "icdf"), name
            continue
        if name == "mode" and "Kumaraswamy" in expression:
            continue  # torch's is NaN where b is above 1; see test_modes
        if ours is None:
            assert name in ("mode", "cdf", "icdf", "stddev"), name
            continue
        compare(ours, theirs, 1e-6 if "VonMises" in expression else 1e-7)  # torch's has 7 digits
        seen += 1
    assert seen >= 1


@pytest.mark.parametrize("expression", CASES)
def test_samples_are_torchs(expression):
    found = []
    for lib in (mt, torch):
        lib.manual_seed(3)
        distribution, leaves = made(lib, expression)
        drawn = distribution.sample((4,))
        assert drawn.shape == (4, *distribution.batch_shape, *distribution.event_shape)
        assert not drawn.requires_grad
        values = [drawn.numpy()]
        if distribution.has_rsample if lib is mt else len(found[0]) > 1:
            values += with_gradients(lib, distribution.rsample((2,)), leaves)
        found.append(values)
        wide = distribution.expand((5, *distribution.batch_shape))
        assert wide.sample().shape == (5, *distribution.batch_shape, *distribution.event_shape)
        assert wide.log_prob(wide.sample()).shape == (5, *distribution.batch_shape)
    ours, theirs = found
    compare(ours[:1], theirs[:1], rtol=1e-6)
    # torch's derivatives of gamma distributed numbers have three digits; ours are checked by
    # differences, in test_sample_gradients.py.
    rough = any(kind in expression for kind in ("StudentT", "Gamma", "FisherSnedecor"))
    compare(ours[1:], theirs[1:], rtol=2e-2 if rough else 1e-6)


@pytest.mark.parametrize(
    "p, q",
    [
        ("d.HalfNormal(a)", "d.HalfNormal(b)"),
        ("d.Binomial(4, p)", "d.Binomial(4, logits=a)"),
        ("d.MultivariateNormal(a, m @ m.mT)", "d.MultivariateNormal(b, scale_tril=m.tril())"),
        (
            "d.TransformedDistribution(d.Normal(a, b), t.ExpTransform())",
            "d.TransformedDistribution(d.Normal(b, p), t.ExpTransform())",
        ),
    ],
)
def test_divergences_are_torchs(p, q):
    found = []
    for lib in (mt, torch):
        first, second = made(lib, p), made(lib, q)
        kl = lib.distributions.kl_divergence(first[0], second[0])
        found.append(with_gradients(lib, kl, first[1] + second[1]))
    compare(*found)


TRANSFORMS = (
    "t.ExpTransform()", "t.PowerTransform(b)", "t.SigmoidTransform()", "t.SoftplusTransform()",
    "t.TanhTransform()", "t.AbsTransform()", "t.AffineTransform(a, b)",
    "t.AffineTransform(1.0, -2.0, event_dim=1)", "t.SoftmaxTransform()",
    "t.StickBreakingTransform()", "t.ReshapeTransform((3,), (1, 3))",
    "t.IndependentTransform(t.ExpTransform(), 1)", "t.LowerCholeskyTransform()",
    "t.ComposeTransform([t.AffineTransform(a, b), t.StickBreakingTransform()])",
    "t.ComposeTransform([])", "t.TanhTransform().inv", "t.SigmoidTransform().inv",
    "t.ComposeTransform([t.ExpTransform(), t.IndependentTransform(t.SoftplusTransform(), 1)]).inv",
)  # fmt: skip


@pytest.mark.parametrize("expression", TRANSFORMS)
def test_transforms_are_torchs(expression):
    found = []
    for lib in (mt, torch):
        transform, leaves = made(lib, expression)
        x = (
            leaves[3]
            if "Cholesky" in expression
            else leaves[2]
            if ".inv" in expression
            else leaves[0]
        )
        if expression.startswith("t.ComposeTransform([t.ExpTransform"):
            x = lib.tensor(POINTS, dtype=lib.float64) + 2
        y = transform(x)
        values = with_gradients(lib, y, leaves)
        if transform.bijective or "Abs" in expression or "Cholesky" in expression:
            values += [transform.inv(y).detach().numpy()]
        try:
            values += with_gradients(lib, transform.log_abs_det_jacobian(x, y), leaves)
        except NotImplementedError:
            assert not transform.bijective
        found.append(values)
        assert tuple(transform.forward_shape(x.shape)) == tuple(y.shape)
        assert tuple(transform.inverse_shape(y.shape)) == tuple(x.shape)
        found[-1].append(np.array([transform.domain.event_dim, transform.codomain.event_dim]))
        assert transform.inv.inv == transform or isinstance(transform, lib.distributions.Transform)
    compare(*found)


def test_a_cached_inverse_is_exact():
    for lib in (mt, torch):
        transform = lib.distributions.SigmoidTransform(cache_size=1)
        x = lib.tensor([40.0])
        assert transform.inv(transform(x)) is x
        other = transform.with_cache(0)
        assert other.inv(other(x)) is not x
        with pytest.raises(ValueError, match="cache_size"):
            lib.distributions.ExpTransform(2)


@pytest.mark.parametrize(
    "call",
    [
        "d.TransformedDistribution(d.Normal(0.0, 1.0), 3)",
        "d.TransformedDistribution(d.Normal(0.0, 1.0), t.StickBreakingTransform())",
        "d.MultivariateNormal(a)",
        "d.MultivariateNormal(a, m, m)",
        "d.MultivariateNormal(a, -m @ m.mT)",
        "d.MultivariateNormal(a, scale_tril=m.mT)",
        "d.MixtureSameFamily(d.Normal(a, b), d.Normal(a, b))",
        "d.MixtureSameFamily(d.Categorical(a[:, :2]), d.Normal(a, b))",
        "d.LowRankMultivariateNormal(a, m[:2], b)",
        "d.ReshapeTransform((3,), (4,))",
        "d.Binomial(-1, p)",
        "d.HalfNormal(-b)",
        "d.RelaxedBernoulli(a[0, 0])",
    ],
)
def test_refusals(call):
    for lib in (mt, torch):
        with pytest.raises(ValueError):
            made(lib, call)


def test_constraints():
    c = mt.distributions.constraints
    m = mt.tensor(MATRIX)
    assert c.lower_cholesky.check(mt.stack([m, m.mT, -m])).tolist() == [True, False, False]
    assert c.lower_triangular.check(-m).item() and not c.lower_triangular.check(m.mT).item()
    assert c.positive_definite.check(mt.stack([m @ m.mT, m, -m @ m.mT])).tolist() == [
        True,
        False,
        False,
    ]
    x = mt.tensor([0.0, 0.5, 1.0])
    assert c.half_open_interval(0, 1).check(x).tolist() == [True, True, False]
    assert c.less_than(0.5).check(x).tolist() == [True, False, False]
    assert c.multinomial(2).check(mt.tensor([[1.0, 1.0], [2.0, 1.0], [-1.0, 2.0]])).tolist() == [
        True, False, False,
    ]  # fmt: skip


def test_what_distributions_show():
    """As torch 2.13, but for Sizes, which have this package's name."""
    d, two, size = mt.distributions, mt.tensor([0.5, 0.25]), "minitorch_cnn.Size"
    rows = mt.tensor([[0.2, 0.8], [0.5, 0.5]])
    for found, expected in (
        (d.Bernoulli(0.5), "Bernoulli(probs: 0.5)"),
        (d.Bernoulli(logits=two), f"Bernoulli(logits: {size}([2]))"),
        (d.Binomial(3, two), f"Binomial(total_count: {size}([2]), probs: {size}([2]))"),
        (d.NegativeBinomial(3, 0.5), "NegativeBinomial(total_count: 3.0, probs: 0.5)"),
        (d.Categorical(rows), f"Categorical(probs: {size}([2, 2]))"),
        (
            d.OneHotCategoricalStraightThrough(rows),
            f"OneHotCategoricalStraightThrough(probs: {size}([2, 2]))",
        ),
    ):
        assert repr(found) == expected
    assert "tensor" not in repr(d.Wishart(mt.tensor([3.0, 4.0]), mt.eye(2)))


def test_what_classes_know_of_their_support():
    d = mt.distributions
    for kind, facts in (
        (d.Uniform, (0, False)),
        (d.Binomial, (0, True)),
        (d.Categorical, (0, True)),
        (d.Multinomial, (1, True)),
        (d.Pareto, (0, False)),
    ):
        assert (kind.support.event_dim, kind.support.is_discrete) == facts
    for kind in (d.Independent, d.MixtureSameFamily, d.TransformedDistribution):
        with pytest.raises(NotImplementedError, match="event_dim cannot be determined statically"):
            kind.support.event_dim  # noqa: B018
    made = d.constraints.dependent(is_discrete=True)
    assert made.is_discrete and made(event_dim=2).is_discrete and made(event_dim=2).event_dim == 2


@pytest.mark.parametrize("dtype", [mt.float32, mt.float64])
def test_continuous_bernoulli_of_extreme_logits(dtype):
    """Where probs would be 0 or 1 it is eps away, as in torch: nothing is infinite."""
    eps = mt.finfo(dtype).eps
    large = math.log((math.log1p(-eps) - math.log(eps)) / (1 - 2 * eps))
    for size in (1e38, 200.0):
        logits = mt.tensor([-size, size], dtype=dtype, requires_grad=True)
        found = mt.distributions.ContinuousBernoulli(logits=logits)
        density = found.log_prob(mt.tensor([0.0, 1.0], dtype=dtype))
        assert density.tolist() == pytest.approx([large, large], rel=1e-5)
        (slope,) = mt.autograd.grad(density.sum(), logits)
        assert slope.tolist() == pytest.approx([0.0, 0.0], abs=1e-80)
        half = mt.full((2,), 0.25, dtype=dtype)
        for each in (found.mean, found.variance, found.entropy(), found.icdf(half)):
            assert bool(each.isfinite().all())


def test_a_density_on_a_circle_that_is_almost_a_point():
    """That of a normal distribution of variance 1 / k, to 1 / (8 k)."""
    for k in (1e3, 1e4, 1e6):
        found = mt.distributions.VonMises(
            mt.tensor(0.0, dtype=mt.float64), mt.tensor(k, dtype=mt.float64)
        )
        normal = 0.5 * math.log(k / (2 * math.pi)) - 1 / (8 * k)
        assert found.log_prob(mt.tensor(0.0, dtype=mt.float64)).item() == pytest.approx(
            normal, abs=1e-6
        )
