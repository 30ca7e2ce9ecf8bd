"""Adafactor: Adam's scaling from the means of rows and columns, in much less memory."""

from __future__ import annotations

from typing import Any

from ..backend import array_module
from ..tensor import Tensor, wrap
from .optimizer import Optimizer, next_step, no_steps, settings


class Adafactor(Optimizer):
    """p -= a u, u = g / sqrt(s) limited to the mean square d^2, s the running mean of g^2.

    Of a matrix (n, m), or the last two dimensions of a larger parameter, only the means of s over
    the columns and over the rows are kept, and s is their product. a is the smaller of lr and
    1 / sqrt(t), times the parameter's own size, at least eps[1]. State of each parameter: step, a
    0-d tensor; row_var (n, 1) and col_var (1, m), or variance of the parameter's shape if it has
    less than two dimensions. beta2_decay: s keeps 1 - t^beta2_decay of itself. eps[0] keeps s from
    0; None: the dtype's rounding. Raises ValueError for other settings, and as `Optimizer` does.
    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.ones(2, 2))
    >>> optimizer = mt.optim.Adafactor([p], lr=0.25)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.detach()
    tensor([[0.7500, 0.7500],
            [0.7500, 0.7500]])
    """

    _other_shapes = {
        "row_var": lambda shape: (*shape[:-1], 1),
        "col_var": lambda shape: (*shape[:-2], 1, shape[-1]),
    }

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        chosen = {**settings({**locals(), "eps": 0}), "eps": eps}
        if not beta2_decay <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        super().__init__(params, chosen)

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        p, xp = parameter.array, array_module(parameter.array)
        if p.ndim <= 1:
            return {"step": no_steps(), "variance": wrap(xp.zeros_like(p))}
        factors = self._other_shapes.items()
        zeros = {what: wrap(xp.zeros(shape(p.shape), p.dtype)) for what, shape in factors}
        return {"step": no_steps(), **zeros}

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        p, xp = parameter.array, array_module(parameter.array)
        step, lr = next_step(state), float(group["lr"])
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = float(xp.finfo(p.dtype).eps)
        share = step ** group["beta2_decay"]
        size = xp.sqrt((p * p).sum()) / p.size**0.5
        rate = xp.maximum(size, eps2) * min(lr, 1 / step**0.5)
        if group["weight_decay"]:
            p *= 1 - lr * group["weight_decay"]
        square = gradient * gradient
        if p.ndim > 1:
            rows, columns = state["row_var"].array, state["col_var"].array
            rows += share * (square.mean(-1, keepdims=True) - rows)
            columns += share * (square.mean(-2, keepdims=True) - columns)
            estimate = xp.matmul(rows, columns)
            estimate /= xp.maximum(rows.mean(-2, keepdims=True), eps1)
        else:
            estimate = state["variance"].array
            estimate += share * (square - estimate)
        update = gradient / xp.sqrt(xp.maximum(estimate, eps1 * eps1))
        excess = xp.sqrt((update * update).sum()) / (p.size**0.5 * group["d"])
        p -= update * (rate / xp.maximum(excess, 1)).astype(p.dtype)
