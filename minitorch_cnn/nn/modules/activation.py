"""Activation layers: each holds its settings and calls the function of the same name.

Those that look at a whole dimension and not at one element are in softmax.py.
"""

from __future__ import annotations

from typing import Any

from ...ops import activation as ops
from ...ops.arguments import as_number
from ...ops.creation import full
from ...tensor import Tensor
from .. import functional as F
from ..parameter import Parameter
from .module import Module
from .softmax import LogSoftmax, Softmax, Softmax2d, Softmin  # noqa: F401  torch has them here

__all__ = [
    "ReLU", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish", "LeakyReLU", "ELU", "GELU",
    "Sigmoid", "Tanh", "LogSigmoid", "Hardtanh", "ReLU6", "Threshold", "Softplus", "PReLU", "CELU",
    "GLU", "RReLU", "Softsign", "Tanhshrink", "Softshrink", "Hardshrink",
]  # fmt: skip


class _Inplace(Module):
    """An activation whose only setting is whether it overwrites its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_Inplace):
    """max(x, 0) of each element, any shape: the slope is 1 above 0, and 0 below and at 0.

    inplace: overwrite the input, which saves its memory. NaN stays NaN. Raises TypeError for
    anything but a tensor, RuntimeError for inplace on a leaf that requires a gradient.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReLU()(mt.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return ops.relu(input, self.inplace)


class SELU(_Inplace):
    """1.0507 * elu(x, 1.6733) of each element, any shape; inplace: overwrite the input.

    The two constants keep mean 0 and variance 1 from layer to layer (Klambauer et al.,
    "Self-normalizing neural networks", 2017); for that, draw the weights with std 1/sqrt(fan_in).
    Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.SELU()(mt.tensor([-100.0, 0.0, 1.0]))  # -1.0507 * 1.6733 is the lowest value
    tensor([-1.7581,  0.0000,  1.0507])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


class SiLU(_Inplace):
    """x * sigmoid(x) of each element, any shape; inplace: overwrite the input.

    A smooth ReLU, also called swish: near x for large x, near 0 for very negative x, and lowest
    (-0.278) at x = -1.278. NaN for -inf, as 0 * inf. Raises RuntimeError for integers.
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.SiLU()(mt.tensor([-20.0, 0.0, 1.0, 20.0]))
    tensor([-4.1223e-08,  0.0000e+00,  7.3106e-01,  2.0000e+01])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


class Mish(_Inplace):
    """x * tanh(log(1 + exp(x))) of each element, any shape; inplace: overwrite the input.

    A smooth ReLU whose slope at 0 is 0.6. NaN for -inf. Raises RuntimeError for integers.
    Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Mish()(mt.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.3034,  0.0000,  0.8651])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


class Hardsigmoid(Module):
    """(x + 3) / 6 limited to [0, 1], of each element, any shape; inplace: overwrite the input.

    A sigmoid of three straight pieces, which needs no exp. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Hardsigmoid()(mt.tensor([-4.0, -1.5, 0.0, 4.0]))
    tensor([0.0000, 0.2500, 0.5000, 1.0000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x * hardsigmoid(x) of each element, any shape; inplace: overwrite the input.

    0 up to x = -3, x from 3 on, a parabola between: a `SiLU` without exp. NaN for -inf.
    Raises RuntimeError for integers. Howard et al., "Searching for MobileNetV3", 2019.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Hardswish()(mt.tensor([-4.0, -1.5, 0.0, 4.0]))  # -1.5 * (1.5 / 6)
    tensor([-0.0000, -0.3750,  0.0000,  4.0000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class LeakyReLU(Module):
    """x where it is positive, negative_slope * x elsewhere; any shape.

    So no unit is ever without a gradient. inplace: overwrite the input.
    Raises RuntimeError for integers. Maas et al., "Rectifier nonlinearities improve neural network
    acoustic models", 2013.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LeakyReLU(0.1)(mt.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.2000,  0.0000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    """x where it is positive, alpha * (exp(x) - 1) elsewhere; any shape.

    Goes to -alpha for very negative x. inplace: overwrite the input.
    Raises RuntimeError for integers. Clevert et al., "Fast and accurate deep network learning by
    exponential linear units", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ELU()(mt.tensor([-100.0, -1.0, 0.0, 2.0]))
    tensor([-1.0000, -0.6321,  0.0000,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GELU(Module):
    """x * P(x) of each element, any shape: P(x) is how often a normal number is below x.

    approximate: "tanh" takes 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) instead of the
    exact "none". NaN for -inf. Raises RuntimeError for integers, and for another approximate when
    it is called. Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.GELU()(mt.tensor([-1.0, 0.0, 1.0]))  # P(1) = 0.8413, P(-1) = 0.1587
    tensor([-0.1587,  0.0000,  0.8413])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)) of each element, any shape: from 0 to 1, and 1/2 at 0.

    Does not overflow. Integers are computed as float32. Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Sigmoid()(mt.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)) of each element, any shape: from -1 to 1.

    Does not overflow. Integers are computed as float32. Raises TypeError for anything but a
    tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Tanh()(mt.tensor([-1000.0, 0.0, 0.5]))
    tensor([-1.0000,  0.0000,  0.4621])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x))) of each element, any shape: never positive.

    Exact where the sigmoid itself rounds to 0 or 1: near x for very negative x, -exp(-x) for large
    x. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.LogSigmoid()(mt.tensor([-200.0, 0.0]))  # log(1 / 2) = -0.6931
    tensor([-200.0000,   -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Hardtanh(Module):
    """x limited to [min_val, max_val], any shape; the slope outside is 0.

    inplace: overwrite the input. NaN stays NaN. Raises AssertionError unless min_val < max_val,
    RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Hardtanh(-2.0, 2.0)(mt.tensor([-3.0, 0.5, 3.0]))
    tensor([-2.0000,  0.5000,  2.0000])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if min_val >= max_val:
            raise AssertionError(
                f"max_val must be larger than min_val, got min_val={min_val}, max_val={max_val}"
            )
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"min_val={self.min_val}, max_val={self.max_val}{inplace}"


class ReLU6(Hardtanh):
    """x limited to [0, 6], any shape; inplace: overwrite the input.

    With a known largest value, activations can be stored in a few bits; MobileNets use it.
    Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.ReLU6()(mt.tensor([-1.0, 5.0, 7.0]))
    tensor([0., 5., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Threshold(Module):
    """x where it is above threshold, value elsewhere; any shape.

    inplace: overwrite the input. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Threshold(1.0, -5.0)(mt.tensor([0.5, 1.0, 1.5]))
    tensor([-5.0000, -5.0000,  1.5000])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"threshold={self.threshold}, value={self.value}{inplace}"


class Softplus(Module):
    """log(1 + exp(beta * x)) / beta of each element, any shape: a smooth ReLU, always positive.

    The larger beta, the sharper the bend. Where beta * x > threshold, x itself, which is the same
    but for rounding. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Softplus()(mt.tensor([-1.0, 0.0, 30.0]))  # log 2 = 0.6931 at 0
    tensor([ 0.3133,  0.6931, 30.0000])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class PReLU(Module):
    """x where it is positive, weight * x elsewhere, with a learned weight.

    num_parameters: 1 for all channels, or the number of channels C. input: (N, C, ...).
    weight: (num_parameters,), at first `init` everywhere. Do not decay it: that pulls it to a ReLU.
    Raises RuntimeError if there are other channels than parameters, and for integers.
    He et al., "Delving deep into rectifiers", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.PReLU(2, init=0.5)(mt.tensor([[-2.0, -4.0], [1.0, 3.0]])).detach()
    tensor([[-1., -2.],
            [ 1.,  3.]])
    """

    def __init__(
        self,
        num_parameters: int = 1,
        init: float = 0.25,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        slope = float(as_number("PReLU", "init", init))
        self.weight = Parameter(full((num_parameters,), slope, device=device, dtype=dtype))

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class CELU(Module):
    """x where it is positive, alpha * (exp(x / alpha) - 1) elsewhere; any shape.

    As `ELU`, but the slope at 0 is 1 for every alpha: no kink. inplace: overwrite the input.
    Raises RuntimeError for alpha 0 and for integers, when it is called.
    Barron, "Continuously differentiable exponential linear units", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.CELU(2.0)(mt.tensor([-1.0, 2.0]))  # 2 (exp(-1 / 2) - 1)
    tensor([-0.7869,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class GLU(Module):
    """The first half along dim times the sigmoid of the second: a gate for each value.

    (..., 2 n, ...) -> (..., n, ...). Raises RuntimeError for an odd length, a tensor without
    dimensions, and integers.
    Dauphin et al., "Language modeling with gated convolutional networks", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.GLU()(mt.tensor([4.0, 8.0, 0.0, 100.0]))  # gates 1/2 and 1
    tensor([2., 8.])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class RReLU(Module):
    """`LeakyReLU` with a slope drawn from [lower, upper] for each element while training.

    In evaluation mode the slope is (lower + upper) / 2. Any shape; inplace: overwrite the input.
    Raises RuntimeError when called if lower > upper, and for integers.
    Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.RReLU(0.25, 0.75).eval()(mt.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"lower={self.lower}, upper={self.upper}{inplace}"


class Softsign(Module):
    """x / (1 + |x|) of each element, any shape: between -1 and 1, approached slowly.

    NaN for +-inf. Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Softsign()(mt.tensor([-1.0, 0.0, 3.0]))
    tensor([-0.5000,  0.0000,  0.7500])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh(x) of each element, any shape: x moved towards 0 by at most 1; near 0, x^3 / 3.

    Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Tanhshrink()(mt.tensor([-10.0, 0.0, 10.0]))
    tensor([-9.,  0.,  9.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 where it is nearer than that; any shape.

    The step that solves least squares with an L1 penalty of lambd. NaN stays NaN.
    Raises RuntimeError when called for a negative lambd, and for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Softshrink()(mt.tensor([-2.0, 0.25, 1.0]))
    tensor([-1.5000,  0.0000,  0.5000])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Module):
    """0 where |x| <= lambd, x elsewhere; any shape. NaN stays NaN.

    Raises RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.Hardshrink()(mt.tensor([-2.0, 0.5, 1.0]))
    tensor([-2.,  0.,  1.])
    """

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)
