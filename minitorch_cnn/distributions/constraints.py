"""What values a parameter or a sample of a distribution may have.

>>> import minitorch_cnn as mt
>>> mt.distributions.constraints.positive.check(mt.tensor([-1.0, 2.0]))
tensor([False,  True])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..missing import refuse_missing
from ..ops import all, cat as join, stack as pile
from ..ops.breadth.linalg_decompositions import cholesky, eigvalsh
from ..ops.breadth.linalg_solvers import LinAlgError
from ..tensor import Tensor

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property",
    "greater_than", "greater_than_eq", "half_open_interval", "independent", "integer_interval",
    "interval", "is_dependent", "less_than", "lower_cholesky", "lower_triangular", "multinomial",
    "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square",
    "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A condition on values. A subclass defines `check`, which says of each value whether it holds.

    event_dim: how many of the last dimensions make one value. is_discrete: whether the values that
    may be there are isolated numbers.
    """

    is_discrete = False
    event_dim = 0

    def check(self, value: Tensor) -> Tensor:
        """A bool tensor: whether each value meets the condition."""
        raise NotImplementedError(f"{type(self).__name__}.check is not supported")

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class Dependent(Constraint):
    """A condition that only an instance of the distribution knows.

    So are is_discrete and event_dim where they are not given: they raise NotImplementedError.
    """

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented):
        self._facts = {"is_discrete": is_discrete, "event_dim": event_dim}

    def _known(self, name: str) -> Any:
        if self._facts[name] is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return self._facts[name]

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self._known("is_discrete")

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self._known("event_dim")

    def check(self, value: Tensor) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")

    def __call__(self, **facts: Any) -> Dependent:
        return Dependent(**{**self._facts, **facts})


class dependent_property(property, Dependent):
    """A property that gives an instance's constraint; on the class it is a `Dependent`."""

    def __init__(self, fn: Callable | None = None, **facts: Any) -> None:
        super().__init__(fn)
        Dependent.__init__(self, **facts)

    def __call__(self, fn: Callable) -> dependent_property:  # type: ignore[override]
        return dependent_property(fn, **self._facts)


def is_dependent(constraint: Any) -> bool:
    """Whether the condition is not known without an instance."""
    return isinstance(constraint, Dependent)


class _Simple(Constraint):
    """A condition without settings."""

    _holds: Callable[[Tensor], Tensor]

    def check(self, value: Tensor) -> Tensor:
        return type(self)._holds(value)


def _simple(
    name: str, holds: Callable[[Tensor], Tensor], event_dim: int = 0, is_discrete: bool = False
) -> Any:
    facts = {"event_dim": event_dim, "is_discrete": is_discrete, "_holds": staticmethod(holds)}
    return type(name, (_Simple,), facts)()


class _Bounded(Constraint):
    """Numbers between bounds, which are numbers or tensors."""

    def __init__(self, **bounds: Any) -> None:
        self.__dict__.update(bounds)

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={value}" for name, value in vars(self).items())
        return f"{self._title}({bounds})"

    lower_bound: Any
    upper_bound: Any
    _title = ""


class interval(_Bounded):
    """Numbers from lower_bound to upper_bound."""

    _title = "Interval"

    def __init__(self, lower_bound: float | Tensor, upper_bound: float | Tensor) -> None:
        super().__init__(lower_bound=lower_bound, upper_bound=upper_bound)

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value <= self.upper_bound)


class half_open_interval(interval):
    """Numbers from lower_bound to below upper_bound."""

    _title = "HalfOpenInterval"

    def check(self, value: Tensor) -> Tensor:
        return (value >= self.lower_bound) & (value < self.upper_bound)


class integer_interval(interval):
    """Whole numbers from lower_bound to upper_bound."""

    _title, is_discrete = "IntegerInterval", True

    def check(self, value: Tensor) -> Tensor:
        return _whole(value) & super().check(value)


class greater_than(_Bounded):
    """Numbers above lower_bound."""

    _title = "GreaterThan"

    def __init__(self, lower_bound: float | Tensor) -> None:
        super().__init__(lower_bound=lower_bound)

    def check(self, value: Tensor) -> Tensor:
        return value > self.lower_bound


class greater_than_eq(greater_than):
    """lower_bound and numbers above."""

    _title = "GreaterThanEq"

    def check(self, value: Tensor) -> Tensor:
        return value >= self.lower_bound


class _WholeFrom(greater_than_eq):
    """Whole numbers from lower_bound on."""

    _title, is_discrete = "IntegerGreaterThan", True

    def check(self, value: Tensor) -> Tensor:
        return _whole(value) & super().check(value)


