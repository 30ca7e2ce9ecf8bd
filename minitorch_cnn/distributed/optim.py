"""torch.distributed.optim: its names are refused, each by its own.

Every process keeps the optimizer's whole state: it makes the same steps as all others.
"""

from ..missing import refuse_missing as _refuse_missing

_refuse_missing(globals())
