"""Random matrices, continuous Bernoulli, divergences of two kinds, constraints: beside torch's."""

import numpy as np
import pytest

import minitorch_cnn as mt

torch = pytest.importorskip("torch")

SCALE = [[1.2, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.4, 0.5, 0.9]]
CORR = [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.2, 0.4, 0.8944271909999159]]


def both(expression, **values):
    """The expression's value in both libraries, with gradients of its sum by the values."""
    results = []
    for lib in (mt, torch):
        given = {k: lib.tensor(v, dtype=lib.float64, requires_grad=True) for k, v in values.items()}
        names = {"d": lib.distributions, "c": lib.distributions.constraints, "lib": lib, **given}
        names["t"] = lib.distributions.transforms
        names["to"] = lib.distributions.transform_to
        y = eval(expression, names)
        if y.requires_grad:
            y.sum().backward()
        grads = [np.zeros(g.shape) if g.grad is None else g.grad.numpy() for g in given.values()]
        results.append([y.detach().numpy(), *grads])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9, err_msg=expression)


WISHART = ("d.Wishart(df, m @ m.mT)", "d.Wishart(df, scale_tril=m.tril())",
           "d.Wishart(df, precision_matrix=m @ m.mT)")  # fmt: skip


def test_wishart():
    for made in WISHART:
        for quantity in ("log_prob(x @ x.mT)", "entropy()", "mean", "mode", "variance"):
            both(f"{made}.{quantity}", df=[4.5, 5.0], m=SCALE, x=CORR)
    with pytest.raises(ValueError, match="df"):
        mt.distributions.Wishart(1.0, mt.eye(3))
    mt.manual_seed(0)
    wishart = mt.distributions.Wishart(mt.tensor(5.0), scale_tril=mt.tensor(SCALE))
    x = wishart.rsample((4000,))
    assert bool(wishart.support.check(x).all())
    np.testing.assert_allclose(x.mean(0).numpy(), wishart.mean.numpy(), atol=0.5)
    np.testing.assert_allclose(x.var(0).numpy(), wishart.variance.numpy(), rtol=0.15, atol=0.5)


def test_lkj_cholesky():
    for eta in (0.5, 1.0, 3.0):
        both("d.LKJCholesky(3, e).log_prob(x)", e=eta, x=CORR)
    for lib in (mt, torch):
        lib.manual_seed(0)
    ours, theirs = (lib.distributions.LKJCholesky(3, 2.0).sample((5,)) for lib in (mt, torch))
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)
    with pytest.raises(ValueError, match="dim=1"):
        mt.distributions.LKJCholesky(1)


def test_continuous_bernoulli():
    p = [0.1, 0.4995, 0.5, 0.50001, 0.9]
    for made in ("d.ContinuousBernoulli(p)", "d.ContinuousBernoulli(logits=p - 0.45)"):
        for quantity in ("log_prob(x)", "entropy()", "mean", "variance", "cdf(x)", "icdf(x)"):
            both(f"{made}.{quantity}", p=p, x=[0.3, 0.9, 0.2, 0.6, 0.7])


PARTS = {
    "Beta": "d.Beta(a, b)", "ContinuousBernoulli": "d.ContinuousBernoulli(a / 5)",
    "Exponential": "d.Exponential(b)", "Gamma": "d.Gamma(a, b)", "Gumbel": "d.Gumbel(a, b)",
    "Laplace": "d.Laplace(a, b)", "Normal": "d.Normal(a, b)", "Pareto": "d.Pareto(a, b + 2)",
    "Uniform": "d.Uniform(a / 9, a / 9 + b / 9)", "Cauchy": "d.Cauchy(a, b)",
    "Bernoulli": "d.Bernoulli(a / 5)", "Poisson": "d.Poisson(a)",
    "Binomial": "d.Binomial(9, a / 5)",
    "LogNormal": "d.LogNormal(a, b)",
    "LowRank": "d.LowRankMultivariateNormal(a, a[:, None] * b, b)",
    "Multivariate": "d.MultivariateNormal(b, scale_tril=(b + 1).diag())",
}  # fmt: skip


