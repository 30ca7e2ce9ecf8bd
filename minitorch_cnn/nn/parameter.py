"""Parameter: a tensor that a module counts among the things to train."""

from __future__ import annotations

from ..copying import deep_copy
from ..tensor import Tensor


class Parameter(Tensor):
    """A leaf tensor that `Module` registers when it is assigned as an attribute.

    data: its values, a Tensor whose memory is shared (an empty one by default).
    requires_grad: False freezes it. Raises TypeError if data is not a Tensor, RuntimeError if it
    requires a gradient and holds integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Parameter(mt.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            super().__init__()
        elif isinstance(data, Tensor):
            self.array = data.array
            self._memory = data._memory  # a write through either tensor is seen by both
        else:
            raise TypeError(
                f"Parameter needs a Tensor, got {type(data).__name__}; wrap it in mt.tensor(...)"
            )
        self.requires_grad_(requires_grad)

    def __deepcopy__(self, memo: dict) -> Tensor:
        return deep_copy(self, memo, gradient=False)  # as in torch
