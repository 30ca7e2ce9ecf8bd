"""torch.distributed.algorithms: training with different numbers of batches."""

from ...missing import refuse_missing as _refuse_missing
from .join import Join, Joinable

__all__ = ["Join", "Joinable"]

_refuse_missing(globals())
