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


class _BufferType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and "_is_buffer" in instance.__dict__


class Buffer(metaclass=_BufferType):
    """``self.mean = nn.Buffer(tensor)`` in a module is ``self.register_buffer("mean", tensor)``.

    Makes a tensor of data's shape in the same memory. persistent: False leaves it out of the state
    dict. Raises TypeError if data is not a Tensor.

    >>> import minitorch_cnn as mt
    >>> module = mt.nn.Module()
    >>> module.mean = mt.nn.Buffer(mt.tensor([0.5]))
    >>> list(module.state_dict()), isinstance(module.mean, mt.nn.Buffer)
    (['mean'], True)
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Tensor:  # type: ignore[misc]
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise TypeError(f"Buffer needs a Tensor, got {type(data).__name__}")
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.__dict__.update(persistent=persistent, _is_buffer=True)
        return buffer
