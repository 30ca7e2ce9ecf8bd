"""Activation functions: relu, leaky_relu, elu, gelu, silu, ... with their gradients.

Where a function has two pieces, the gradient at the joint is torch's choice: 0 for relu at 0.
"""

from __future__ import annotations

import math
from typing import Any

from .. import kernels
from ..autograd.deferred import MaskedGradient, ScatteredGradient
from ..autograd.function import Function
from ..dtypes import float16, float32
from ..tensor import Tensor, later, running, shape_text, wrap
from .arithmetic import where
from .common import sum_to
from .elementwise import erf, exp, sigmoid, tanh
from .inplace import check_writable, make_inplace

__all__ = [
    "relu", "relu_", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "hardtanh", "relu6",
    "hardsigmoid", "hardswish", "softplus", "logsigmoid", "threshold", "prelu", "leaky_relu_",
    "elu_", "selu_", "hardtanh_", "threshold_",
]  # fmt: skip


class ReLU(Function):
    """y = max(x, 0). Backward needs only where y is positive, so x need not be kept."""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        waiting = x._deferred
        y = running(kernels.relu(x.arriving) if waiting is None else waiting.with_relu())
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (y,) = ctx.saved_tensors
        return ReLUBackward.apply(gy, y.detach())


class ReLUInplace(ReLU):
    """`ReLU` written over x itself: backward is the same, because it looks at the output."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        waiting = x._deferred
        if waiting is None:
            kernels.relu_(x.array)
        else:  # there is nothing to write over yet
            x.arriving, x._deferred = waiting.with_relu(), None
        ctx.mark_dirty(x)
        ctx.save_for_backward(x)
        return x


class ReLUBackward(Function):
    """gx = gy where y > 0. Linear in gy, so its own gradient is the same mask again."""

    runs_ahead = True

    @staticmethod
    def forward(ctx: Any, gy: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        waiting = gy._deferred
        if isinstance(waiting, ScatteredGradient) and (masked := waiting.masked(y.arriving)):
            return later(masked, gy, y)
        return later(MaskedGradient(gy.arriving, y.arriving), gy, y)

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        (y,) = ctx.saved_tensors
        return ReLUBackward.apply(ggx, y), None


class LeakyReLU(Function):
    """y = x where x > 0, slope * x elsewhere"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: float) -> Tensor:
        ctx.slope = slope
        ctx.save_for_backward(x)
        return wrap(kernels.leaky_relu(x.array, slope))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        return where(x > 0, gy, gy * ctx.slope), None


class ELU(Function):
    """y = scale * x where x > 0, scale * alpha * (exp(rate * x) - 1) elsewhere"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, alpha: float, scale: float, rate: float = 1.0) -> Tensor:
        ctx.alpha, ctx.scale, ctx.rate = alpha, scale, rate
        ctx.save_for_backward(x)
        # exp only sees x <= 0: no overflow in the branch that is not taken
        return where(x <= 0, alpha * (rate * x.clamp(max=0)).expm1(), x) * scale  # NaN stays

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        slope = where(x <= 0, ctx.alpha * ctx.rate * exp(ctx.rate * x.clamp(max=0)), 1.0)
        return gy * slope * ctx.scale, None, None, None


class GELU(Function):
    """y = x P(x), P the cumulative distribution of the normal distribution"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * GELU.cumulative(x)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        density = exp(x * x * -0.5) / math.sqrt(2 * math.pi)  # P'(x)
        return gy * (GELU.cumulative(x) + x * density)

    @staticmethod
    def cumulative(x: Tensor) -> Tensor:
        return 0.5 * (1 + erf(x * math.sqrt(0.5)))


class GELUTanh(Function):
    """y = x (1 + tanh(u)) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), close to `GELU`"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return 0.5 * x * (1 + GELUTanh.bend(x))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        t = GELUTanh.bend(x)
        slope_of_u = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return gy * 0.5 * (1 + t + x * (1 - t * t) * slope_of_u)

    @staticmethod
    def bend(x: Tensor) -> Tensor:
        return tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))


class SiLU(Function):
    """y = x s(x), s the sigmoid; y' = s + x s (1 - s)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return wrap(kernels.silu(x.array))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        s = sigmoid(x)
        return gy * s * (1 + x * (1 - s))


