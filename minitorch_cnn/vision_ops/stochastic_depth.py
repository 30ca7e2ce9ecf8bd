"""Stochastic depth: a residual network that is shorter at random while it learns.

Gao Huang et al., "Deep Networks with Stochastic Depth", 2016.
"""

from __future__ import annotations

from .. import nn
from ..ops import empty
from ..tensor import Tensor


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """The branch of a residual block, or 0 with probability p; what stays is divided by 1 - p.

        mode  "batch" for all samples alike, "row" for each sample (N, ...) by itself

    Without training it is the input itself. Raises ValueError for a p outside of 0..1 and another
    mode.

    >>> import minitorch_cnn as mt
    >>> stochastic_depth(mt.ones(2, 1), p=1.0, mode="batch")
    tensor([[0.],
            [0.]])
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    rows = input.shape[0] if mode == "row" else 1
    shape = (rows, *[1] * (input.ndim - 1))
    stays = empty(shape, dtype=input.dtype, device=input.device).bernoulli_(1.0 - p)
    return input * (stays / (1.0 - p) if p < 1.0 else stays)


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a layer: shapes and errors are those of `stochastic_depth`.

    >>> import minitorch_cnn as mt
    >>> StochasticDepth(0.2, "row").eval()(mt.ones(1, 2))
    tensor([[1., 1.]])
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"StochasticDepth(p={self.p}, mode={self.mode})"
