"""torch.utils.tensorboard's names: curves, pictures and graphs as TensorBoard shows them.

    with SummaryWriter("runs/x") as writer:
        writer.add_scalar("loss", 0.5, step)

and then ``tensorboard --logdir runs``. It needs the package tensorboard: pip install
'minitorch-cnn[tensorboard]'. Without it SummaryWriter is a name that is not here, so that a program
that can do without finds out when it imports it, as with torch.
"""

import importlib.util as _util

from ...missing import refuse_missing as _refuse_missing

__all__ = []
if _util.find_spec("tensorboard") is not None:
    from .writer import SummaryWriter

    __all__ = ["SummaryWriter"]

_refuse_missing(globals())