class Mish(Function):
    """y = x tanh(p), p = softplus(x), whose slope is the sigmoid s; y' = t + x s (1 - t^2)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * tanh(Softplus.apply(x, 1.0, 20.0))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        t = tanh(Softplus.apply(x, 1.0, 20.0))
        return gy * (t + x * sigmoid(x) * (1 - t * t))


class Hardsigmoid(Function):
    """y = x / 6 + 1 / 2 limited to [0, 1]; flat at and beyond the limits, and at NaN"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return (x + 3).clamp(0, 6) / 6

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return where((x > -3) & (x < 3), gy / 6, 0.0)


class Hardswish(Function):
    """y = x (x + 3) / 6 between -3 and 3, 0 below and x above"""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * (x + 3).clamp(0, 6) / 6

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return where(x <= -3, 0.0, where(x < 3, gy * (x / 3 + 0.5), gy))


class PReLU(Function):
    """y = x where x > 0, slope x elsewhere; the slopes are learnt"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(x, slope)
        return where(x > 0, x, slope * x)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        x, slope = ctx.saved_tensors
        return where(x > 0, gy, gy * slope), sum_to(where(x > 0, 0.0, gy * x), slope.shape)


class Hardtanh(Function):
    """y = x limited to [low, high]; the gradient is 0 at the limits, unlike that of clamp"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Any, high: Any) -> Tensor:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return wrap(kernels.hardtanh(x.array, low, high))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        return HardtanhBackward.apply(gy, *ctx.saved_tensors, ctx.low, ctx.high), None, None


class HardtanhBackward(Function):
    """gx = gy between the limits, 0 at and beyond them; x decides where, and gets no gradient"""

    @staticmethod
    def forward(ctx: Any, gy: Tensor, x: Tensor, low: float, high: float) -> Tensor:
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return wrap(kernels.hardtanh_backward(gy.array, x.array, low, high))

    @staticmethod
    def backward(ctx: Any, ggx: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        return HardtanhBackward.apply(ggx, x, ctx.low, ctx.high), None, None, None


class Softplus(Function):
    """y = log(1 + exp(beta x)) / beta; its slope is sigmoid(beta x)"""

    @staticmethod
    def forward(ctx: Any, x: Tensor, beta: float, threshold: float) -> Tensor:
        ctx.beta, ctx.threshold = beta, threshold
        ctx.save_for_backward(x)
        return wrap(kernels.softplus(x.array, beta, threshold))

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple:
        (x,) = ctx.saved_tensors
        scaled = x * ctx.beta
        return where(scaled > ctx.threshold, gy, gy * sigmoid(scaled)), None, None


# ------------------------------------------------------------------------ public functions


def _numbers(input: Any, name: str) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}() needs a Tensor, got {type(input).__name__}")
    if input.dtype.category == 0:
        raise NotImplementedError(f"{name}() is not implemented for bool; use input.float()")


def _floating(input: Any, name: str) -> None:
    _numbers(input, name)
    if not input.dtype.is_floating_point:
        raise NotImplementedError(
            f"{name}() is not implemented for {input.dtype}; use input.float()"
        )


