"""Tensors to and from other libraries, in memory that both share: torch.utils.dlpack."""

from __future__ import annotations

from typing import Any

from ..missing import refuse_missing
from ..ops.creation import from_dlpack
from ..tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule with the tensor's memory, of any shape, for another library's from_dlpack.

    Whoever takes it owns it: a capsule is good for one reader. Raises BufferError for a tensor that
    requires a gradient.

    >>> import minitorch_cnn as mt
    >>> capsule = mt.utils.dlpack.to_dlpack(mt.ones(2))
    """
    return tensor.__dlpack__()


refuse_missing(globals())
