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
gamma.py          Gamma, Beta, Dirichlet, whose samples have no gradients here
discrete.py       Bernoulli, Categorical, ...
kl.py             kl_divergence
"""

from ..missing import refuse_missing as _refuse_missing
from . import constraints, kl
from .continuous import Exponential, Gumbel, Laplace, LogNormal, Normal, Uniform
from .discrete import Bernoulli, Categorical, Geometric, OneHotCategorical, Poisson
from .distribution import Distribution, ExponentialFamily, Independent
from .gamma import Beta, Chi2, Dirichlet, Gamma
from .kl import kl_divergence, register_kl

__all__ = [
    "Bernoulli",
    "Beta",
    "Categorical",
    "Chi2",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "ExponentialFamily",
    "Gamma",
    "Geometric",
    "Gumbel",
    "Independent",
    "Laplace",
    "LogNormal",
    "Normal",
    "OneHotCategorical",
    "Poisson",
    "Uniform",
    "constraints",
    "kl",
    "kl_divergence",
    "register_kl",
]

_refuse_missing(globals())
