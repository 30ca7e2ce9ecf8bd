"""From a constraint to a function whose values meet it.

>>> import minitorch_cnn as mt
>>> registry = mt.distributions.constraint_registry
>>> registry.biject_to(mt.distributions.constraints.positive)(mt.zeros(1))
tensor([1.])
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..missing import refuse_missing
from ..tensor import Tensor
from . import constraints, transforms
from .constraints import Constraint
from .transform import ComposeTransform, IndependentTransform, Transform, identity_transform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Kinds of constraints, each with a function that makes the transform of one of that kind."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Transform]] = {}

    def register(self, constraint: Any, factory: Callable | None = None) -> Any:
        """Adds a kind, a constraint or its class; without a factory it is a decorator."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, Constraint):
            raise TypeError(
                "Expected constraint to be either a Constraint subclass or instance, but got "
                f"{constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        """The transform to that constraint. Raises NotImplementedError for an unknown kind."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _both(*kinds: Any) -> Callable[[Callable], Callable]:
    def add(factory: Callable) -> Callable:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return add


@_both(constraints.real)
def _real(constraint: Any) -> Transform:
    return identity_transform


@_both(constraints.greater_than, constraints.greater_than_eq)
def _greater_than(constraint: Any) -> Transform:
    move = transforms.AffineTransform(constraint.lower_bound, 1)
    return ComposeTransform([transforms.ExpTransform(), move])


@_both(constraints.less_than)
def _less_than(constraint: Any) -> Transform:
    turn = transforms.AffineTransform(constraint.upper_bound, -1)
    return ComposeTransform([transforms.ExpTransform(), turn])


@_both(constraints.interval, constraints.half_open_interval)
def _interval(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if not isinstance(low, Tensor) and not isinstance(high, Tensor) and (low, high) == (0, 1):
        return transforms.SigmoidTransform()
    stretch = transforms.AffineTransform(low, high - low)
    return ComposeTransform([transforms.SigmoidTransform(), stretch])


@_both(constraints.lower_cholesky)
def _lower_cholesky(constraint: Any) -> Transform:
    return transforms.LowerCholeskyTransform()


@_both(constraints.positive_definite, constraints.positive_semidefinite)
def _positive_definite(constraint: Any) -> Transform:
    return transforms.PositiveDefiniteTransform()


@_both(constraints.corr_cholesky)
def _corr_cholesky(constraint: Any) -> Transform:
    return transforms.CorrCholeskyTransform()


@biject_to.register(constraints.simplex)
def _simplex_bijection(constraint: Any) -> Transform:
    return transforms.StickBreakingTransform()


@transform_to.register(constraints.simplex)
def _simplex(constraint: Any) -> Transform:
    return transforms.SoftmaxTransform()


def _parts_of(registry: ConstraintRegistry) -> None:
    """Constraints that are made of others, whose transforms come from the same registry."""

    @registry.register(constraints.independent)
    def independent(constraint: Any) -> Transform:
        count = constraint.reinterpreted_batch_ndims
        return IndependentTransform(registry(constraint.base_constraint), count)

    @registry.register(constraints.cat)
    def cat(constraint: Any) -> Transform:
        parts = [registry(each) for each in constraint.cseq]
        return transforms.CatTransform(parts, constraint.dim, constraint.lengths)

    @registry.register(constraints.stack)
    def stack(constraint: Any) -> Transform:
        return transforms.StackTransform([registry(c) for c in constraint.cseq], constraint.dim)


_parts_of(biject_to)
_parts_of(transform_to)

refuse_missing(globals())
