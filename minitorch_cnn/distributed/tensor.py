"""torch.distributed.tensor: the name of a tensor whose parts lie in several processes.

There are none here: each process of a data parallel training has the whole network. Libraries ask
of every parameter whether it is one before they go on.
"""

from __future__ import annotations

from typing import Any

from ..missing import refuse_missing
from ..tensor import Tensor

__all__ = ["DTensor"]


class DTensor(Tensor):
    """What no tensor is an instance of; making one raises NotImplementedError.

    >>> import minitorch_cnn as mt
    >>> isinstance(mt.ones(2), DTensor)
    False
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("DTensor: no tensor is divided among processes here")


refuse_missing(globals())
