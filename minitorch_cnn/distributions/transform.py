"""`Transform`, an invertible function of random numbers, and those that are made of others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .. import ops
from ..tensor import Size, Tensor
from . import constraints
from .constraints import Constraint


def sum_last(values: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dimensions.

    >>> import minitorch_cnn as mt
    >>> sum_last(mt.ones(2, 3), 1)
    tensor([3., 3.])
    """
    return values.sum(tuple(range(-count, 0))) if count else values


class Transform:
    """A function with an inverse, `inv`, and the logarithm of its Jacobian determinant.

    domain and codomain: the constraints of what goes in and comes out. A subclass defines `_call`,
    `_inverse` and `log_abs_det_jacobian(x, y)`. cache_size 1 keeps the last pair of values, so that
    the inverse of what was just computed is exact.
    """

    bijective = False
    domain: Constraint = constraints.real
    codomain: Constraint = constraints.real

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError(f"cache_size must be 0 or 1, got {cache_size}")
        self._cache_size = cache_size
        self._last: tuple[Any, Any] = (None, None)
        self._inv: _Inverse | None = None

    @property
    def inv(self) -> Transform:
        """The inverse function."""
        if self._inv is None:
            self._inv = _Inverse(self)
        return self._inv

    @property
    def sign(self) -> Any:
        """1 if the function rises, -1 if it falls."""
        raise NotImplementedError(f"{type(self).__name__}.sign is not supported")

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same function, which keeps its last values (1) or not (0)."""
        if cache_size == self._cache_size:
            return self
        import copy

        other = copy.copy(self)
        Transform.__init__(other, cache_size)
        return other

    def __call__(self, x: Tensor) -> Tensor:
        if x is self._last[0]:
            return self._last[1]
        y = self._call(x)
        if self._cache_size:
            self._last = x, y
        return y

    def _inv_call(self, y: Tensor) -> Tensor:
        if y is self._last[1]:
            return self._last[0]
        x = self._inverse(y)
        if self._cache_size:
            self._last = x, y
        return x

    def _call(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} is not supported: it has no _call")

    def _inverse(self, y: Tensor) -> Tensor:
        raise NotImplementedError(f"the inverse of {type(self).__name__} is not supported")

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """log |det dy/dx| at x, where y is the function of x."""
        raise NotImplementedError(
            f"{type(self).__name__}.log_abs_det_jacobian is not supported: it is not invertible"
        )

    def forward_shape(self, shape: Any) -> Size:
        """The shape of what comes out for an x of that shape."""
        return Size(shape)

    def inverse_shape(self, shape: Any) -> Size:
        """The shape of what goes in for a y of that shape."""
        return Size(shape)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class _Inverse(Transform):
    """The inverse of another one."""

    def __init__(self, transform: Transform) -> None:
        super().__init__(transform._cache_size)
        self._inv: Any = transform
        self.domain, self.codomain = transform.codomain, transform.domain
        self.bijective = transform.bijective

    @property
    def sign(self) -> Any:
        return self._inv.sign

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._inv.with_cache(cache_size).inv

    def __call__(self, x: Tensor) -> Tensor:
        return self._inv._inv_call(x)

    def _inv_call(self, y: Tensor) -> Tensor:
        return self._inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Size:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Size:
        return self._inv.forward_shape(shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Inverse) and self._inv == other._inv

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"_InverseTransform({self._inv!r})"


def _event_dim(parts: Sequence[Transform], own: int, where: str) -> int:
    """How many last dimensions make one value at the beginning (or end) of a chain."""
    for part in parts if where == "codomain" else reversed(parts):
        begin, end = part.domain.event_dim, part.codomain.event_dim
        own += end - begin if where == "codomain" else begin - end
        own = max(own, end if where == "codomain" else begin)
    return own


class ComposeTransform(Transform):
    """Several functions, one after the other."""

    def __init__(self, parts: Sequence[Transform], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) if cache_size else part for part in parts]
        if not self.parts:
            return
        first, last = self.parts[0], self.parts[-1]
        begin = _event_dim(self.parts, last.codomain.event_dim, "domain")
        end = _event_dim(self.parts, first.domain.event_dim, "codomain")
        self.domain = constraints.independent(first.domain, begin - first.domain.event_dim)
        self.codomain = constraints.independent(last.codomain, end - last.codomain.event_dim)

    @property
    def bijective(self) -> bool:  # type: ignore[override]
        return all(part.bijective for part in self.parts)

    @property
    def sign(self) -> Any:
        sign: Any = 1
        for part in self.parts:
            sign = sign * part.sign
        return sign

    @property
    def inv(self) -> Transform:
        return ComposeTransform([part.inv for part in reversed(self.parts)])

    def __call__(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = part(x)
        return x

    def _inv_call(self, y: Tensor) -> Tensor:
        return self.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if not self.parts:
            return ops.zeros_like(x)
        total: Any = 0
        dims = self.domain.event_dim
        for part in self.parts:
            after = part(x)
            stretched = part.log_abs_det_jacobian(x, after)
            total = total + sum_last(stretched, dims - part.domain.event_dim)
            dims += part.codomain.event_dim - part.domain.event_dim
            x = after
        return total

    def forward_shape(self, shape: Any) -> Size:
        for part in self.parts:
            shape = part.forward_shape(shape)
        return Size(shape)

    def inverse_shape(self, shape: Any) -> Size:
        for part in reversed(self.parts):
            shape = part.inverse_shape(shape)
        return Size(shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComposeTransform) and self.parts == other.parts

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        inside = ",\n    ".join(map(repr, self.parts))
        return f"ComposeTransform(\n    {inside}\n)"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """Another function, with the last dimensions of its values taken for one value."""

    def __init__(
        self, base_transform: Transform, reinterpreted_batch_ndims: int, cache_size: int = 0
    ) -> None:
        super().__init__(cache_size)
        self.base_transform = base_transform.with_cache(cache_size)
        self.reinterpreted_batch_ndims = count = reinterpreted_batch_ndims
        self.domain = constraints.independent(base_transform.domain, count)
        self.codomain = constraints.independent(base_transform.codomain, count)
        self.bijective = base_transform.bijective

    @property
    def sign(self) -> Any:
        return self.base_transform.sign

    def _call(self, x: Tensor) -> Tensor:
        return self.base_transform(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        inner = self.base_transform.log_abs_det_jacobian(x, y)
        return sum_last(inner, self.reinterpreted_batch_ndims)

    def forward_shape(self, shape: Any) -> Size:
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape: Any) -> Size:
        return self.base_transform.inverse_shape(shape)

    def __repr__(self) -> str:
        return f"IndependentTransform({self.base_transform!r}, {self.reinterpreted_batch_ndims})"


class ReshapeTransform(Transform):
    """The last dimensions in another shape."""

    bijective = True

    def __init__(self, in_shape: Any, out_shape: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError(
                f"in_shape {self.in_shape}, out_shape {self.out_shape} have different numbers of "
                "elements"
            )
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[: x.ndim - len(self.in_shape)] + self.out_shape)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape(y.shape[: y.ndim - len(self.out_shape)] + self.in_shape)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])

    def _exchanged(self, shape: Any, before: Size, after: Size) -> Size:
        cut = len(shape) - len(before)
        if cut < 0 or tuple(shape[cut:]) != tuple(before):
            raise ValueError(f"Shape mismatch: expected {shape} to end in {before}")
        return Size((*shape[:cut], *after))

    def forward_shape(self, shape: Any) -> Size:
        return self._exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Any) -> Size:
        return self._exchanged(shape, self.out_shape, self.in_shape)
