"""What values a parameter or a sample of a distribution may have.

>>> import minitorch_cnn as mt
>>> mt.distributions.constraints.positive.check(mt.tensor([-1.0, 2.0]))
tensor([False,  True])
"""

from __future__ import annotations

from collections.abc import Callable

from ..missing import refuse_missing
from ..ops import all
from ..ops.breadth.linalg_decompositions import eigvalsh
from ..tensor import Tensor


class Constraint:
    """A condition on values; event_dim: how many of the last dimensions make one value."""

    def __init__(self, name: str, check: Callable[[Tensor], Tensor], event_dim: int = 0) -> None:
        self.name, self.check, self.event_dim = name, check, event_dim

    def __repr__(self) -> str:
        return self.name


def _whole(x: Tensor) -> Tensor:
    return x % 1 == 0


def interval(lower_bound: float | Tensor, upper_bound: float | Tensor) -> Constraint:
    """Numbers from lower_bound to upper_bound."""
    name = f"Interval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: (x >= lower_bound) & (x <= upper_bound))


def integer_interval(lower_bound: float | Tensor, upper_bound: float | Tensor) -> Constraint:
    """Whole numbers from lower_bound to upper_bound."""
    name = f"IntegerInterval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: _whole(x) & (x >= lower_bound) & (x <= upper_bound))


def greater_than(lower_bound: float | Tensor) -> Constraint:
    """Numbers above lower_bound."""
    return Constraint(f"GreaterThan(lower_bound={lower_bound})", lambda x: x > lower_bound)


def greater_than_eq(lower_bound: float | Tensor) -> Constraint:
    """lower_bound and numbers above."""
    return Constraint(f"GreaterThanEq(lower_bound={lower_bound})", lambda x: x >= lower_bound)


def independent(base: Constraint, count: int) -> Constraint:
    """The condition for all numbers of the last `count` dimensions."""

    def check(x: Tensor) -> Tensor:
        return all(base.check(x).reshape(*x.shape[: x.ndim - count], -1), -1)

    return Constraint(f"IndependentConstraint({base}, {count})", check, base.event_dim + count)


def _is_simplex(x: Tensor) -> Tensor:
    return all(x >= 0, -1) & ((x.sum(-1) - 1).abs() < 1e-6)


def _is_one_hot(x: Tensor) -> Tensor:
    return all((x == 0) | (x == 1), -1) & (x.sum(-1) == 1)


def less_than(upper_bound: float | Tensor) -> Constraint:
    """Numbers below upper_bound."""
    return Constraint(f"LessThan(upper_bound={upper_bound})", lambda x: x < upper_bound)


def half_open_interval(lower_bound: float | Tensor, upper_bound: float | Tensor) -> Constraint:
    """Numbers from lower_bound to below upper_bound."""
    name = f"HalfOpenInterval(lower_bound={lower_bound}, upper_bound={upper_bound})"
    return Constraint(name, lambda x: (x >= lower_bound) & (x < upper_bound))


def multinomial(upper_bound: int) -> Constraint:
    """Whole numbers that add up to upper_bound in the last dimension."""
    return Constraint("Multinomial()", lambda x: all(x >= 0, -1) & (x.sum(-1) <= upper_bound), 1)


def _every(condition: Tensor) -> Tensor:
    return all(all(condition, -1), -1)


def _is_lower_cholesky(x: Tensor) -> Tensor:
    return _every(x.tril() == x) & all(x.diagonal(dim1=-2, dim2=-1) > 0, -1)


def _is_positive_definite(x: Tensor) -> Tensor:
    alike = _every((x - x.mT).abs() <= 1e-6 + 1e-5 * x.abs())
    return alike & all(eigvalsh(x) > 0, -1)


real = Constraint("Real()", lambda x: x == x)
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = Constraint("Boolean()", lambda x: (x == 0) | (x == 1))
nonnegative_integer = Constraint("NonnegativeInteger()", lambda x: _whole(x) & (x >= 0))
simplex = Constraint("Simplex()", _is_simplex, 1)
one_hot = Constraint("OneHot()", _is_one_hot, 1)
lower_triangular = Constraint("LowerTriangular()", lambda x: _every(x.tril() == x), 2)
lower_cholesky = Constraint("LowerCholesky()", _is_lower_cholesky, 2)
positive_definite = Constraint("PositiveDefinite()", _is_positive_definite, 2)

__all__ = [
    "Constraint", "boolean", "greater_than", "greater_than_eq", "half_open_interval",
    "independent", "integer_interval", "interval", "less_than", "lower_cholesky",
    "lower_triangular", "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive",
    "positive_definite", "real", "real_vector", "simplex", "unit_interval",
]  # fmt: skip

refuse_missing(globals())
