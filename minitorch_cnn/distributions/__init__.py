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
gamma.py          Gamma, Beta, Dirichlet, StudentT, whose samples have no gradients here
discrete.py       Bernoulli, Categorical, ...
counts.py         Binomial, Multinomial, ...: many trials
transforms.py     functions with an inverse and a Jacobian determinant
transformed.py    TransformedDistribution, and those that are made with it
multivariate.py   MultivariateNormal, MixtureSameFamily
kl.py             kl_divergence
"""

from ..missing import refuse_missing as _refuse_missing
from . import constraints, kl, transforms
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
from .counts import Binomial, Multinomial, NegativeBinomial, OneHotCategoricalStraightThrough
from .discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import Distribution, ExponentialFamily, Independent
from .gamma import Beta, Chi2, Dirichlet, FisherSnedecor, Gamma, StudentT
from .kl import kl_divergence, register_kl
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
    ComposeTransform,
    ExpTransform,
    IndependentTransform,
    LowerCholeskyTransform,
    PowerTransform,
    ReshapeTransform,
    SigmoidTransform,
    SoftmaxTransform,
    SoftplusTransform,
    StickBreakingTransform,
    TanhTransform,
    Transform,
    identity_transform,
)

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "Dirichlet", "Distribution",
    "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma", "Geometric", "Gumbel",
    "HalfCauchy", "HalfNormal", "Independent", "InverseGamma", "Kumaraswamy", "Laplace",
    "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial",
    "MultivariateNormal", "NegativeBinomial", "Normal", "OneHotCategorical",
    "OneHotCategoricalStraightThrough", "Pareto", "Poisson", "RelaxedBernoulli",
    "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution", "Uniform", "VonMises",
    "Weibull", "constraints", "kl", "kl_divergence", "register_kl", "transforms",
    "AbsTransform", "AffineTransform", "ComposeTransform", "ExpTransform", "IndependentTransform",
    "LowerCholeskyTransform", "PowerTransform", "ReshapeTransform", "SigmoidTransform",
    "SoftmaxTransform", "SoftplusTransform", "StickBreakingTransform", "TanhTransform",
    "Transform", "identity_transform",
]  # fmt: skip

_refuse_missing(globals())
