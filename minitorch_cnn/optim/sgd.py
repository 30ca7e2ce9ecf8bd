"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from .. import kernels
from ..tensor import Tensor
from .optimizer import Optimizer, batches, settings, zeros_like


class SGD(Optimizer):
    """p -= lr v, with v = momentum v + (1 - dampening) (g + weight_decay p).

    v starts as the first gradient. nesterov: p -= lr (g + momentum v), a look ahead
    (Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013).
    maximize: go uphill. State of each parameter, if there is a momentum: momentum_buffer, v, of the
    parameter's shape. Raises ValueError for a negative lr, momentum or weight_decay, for nesterov
    without momentum or with dampening, and as `Optimizer` does.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.tensor([1.0]))
    >>> optimizer = mt.optim.SGD([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.item()
    0.5
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, settings(locals()))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update_group(
        self, parameters: list[Tensor], gradients: list[Any], group: dict[str, Any]
    ) -> None:
        rows = []
        for parameter, gradient in zip(parameters, gradients, strict=True):
            velocity, first, state = None, False, self.state[parameter]
            if group["momentum"] != 0:
                first = state.get("momentum_buffer") is None
                if first:
                    state["momentum_buffer"] = zeros_like(parameter)
                velocity = state["momentum_buffer"].array
            rows.append((first, parameter.array, gradient, velocity))
        for first, arrays in batches(rows):
            kernels.sgd(
                *arrays,
                first=first,
                lr=float(group["lr"]),
                momentum=group["momentum"],
                dampening=group["dampening"],
                weight_decay=group["weight_decay"],
                nesterov=group["nesterov"],
            )
