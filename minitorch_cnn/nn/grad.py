"""The gradients of convolutions as functions: of the input, and of the weight.

They are what backward computes, for programs that want them without a graph. Shapes are those of
the convolution: input (N, C, ...), weight (K, C / groups, ...), grad_output (N, K, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd import grad
from ..autograd.modes import enable_grad
from ..missing import refuse_missing
from ..ops.breadth.nn_convolution_3d import conv3d
from ..ops.conv import conv1d, conv2d
from ..tensor import Tensor

__all__ = [
    "conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input",
    "conv3d_weight",
]  # fmt: skip


def _of_input(name: str, conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def function(
        input_size: Any,
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        with enable_grad():
            x = weight.new_zeros(tuple(input_size)).requires_grad_()
            y = conv(x, weight, None, stride, padding, dilation, groups)
        return grad(y, x, grad_output, create_graph=grad_output.requires_grad)[0]

    function.__name__ = function.__qualname__ = f"{name}_input"
    function.__doc__ = f"""The gradient of `{name}` by its input, of shape input_size.

    Raises RuntimeError for shapes that do not fit, as `{name}` does.

    >>> import minitorch_cnn as mt
    >>> w, gy = mt.ones(1, 1, *[1] * {name[4]}), mt.ones(1, 1, *[2] * {name[4]})
    >>> mt.nn.grad.{name}_input(gy.shape, w, gy).equal(gy)
    True
    """
    return function


def _of_weight(name: str, conv: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def function(
        input: Tensor,
        weight_size: Any,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        with enable_grad():
            weight = input.new_zeros(tuple(weight_size)).requires_grad_()
            y = conv(input, weight, None, stride, padding, dilation, groups)
        return grad(y, weight, grad_output, create_graph=grad_output.requires_grad)[0]

    function.__name__ = function.__qualname__ = f"{name}_weight"
    function.__doc__ = f"""The gradient of `{name}` by its weight, of shape weight_size.

    Raises RuntimeError for shapes that do not fit, as `{name}` does.

    >>> import minitorch_cnn as mt
    >>> x = mt.ones(1, 1, *[2] * {name[4]})
    >>> mt.nn.grad.{name}_weight(x, [1] * {int(name[4]) + 2}, x).item() == 2.0 ** {name[4]}
    True
    """
    return function


conv1d_input, conv1d_weight = _of_input("conv1d", conv1d), _of_weight("conv1d", conv1d)
conv2d_input, conv2d_weight = _of_input("conv2d", conv2d), _of_weight("conv2d", conv2d)
conv3d_input, conv3d_weight = _of_input("conv3d", conv3d), _of_weight("conv3d", conv3d)

refuse_missing(globals())
