"""torch.nn.parallel: training on several processes, each with its part of every batch."""

from ...missing import refuse_missing as _refuse_missing
from .data_parallel import DataParallel as DataParallel
from .distributed import DistributedDataParallel as DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel"]

_refuse_missing(globals())
