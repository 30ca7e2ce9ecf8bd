"""Muon: momentum whose matrix is made orthogonal before each step."""

from __future__ import annotations

import math
from typing import Any

from ..backend import array_module
from ..kernels.array.optim import blocks
from ..tensor import Tensor
from .optimizer import Optimizer, settings, zeros_like


class Muon(Optimizer):
    """p = (1 - lr weight_decay) p - a O, O the orthogonal matrix nearest to the momentum.

    For the matrices (n, m) of a network; other parameters want another optimizer. O = U V' of
    the singular vectors of the momentum is found by ns_steps steps of an iteration that drives all
    singular values towards 1: X <- a X + (b A + c A A) X with A = X X', ns_coefficients a, b, c.
    (torch does so in bfloat16, here it is the parameter's dtype: the numbers agree to about 1 %.)
    adjust_lr_fn: "original", the default, makes a = lr sqrt(max(1, n / m)); "match_rms_adamw" makes
    it 0.2 lr sqrt(max(n, m)). State of each parameter: momentum_buffer, of its shape. Raises
    ValueError for a parameter that is no matrix and for negative settings, and as `Optimizer`.
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.

    >>> import minitorch_cnn as mt
    >>> p = mt.nn.Parameter(mt.zeros(2, 2))
    >>> optimizer = mt.optim.Muon([p], lr=1)
    >>> p.grad = mt.tensor([[3.0, 0.0], [0.0, 2.0]])
    >>> optimizer.step()
    >>> p.detach().round(decimals=1)
    tensor([[-1.1000,  0.0000],
            [ 0.0000, -0.7000]])
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        chosen = settings(locals())
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(params, chosen)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{parameter.shape}"
                    )

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": zeros_like(parameter)}

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        momentum, lr = group["momentum"], float(group["lr"])
        for g, v in blocks(gradient, state["momentum_buffer"].array):
            v += (1 - momentum) * (g - v)
        direction = state["momentum_buffer"].array
        if group["nesterov"]:
            direction = gradient + momentum * (direction - gradient)
        step = orthogonal(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        n, m = direction.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = lr * 0.2 * math.sqrt(max(n, m))
        else:
            rate = lr * math.sqrt(max(1, n / m))
        parameter.array *= 1 - lr * group["weight_decay"]
        parameter.array -= rate * step


def orthogonal(matrix: Any, coefficients: tuple, steps: int, eps: float) -> Any:
    """About U V' of the singular vectors of a matrix, by Newton-Schulz steps."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency, "
                         f"got {steps}")  # fmt: skip
    a, b, c = coefficients
    xp = array_module(matrix)
    turned = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if turned else matrix  # the product with its transpose is the smaller one
    x = x / xp.maximum(xp.sqrt((x * x).sum()), eps)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if turned else x
