"""Tensors to and from other libraries, in memory that both share: torch.utils.dlpack."""

from __future__ import annotations

from typing import Any

from ..missing import refuse_missing
from ..ops.creation import from_dlpack as from_object
from ..tensor import Tensor

__all__ = ["from_dlpack", "to_dlpack"]


class _Given:
    """A capsule of the host's memory as an object that hands it out, once."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def from_dlpack(ext_tensor: Any) -> Tensor:
    """`mt.from_dlpack`, of any shape, which takes a capsule (of memory on the host) as well.

    Raises as `from_dlpack` of the package does.

    >>> import minitorch_cnn as mt
    >>> mt.utils.dlpack.from_dlpack(mt.utils.dlpack.to_dlpack(mt.ones(2)))
    tensor([1., 1.])
    """
    is_capsule = type(ext_tensor).__name__ == "PyCapsule"
    return from_object(_Given(ext_tensor) if is_capsule else ext_tensor)


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule with the tensor's memory, of any shape, for another library's from_dlpack.

    Whoever takes it owns it: a capsule is good for one reader. Raises BufferError for a tensor that
    requires a gradient.

    >>> import minitorch_cnn as mt
    >>> capsule = mt.utils.dlpack.to_dlpack(mt.ones(2))
    """
    return tensor.__dlpack__()


refuse_missing(globals())
