"""Probability distributions with torch.distributions' names: sample, log_prob, entropy, KL.

>>> import minitorch_cnn as mt
>>> normal = mt.distributions.Normal(0.0, 1.0)
>>> normal.log_prob(mt.tensor([0.0]))
tensor([-0.9189])
>>> mt.distributions.kl_divergence(normal, mt.distributions.Normal(1.0, 1.0))
tensor(0.5000)

constraints.py    what values parameters and samples may have
distribution.py   what all distributions share, and `Independent`
continuous.py     Normal, Uniform, Laplace, Exponential, ...
gamma.py          Gamma, Beta, Dirichlet, StudentT
discrete.py       Bernoulli, Categorical, ...
counts.py         Binomial, Multinomial, ...: many trials
transforms.py     functions with an inverse and a Jacobian determinant; transform.py has their base
constraint_registry.py  from a constraint to a transform whose values meet it
transformed.py    TransformedDistribution, and those that are made with it
multivariate.py   MultivariateNormal, MixtureSameFamily
matrices.py       Wishart, LKJCholesky
kl.py             kl_divergence; kl_pairs.py of one kind from another
"""

from ..missing import refuse_missing as _refuse_missing
from . import (
    constraint_registry,
    constraints,
    kl,
    kl_pairs as _kl_pairs,  # noqa: F401  it adds to what kl_divergence knows
    transforms,
    utils,
)
from .constraint_registry import biject_to, transform_to
from .continuous import (
    Cauchy,
    Exponential,
    Gumbel,
    Laplace,
    LogNormal,
    Normal,
    Uniform,
    VonMises,
)
from .continuous_bernoulli import ContinuousBernoulli
from .counts import Binomial, Multinomial, NegativeBinomial, OneHotCategoricalStraightThrough
from .discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import Distribution, ExponentialFamily, Independent
from .gamma import Beta, Chi2, Dirichlet, FisherSnedecor, Gamma, StudentT
from .kl import kl_divergence, register_kl
from .matrices import LKJCholesky, Wishart
from .multivariate import LowRankMultivariateNormal, MixtureSameFamily, MultivariateNormal
from .transformed import (
    HalfCauchy,
    HalfNormal,
    InverseGamma,
    Kumaraswamy,
    LogisticNormal,
    Pareto,
    RelaxedBernoulli,
    RelaxedOneHotCategorical,
    TransformedDistribution,
    Weibull,
)
from .transforms import (
    AbsTransform,
    AffineTransform,
    CatTransform,
    ComposeTransform,
    CorrCholeskyTransform,
    CumulativeDistributionTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StackTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

__all__ = [
    "AbsTransform", "AffineTransform", "Bernoulli", "Beta", "Binomial", "CatTransform",
    "Categorical", "Cauchy", "Chi2", "ComposeTransform", "ContinuousBernoulli",
    "CorrCholeskyTransform", "CumulativeDistributionTransform", "Dirichlet", "Distribution",
    "ExpTransform", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "Geometric",
    "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "IndependentTransform", "InverseGamma",
    "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal",
    "LowRankMultivariateNormal", "LowerCholeskyTransform", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical",
    "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "PositiveDefiniteTransform",
    "PowerTransform", "RelaxedBernoulli", "RelaxedOneHotCategorical", "ReshapeTransform",
    "SigmoidTransform", "SoftmaxTransform", "SoftplusTransform", "StackTransform",
    "StickBreakingTransform", "StudentT", "TanhTransform", "Transform", "TransformedDistribution",
    "Uniform", "VonMises", "Weibull", "Wishart", "biject_to", "constraint_registry", "constraints",
    "identity_transform", "kl", "kl_divergence", "register_kl", "transform_to", "transforms",
    "utils",
]  # fmt: skip

_refuse_missing(globals())
