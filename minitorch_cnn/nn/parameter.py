"""Parameter: a tensor that a module counts among the things to train."""

from __future__ import annotations

from typing import Any

from .. import backend
from ..copying import deep_copy
from ..dtypes import as_dtype, get_default_dtype
from ..ops.creation import empty
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
            self._set_array(data.array)
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


class _Uninitialized:
    """A tensor whose shape is not known yet: only its dtype and device are."""

    _kind: Any
    _place: Any

    def _prepare(self, requires_grad: bool, device: Any, dtype: Any) -> None:
        self._kind = get_default_dtype() if dtype is None else as_dtype(dtype)
        self._place = backend.default_device() if device is None else backend.device(device)
        self._requires_grad = requires_grad

    @property
    def array(self) -> Any:
        raise ValueError(
            f"Attempted to use an uninitialized parameter or buffer ({type(self).__name__}): call "
            "the lazy module with input of the right shape first"
        )

    @array.setter
    def array(self, value: Any) -> None:
        """`Tensor.__new__` sets None."""

    arriving = array

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. Call the lazy module "
            "with input of the right shape first, also before loading its state dict elsewhere."
        )

    @property
    def dtype(self) -> Any:
        return self._kind

    @property
    def device(self) -> Any:
        return self._place

    def detach(self) -> Any:
        return self

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Makes it a `Parameter`, or a Tensor, of this shape, without values of use."""
        kind = self._kind if dtype is None else as_dtype(dtype)
        values = empty(shape, dtype=kind, device=self._place if device is None else device)
        self.__class__ = self.cls_to_become  # type: ignore[attr-defined, assignment]
        del self._kind, self._place
        self._set_array(values.array)  # type: ignore[attr-defined]

    def __deepcopy__(self, memo: dict) -> Any:
        twin = type(self)(self._requires_grad, self._place, self._kind)  # type: ignore[call-arg]
        memo[id(self)] = twin
        return twin

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return type(self), (self._requires_grad, self._place, self._kind)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):  # type: ignore[misc]
    """A `Parameter` of a lazy layer, whose shape is known after the first forward pass.

    `materialize` gives it one, e.g. (K, C), and makes it a Parameter. Before, looking at the shape
    raises RuntimeError, and everything else that needs values ValueError.

    >>> import minitorch_cnn as mt
    >>> weight = mt.nn.UninitializedParameter()
    >>> weight.materialize((2, 3))
    >>> type(weight).__name__, weight.shape
    ('Parameter', minitorch_cnn.Size([2, 3]))
    """

    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        self._prepare(requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized, Tensor):  # type: ignore[misc]
    """A buffer of a lazy layer. Shapes and errors as `UninitializedParameter`.

    >>> import minitorch_cnn as mt
    >>> mt.nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    cls_to_become = Tensor

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        self._prepare(requires_grad, device, dtype)
        self.__dict__.update(persistent=persistent, _is_buffer=True)


def is_lazy(param: Any) -> bool:
    """Whether it is an uninitialized parameter or buffer."""
    return isinstance(param, _Uninitialized)
