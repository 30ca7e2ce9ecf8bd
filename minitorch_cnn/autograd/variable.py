"""Variable: what programs from before torch 0.4 wrap their tensors in."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..tensor import Tensor, wrap


class _EveryTensor(type):
    """isinstance(x, Variable) is true of every tensor."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_EveryTensor):
    """The same values, cut from what computed them; today every tensor is a variable.

    volatile, which turned recording off, changes nothing any more. Raises TypeError for what is no
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.autograd.Variable(mt.ones(1), requires_grad=True)
    tensor([1.], requires_grad=True)
    >>> isinstance(mt.ones(1), mt.autograd.Variable)
    True
    """

    def __new__(  # type: ignore[misc]
        cls, data: Tensor | None = None, requires_grad: bool = False, volatile: bool = False
    ) -> Tensor:
        if data is None:
            data = wrap(np.empty(0, np.float32))
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)
