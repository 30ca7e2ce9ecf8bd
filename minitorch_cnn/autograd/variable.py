"""Variable: what programs from before torch 0.4 wrap their tensors in."""

from __future__ import annotations

from ..tensor import Tensor


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """The same values, cut from what computed them; today every tensor is a variable.

    >>> import minitorch_cnn as mt
    >>> mt.autograd.Variable(mt.ones(1), requires_grad=True)
    tensor([1.], requires_grad=True)
    """
    return data.detach().requires_grad_(requires_grad)
