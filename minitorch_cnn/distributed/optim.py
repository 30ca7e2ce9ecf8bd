"""torch.distributed.optim: its names are refused, each by its own.

Every process keeps the optimizer's whole state: it makes the same steps as all others.
"""

from typing import Any

from ..missing import REASONS as _REASONS, refuse_missing as _refuse_missing
from ..optim import Optimizer

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """Not supported, raises NotImplementedError: each process keeps the optimizer's whole state.

    The name is there since libraries ask whether an optimizer is one (isinstance).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            f"ZeroRedundancyOptimizer is not supported: {_REASONS['ZeroRedundancy']}"
        )


_refuse_missing(globals())
