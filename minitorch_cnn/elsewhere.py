"""Files of torch whose names stand in the package around them here.

Programs import `Normal` from `torch.distributions.normal` and `autocast` from
`torch.cuda.amp.autocast_mode`. Here the files are cut in another way, so such a name is a module
that hands on what its package has.
"""

from __future__ import annotations

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]

_FILES = {
    "": "functional",
    "autograd": "anomaly_mode grad_mode",
    "cuda": "random",
    "cuda.amp": "autocast_mode grad_scaler",
    "distributions": """
        bernoulli beta binomial categorical cauchy chi2 dirichlet exp_family exponential
        fishersnedecor geometric gumbel half_cauchy half_normal independent inverse_gamma
        kumaraswamy laplace lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal
        mixture_same_family multinomial multivariate_normal negative_binomial normal
        one_hot_categorical pareto poisson relaxed_bernoulli relaxed_categorical studentT
        transformed_distribution uniform von_mises weibull wishart
    """,
    "distributed": "constants distributed_c10d",
    "nn.modules": "channelshuffle pixelshuffle",
    "optim": "sparse_adam",
    "profiler": "profiler",
}
FILES = {
    f"{PACKAGE}.{package}.{name}".replace("..", ".")
    for package, names in _FILES.items()
    for name in names.split()
}


class _HandingOn(Loader):
    """Makes a module that looks its names up in its package."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        package = importlib.import_module(module.__name__.rpartition(".")[0])

        def __getattr__(name: str) -> Any:
            if name == "__all__":
                return [each for each in dir(package) if each[0] != "_"]
            if name.startswith("__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return getattr(package, name)

        module.__dict__.update(__getattr__=__getattr__, __dir__=lambda: dir(package))


class Elsewhere(MetaPathFinder):
    """Asked for a module of this package that has no file."""

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, _HandingOn()) if fullname in FILES else None


def module_elsewhere(fullname: str) -> ModuleType | None:
    """The module of such a name, None for other names."""
    return importlib.import_module(fullname) if fullname in FILES else None


sys.meta_path.append(Elsewhere())
