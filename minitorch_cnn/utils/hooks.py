"""torch.utils.hooks: the handle that `register_forward_hook` and its like give.

>>> import minitorch_cnn as mt
>>> handle = mt.nn.ReLU().register_forward_hook(lambda module, args, output: None)
>>> isinstance(handle, RemovableHandle)
True
"""

from ..autograd.handle import RemovableHandle
from ..missing import refuse_missing

__all__ = ["RemovableHandle"]

refuse_missing(globals())