class less_than(_Bounded):
    """Numbers below upper_bound."""

    _title = "LessThan"

    def __init__(self, upper_bound: float | Tensor) -> None:
        super().__init__(upper_bound=upper_bound)

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class multinomial(_Bounded):
    """Whole numbers that add up to upper_bound in the last dimension."""

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound: int) -> None:
        super().__init__(upper_bound=upper_bound)

    def check(self, value: Tensor) -> Tensor:
        return all(value >= 0, -1) & (value.sum(-1) <= self.upper_bound)

    def __repr__(self) -> str:
        return "Multinomial()"


class independent(Constraint):
    """The condition for all numbers of the last dimensions."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        held = self.base_constraint.check(value)
        count = self.reinterpreted_batch_ndims
        if held.ndim < count:
            raise ValueError(
                f"Expected value.dim() >= {self.event_dim}, got a value of {value.ndim} dimensions"
            )
        return all(held.reshape(*held.shape[: held.ndim - count], -1), -1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint}, {self.reinterpreted_batch_ndims})"


class _Several(Constraint):
    """Several conditions, each for a part of the values along the dimension dim."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        self.cseq, self.dim = list(cseq), dim

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        return any(each.is_discrete for each in self.cseq)

    @property
    def event_dim(self) -> int:  # type: ignore[override]
        return max(each.event_dim for each in self.cseq)


class cat(_Several):
    """Conditions for consecutive parts of the given lengths, as `mt.cat` joins them."""

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)

    def check(self, value: Tensor) -> Tensor:
        parts = value.split(self.lengths, self.dim)
        return join([c.check(v) for c, v in zip(self.cseq, parts, strict=True)], self.dim)


class stack(_Several):
    """A condition for each index, as `mt.stack` joins them."""

    def check(self, value: Tensor) -> Tensor:
        parts = value.unbind(self.dim)
        return pile([c.check(v) for c, v in zip(self.cseq, parts, strict=True)], self.dim)


def _whole(x: Tensor) -> Tensor:
    return x % 1 == 0


def _every(condition: Tensor) -> Tensor:
    return all(all(condition, -1), -1)


def _is_simplex(x: Tensor) -> Tensor:
    return all(x >= 0, -1) & ((x.sum(-1) - 1).abs() < 1e-6)


def _is_one_hot(x: Tensor) -> Tensor:
    return all((x == 0) | (x == 1), -1) & (x.sum(-1) == 1)


def _is_lower_cholesky(x: Tensor) -> Tensor:
    return _every(x.tril() == x) & all(x.diagonal(dim1=-2, dim2=-1) > 0, -1)


def _is_corr_cholesky(x: Tensor) -> Tensor:
    length = x.detach().pow(2).sum(-1).sqrt()
    tolerance = 10 * x.shape[-1] * (1e-15 if x.dtype.itemsize == 8 else 1e-6)
    return all((length - 1).abs() <= tolerance, -1) & _is_lower_cholesky(x)


def _is_square(x: Tensor) -> Tensor:
    return x.new_full(x.shape[:-2], x.shape[-2] == x.shape[-1], dtype=bool)


def _is_symmetric(x: Tensor) -> Tensor:
    if x.shape[-2] != x.shape[-1]:
        return _is_square(x)
    return _every((x - x.mT).abs() <= 1e-6 + 1e-5 * x.abs())


def _is_positive_definite(x: Tensor) -> Tensor:
    alike = _is_symmetric(x)
    try:  # rounding makes the smallest eigenvalue of what can be factored negative, too
        cholesky(x)
        return alike
    except LinAlgError:
        return alike & all(eigvalsh(x) > 0, -1)


def _is_positive_semidefinite(x: Tensor) -> Tensor:
    return _is_symmetric(x) & all(eigvalsh(x) >= 0, -1)


dependent = Dependent()
real = _simple("Real", lambda x: x == x)
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
boolean = _simple("Boolean", lambda x: (x == 0) | (x == 1), 0, True)
nonnegative_integer = _WholeFrom(0)
positive_integer = _WholeFrom(1)
simplex = _simple("Simplex", _is_simplex, 1)
one_hot = _simple("OneHot", _is_one_hot, 1, True)
lower_triangular = _simple("LowerTriangular", lambda x: _every(x.tril() == x), 2)
lower_cholesky = _simple("LowerCholesky", _is_lower_cholesky, 2)
corr_cholesky = _simple("CorrCholesky", _is_corr_cholesky, 2)
square = _simple("Square", _is_square, 2)
symmetric = _simple("Symmetric", _is_symmetric, 2)
positive_definite = _simple("PositiveDefinite", _is_positive_definite, 2)
positive_semidefinite = _simple("PositiveSemidefinite", _is_positive_semidefinite, 2)

refuse_missing(globals())