def test_divergence_of_each_pair():
    """All pairs for which torch has a formula have one here, with the same value."""
    known = 0
    for p in PARTS.values():
        for q in PARTS.values():
            q = q.replace("(a", "(e").replace(" b", " f").replace("(b", "(f").replace("a[", "e[")
            q = q.replace(" a", " e")
            call = f"d.kl_divergence({p}, {q})"
            values = {"a": [0.7, 2.1], "b": [1.3, 0.6], "e": [0.5, 1.7], "f": [0.8, 1.9]}
            try:
                theirs = eval(call, {"d": torch.distributions, **{
                    k: torch.tensor(v) for k, v in values.items()}})  # fmt: skip
            except NotImplementedError:
                continue
            known += 1
            ours = eval(call, {"d": mt.distributions, **{
                k: mt.tensor(v) for k, v in values.items()}})  # fmt: skip
            np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-4, err_msg=call)
    assert known > 60
    with pytest.raises(NotImplementedError):
        mt.distributions.kl_divergence(
            mt.distributions.LogNormal(0.0, 1.0), mt.distributions.Exponential(1.0)
        )


CHECKS = {
    "c.corr_cholesky": [CORR, SCALE],
    "c.symmetric": [SCALE, [[1.0, 2.0, 3.0], [2.0, 1.0, 0.0], [3.0, 0.0, 1.0]]],
    "c.positive_semidefinite": [[[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, -1.0]]],
    "c.positive_integer": [0.0, 1.0, 2.5],
    "c.cat([c.positive, c.real], 0, [1, 2])": [-1.0, -1.0, 3.0],
    "c.stack([c.positive, c.unit_interval], -1)": [[2.0, 0.5], [-1.0, 3.0]],
    "c.independent(c.positive, 1)": [[2.0, 0.5], [-1.0, 3.0]],
}


def test_constraints_and_their_transforms():
    for made, values in CHECKS.items():
        for value in values if "cat" not in made else [values]:
            both(f"{made}.check(x)", x=value)
    for made, shape in {
        "c.real": (3,), "c.positive": (3,), "c.less_than(2.0)": (3,), "c.unit_interval": (3,),
        "c.interval(-1.0, 3.0)": (3,), "c.simplex": (3,), "c.lower_cholesky": (2, 2),
        "c.positive_definite": (2, 2), "c.corr_cholesky": (6,), "c.independent(c.real, 1)": (3,),
        "c.cat([c.positive, c.real], 0, [1, 2])": (3,), "c.stack([c.positive, c.real])": (2,),
    }.items():  # fmt: skip
        x = np.random.default_rng(0).normal(size=shape).tolist()
        both(f"to({made})(x)", x=x)
        both(f"to({made}).inv(to({made})(x))", x=x)
    x = np.random.default_rng(0).normal(size=(2, 3)).tolist()
    corr = "t.CorrCholeskyTransform()"
    both(f"{corr}.log_abs_det_jacobian(x, {corr}(x))", x=x)
    parts = "([t.ExpTransform(), t.AffineTransform(1.0, 2.0)], dim=0)"
    for kind in ("Cat", "Stack"):
        both(f"t.{kind}Transform{parts}.log_abs_det_jacobian(x, t.{kind}Transform{parts}(x))", x=x)
    cdf = "t.CumulativeDistributionTransform(d.Normal(0.0 * x, 0.0 * x + 1))"
    both(f"{cdf}(x) + {cdf}.log_abs_det_jacobian(x, x)", x=x)
    both(f"{cdf}.inv(x.sigmoid())", x=x)


def test_support_of_a_class():
    for name in mt.distributions.__all__:
        ours, theirs = (getattr(lib.distributions, name) for lib in (mt, torch))
        if isinstance(ours, type) and issubclass(ours, mt.distributions.Distribution):
            try:
                facts = theirs.support.event_dim, theirs.support.is_discrete
            except (NotImplementedError, AttributeError):
                continue
            assert (ours.support.event_dim, ours.support.is_discrete) == facts, name


def test_what_is_unfinished_warns():
    class Plain(mt.distributions.Distribution):
        pass

    with pytest.warns(UserWarning, match="arg_constraints"):
        plain = Plain()
    with pytest.warns(UserWarning, match="support"):
        plain._validate_sample(mt.zeros(()))