def _rounded_once(operation: type[Function], input: Tensor, *args: Any) -> Tensor:
    """The operation, of float16 in single precision: a formula of many steps would lose digits."""
    if input.dtype is float16:
        return operation.apply(input.to(float32), *args).to(float16)
    return operation.apply(input, *args)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0), elementwise; its gradient at 0 is 0, and NaN stays NaN.

    Raises TypeError for anything but a tensor, NotImplementedError for bools.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.relu(mt.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    if inplace:
        return relu_(input)
    _numbers(input, "relu")
    return ReLU.apply(input)


def relu_(input: Tensor) -> Tensor:
    """`relu`, written over the input itself, of any shape. Returns it.

    Raises RuntimeError for a leaf that requires a gradient, whose value would be lost.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([-1.0, 2.0])
    >>> y = mt.nn.functional.relu_(x)
    >>> x
    tensor([0., 2.])
    """
    if input._view is not None:
        return _general_relu_(input)
    check_writable(input)
    return ReLUInplace.apply(input)


_general_relu_ = make_inplace(relu)  # knows how a view hands the change on to its base


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where it is positive, negative_slope * input elsewhere; any shape.

    Unlike `relu` it lets a little of the gradient through for negative inputs. At 0 the slope is
    negative_slope. Raises TypeError for anything but a tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.leaky_relu(mt.tensor([-1.0, 2.0]), 0.1)
    tensor([-0.1000,  2.0000])
    """
    if inplace:
        return leaky_relu_(input, negative_slope)
    _floating(input, "leaky_relu")
    return LeakyReLU.apply(input, negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where it is positive, alpha * (exp(input) - 1) elsewhere; any shape.

    Smooth at 0 for alpha = 1, and never below -alpha. Raises TypeError for anything but a tensor,
    RuntimeError for integers.
    Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.elu(mt.tensor([-100.0, 0.0, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    if inplace:
        return elu_(input, alpha)
    _floating(input, "elu")
    return _rounded_once(ELU, input, alpha, 1.0)


# Klambauer et al., "Self-normalizing neural networks", 2017: with these two constants, activations
# of mean 0 and variance 1 keep them from layer to layer.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 * elu(input, alpha=1.6733), elementwise.

    With these two constants, activations of mean 0 and variance 1 keep them from layer to layer.
    Raises TypeError for anything but a tensor, RuntimeError for integers.
    Klambauer et al., "Self-normalizing neural networks", 2017.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.selu(mt.tensor([-100.0, 0.0, 1.0]))
    tensor([-1.7581,  0.0000,  1.0507])
    """
    if inplace:
        return selu_(input)
    _floating(input, "selu")
    return _rounded_once(ELU, input, SELU_ALPHA, SELU_SCALE)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """input * P(input), elementwise; P is the cumulative distribution of the normal distribution.

    So an input is kept with the probability that a normal number is below it. approximate: "tanh"
    for 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which is cheaper. Raises TypeError for
    anything but a tensor, RuntimeError for integers or another `approximate`.
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.gelu(mt.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    _floating(input, "gelu")
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return _rounded_once(GELU if approximate == "none" else GELUTanh, input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input), elementwise; also called swish.

    Near 0 for large negative inputs, near the input for large positive ones. Raises TypeError for
    anything but a tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.silu(mt.tensor([-20.0, 0.0, 20.0]))
    tensor([-4.1223e-08,  0.0000e+00,  2.0000e+01])
    """
    if inplace:
        return silu_(input)
    _floating(input, "silu")
    return _rounded_once(SiLU, input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(log(1 + exp(input))), elementwise.

    A smooth curve like `silu`. Raises TypeError for anything but a tensor, RuntimeError for
    integers.
    Misra, "Mish: a self regularized non-monotonic activation function", 2019.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.mish(mt.tensor([-1.0, 0.0, 20.0]))
    tensor([-0.3034,  0.0000, 20.0000])
    """
    if inplace:
        return mish_(input)
    _floating(input, "mish")
    return _rounded_once(Mish, input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """input limited to [min_val, max_val], elementwise.

    The gradient is 1 between the limits and 0 at and beyond them. Raises ValueError if
    min_val > max_val, TypeError for anything but a tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.hardtanh(mt.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min_val > max_val:
        raise ValueError(f"min_val cannot be greater than max_val, got {min_val} > {max_val}")
    if inplace:
        return hardtanh_(input, min_val, max_val)
    _numbers(input, "hardtanh")
    if not input.dtype.is_floating_point:
        min_val, max_val = int(min_val), int(max_val)
    return Hardtanh.apply(input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """input limited to [0, 6], elementwise: `hardtanh` with these limits.

    Numbers with a largest value survive in few bits. Raises TypeError for anything but a tensor,
    RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.relu6(mt.tensor([-1.0, 5.0, 9.0]))
    tensor([0., 5., 6.])
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(input + 3) / 6, elementwise: a sigmoid of three straight pieces.

    Exactly 0 up to -3 and exactly 1 from 3 on. Raises TypeError for anything but a tensor,
    RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.hardsigmoid(mt.tensor([-4.0, 0.0, 1.5, 4.0]))
    tensor([0.0000, 0.5000, 0.7500, 1.0000])
    """
    if inplace:
        return hardsigmoid_(input)
    _floating(input, "hardsigmoid")
    return _rounded_once(Hardsigmoid, input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * relu6(input + 3) / 6, elementwise: `silu` with a `hardsigmoid`.

    0 up to -3, the input itself from 3 on. Raises TypeError for anything but a tensor, RuntimeError
    for integers.
    Howard et al., "Searching for MobileNetV3", 2019.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.hardswish(mt.tensor([-4.0, -1.0, 0.0, 4.0]))
    tensor([-0.0000, -0.3333,  0.0000,  4.0000])
    """
    if inplace:
        return hardswish_(input)
    _floating(input, "hardswish")
    return _rounded_once(Hardswish, input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * input)) / beta, elementwise: a smooth `relu`.

    Where beta * input > threshold it is the input itself, from which it differs by less than
    rounding. Raises TypeError for anything but a tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.softplus(mt.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """
    _floating(input, "softplus")
    return _rounded_once(Softplus, input, beta, threshold)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(input)), elementwise, exact also where the sigmoid rounds to 0 or 1.

    Raises TypeError for anything but a tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.logsigmoid(mt.tensor([-200.0, 0.0]))  # log(sigmoid(-200.0)) is -inf
    tensor([-200.0000,   -0.6931])
    """
    _floating(input, "logsigmoid")
    return -_rounded_once(Softplus, -input, 1.0, math.inf)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it is above threshold, value elsewhere; any shape.

    At the threshold itself it is the value, and the gradient 0. Raises TypeError for anything but a
    tensor, RuntimeError for integers.

    >>> import minitorch_cnn as mt
    >>> mt.nn.functional.threshold(mt.tensor([0.5, 1.0, 2.0]), 1.0, -1.0)
    tensor([-1., -1.,  2.])
    """
    if inplace:
        return threshold_(input, threshold, value)
    _numbers(input, "threshold")
    return where(input <= threshold, value, input)  # NaN is not below: it stays, with its gradient


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where it is positive, weight * input elsewhere: `leaky_relu` whose slope is learnt.

    input: (N, C, ...) or (C,); weight: (1,) or (C,), one slope for all channels or one for each.
    Raises RuntimeError for a weight of another length and for integers, TypeError for an input
    that is no tensor.
    He et al., "Delving deep into rectifiers", 2015.

    >>> import minitorch_cnn as mt
    >>> x = mt.tensor([[-1.0, -1.0], [3.0, 3.0]])
    >>> mt.nn.functional.prelu(x, mt.tensor([0.25, 0.5]))
    tensor([[-0.2500, -0.5000],
            [ 3.0000,  3.0000]])
    """
    _floating(input, "prelu")
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.numel() not in (1, channels):
        raise RuntimeError(
            f"prelu: weight must have 1 or {channels} elements (the channels of an input of shape "
            f"{shape_text(input.shape)}), got shape {shape_text(weight.shape)}"
        )
    slope = weight
    if input.ndim > 2 and weight.numel() > 1:
        slope = weight.reshape(channels, *[1] * (input.ndim - 2))  # (C, 1, 1)
    if input.ndim == 0:
        slope = weight.reshape(())
    return PReLU.apply(input, slope)


leaky_relu_ = make_inplace(leaky_relu)
elu_ = make_inplace(elu)
selu_ = make_inplace(selu)
silu_ = make_inplace(silu)
mish_ = make_inplace(mish)
hardtanh_ = make_inplace(hardtanh)
hardsigmoid_ = make_inplace(hardsigmoid)
hardswish_ = make_inplace(hardswish)
threshold_ = make_inplace(threshold)
