"""Initial values of parameters: all functions change a tensor in place and return it.

The laws for weights keep the variance of activations (or of gradients) the same from layer to
layer: a weight of shape (K, C, KH, KW) adds up fan_in = C*KH*KW products for each output, so its
variance must be gain^2 / fan_in.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..autograd.modes import no_grad
from ..missing import refuse_missing as _refuse_missing
from ..ops.arguments import check_arguments
from ..ops.breadth import random_sampling
from ..random import Generator, rng_of
from ..tensor import Tensor, shape_text, wrap


def _write(tensor: Tensor, values: Any) -> Tensor:
    """Puts NumPy values into a tensor, whatever its dtype and device, unrecorded."""
    array = np.asarray(values).astype(tensor.dtype.numpy, copy=False)
    with no_grad():
        return tensor.copy_(wrap(backend.to_device(array, tensor.device)))


def _floating(tensor: Tensor) -> None:
    if not tensor.dtype.is_floating_point:
        raise NotImplementedError(f"random values are not implemented for {tensor.dtype}")


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Values evenly distributed between a and b; a floating tensor of any shape.

    generator: where the random numbers come from (None: the one that `manual_seed` seeds). Raises
    RuntimeError unless a <= b are finite, NotImplementedError for integers, TypeError for anything
    but a tensor and numbers.

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.uniform_(mt.empty(1000), -1, 1)
    >>> bool(((w >= -1) & (w < 1)).all())
    True
    """
    if not (a <= b and math.isfinite(b - a)):  # NaN too
        raise RuntimeError(f"uniform_ expects a finite [from, to) range, but got [{a}, {b})")
    with no_grad():
        return random_sampling.uniform_(tensor, a, b, generator=generator)


def normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normally distributed values: about mean, two thirds of them within std. Any shape.

    generator and errors as for `uniform_`, RuntimeError for a negative std.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> w = mt.nn.init.normal_(mt.empty(10000), mean=5.0, std=2.0)
    >>> round(w.mean().item(), 1), round(w.std().item(), 1)
    (5.0, 2.0)
    """
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    with no_grad():
        return random_sampling.normal_(tensor, mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Values of the part of a normal distribution that lies in [a, b]. Any shape.

    What lies outside is drawn again until all fits. If less than 3 in 10 normal numbers would, they
    are uniform numbers instead, each kept with a probability of its density by the largest in
    [a, b]: von Neumann's rejection. generator and errors as for `uniform_`, and RuntimeError for
    a > b, a negative std or NaN, ZeroDivisionError for a std of 0. UserWarning if mean is more
    than 2 std outside [a, b].

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.trunc_normal_(mt.empty(1000), a=-0.5, b=1.5)
    >>> bool((w >= -0.5).all()), bool((w <= 1.5).all())
    (True, True)
    """
    _floating(tensor)
    if not (a <= b and std >= 0 and math.isfinite(mean)):  # NaN too
        raise RuntimeError(
            "trunc_normal_ expects a <= b, std >= 0 and a finite mean, but got "
            f"mean={mean}, std={std}, a={a}, b={b}"
        )
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=2,
        )
    if tensor.numel() == 0:
        return tensor
    low, high = (a - mean) / std, (b - mean) / std
    share = 0.5 * (math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)))
    rng = rng_of(generator)
    values = np.empty(tensor.numel(), tensor.dtype.numpy)
    missing = np.ones(tensor.numel(), bool)
    top = min(max(mean, a), b)  # where the density is largest
    while missing.any():  # all are drawn each time, as in torch
        draws = np.empty_like(values)
        if share > 0.3:
            rng.fill_normal(draws, mean, std)
            fits = (draws >= a) & (draws <= b)
        else:
            rng.fill_uniform(draws, a, b)
            exponent = ((top - mean) / std) ** 2 / 2 - ((draws - mean) / std) ** 2 / 2
            with np.errstate(divide="ignore"):  # float16 often has a 0
                fits = np.log(rng.fill_uniform(np.empty_like(values), 0, 1)) <= exponent
        np.copyto(values, draws, where=missing & fits)
        missing &= ~fits
    return _write(tensor, values.reshape(tensor.shape))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """The same value everywhere; a tensor of any shape and dtype.

    Raises TypeError if val is no number or tensor is no tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.init.constant_(mt.empty(3), 0.5)
    tensor([0.5000, 0.5000, 0.5000])
    """
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """1 everywhere; a tensor of any shape and dtype.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.init.ones_(mt.empty(3))
    tensor([1., 1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """0 everywhere; a tensor of any shape and dtype.

    Raises TypeError for anything but a tensor.

    >>> import minitorch_cnn as mt
    >>> mt.nn.init.zeros_(mt.empty(3))
    tensor([0., 0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """1 on the diagonal and 0 elsewhere: a linear layer with this weight returns its input.

    tensor: (out_features, in_features). Raises ValueError unless the tensor has 2 dimensions.

    >>> import minitorch_cnn as mt
    >>> mt.nn.init.eye_(mt.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return _write(tensor, np.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Convolution weights that pass each channel through: 1 at the centre of the own channel.

    tensor: (K, C, ...) with 3, 4 or 5 dimensions; filters beyond the C-th are 0. groups: for each
    group of filters by itself. Raises ValueError for other dimensions, or if groups does not divide
    K.

    >>> import minitorch_cnn as mt
    >>> mt.nn.init.dirac_(mt.empty(2, 2, 3))
    tensor([[[0., 1., 0.],
             [0., 0., 0.]],
    <BLANKLINE>
            [[0., 0., 0.],
             [0., 1., 0.]]])
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    values = np.zeros(tensor.shape)
    centre = tuple(length // 2 for length in tensor.shape[2:])
    per_group = tensor.shape[0] // groups
    for group in range(groups):
        for channel in range(min(per_group, tensor.shape[1])):
            middle = (group * per_group + channel, channel, *centre)
            values[middle] = 1
    return _write(tensor, values)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many inputs each output adds up, and how many outputs each input goes to."""
    if tensor.ndim < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """By what a nonlinearity's input must be scaled to keep the variance.

    nonlinearity: "relu", "leaky_relu", "tanh", "selu", "sigmoid", "linear", "conv2d" and so on.
    param: the negative slope of leaky_relu (0.01 by default).
    Raises ValueError for an unknown nonlinearity, and for a slope that is no number.

    >>> calculate_gain("relu")
    1.4142135623730951
    """
    linear = ("linear", "conv1d", "conv2d", "conv3d", "sigmoid")
    transposed = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
    if nonlinearity in linear or nonlinearity in transposed:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4  # an empirical value that keeps self-normalisation stable
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform in +-gain sqrt(6 / (fan_in + fan_out)): for layers before tanh or sigmoid.

    tensor: (K, C, ...), fan_in = C * KH * KW, fan_out = K * KH * KW. generator: as for `uniform_`.
    Raises ValueError for less than 2 dimensions.
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward networks", 2010.

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.xavier_uniform_(mt.empty(2, 4))  # sqrt(6 / (4 + 2)) = 1
    >>> bool((w.abs() <= 1).all())
    True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with std gain sqrt(2 / (fan_in + fan_out)).

    Shapes, arguments and errors as `xavier_uniform_`.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> w = mt.nn.init.xavier_normal_(mt.empty(100, 100))  # sqrt(2 / 200) = 0.1
    >>> round(w.std().item(), 2)
    0.1
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: Any = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform in +-gain sqrt(3 / fan): for layers before a ReLU.

    tensor: (K, C, ...). mode: "fan_in" = C * KH * KW keeps the variance of activations, "fan_out" =
    K * KH * KW that of gradients. gain: `calculate_gain` of nonlinearity and a, the negative slope
    of leaky_relu; 0 is a ReLU. generator: as for `uniform_`. UserWarning for an empty tensor.
    Raises ValueError for another mode or nonlinearity, or less than 2 dimensions. He et al.,
    "Delving deep into rectifiers", 2015.

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.kaiming_uniform_(mt.empty(10, 6))  # sqrt(2) sqrt(3 / 6) = 1
    >>> bool((w.abs() <= 1).all())
    True
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(fan)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: Any = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with std gain / sqrt(fan).

    Shapes, arguments and errors as `kaiming_uniform_`.

    >>> import minitorch_cnn as mt
    >>> _ = mt.manual_seed(0)
    >>> w = mt.nn.init.kaiming_normal_(mt.empty(100, 8, 5, 5))  # sqrt(2 / (8 * 5 * 5)) = 0.1
    >>> round(w.std().item(), 2)
    0.1
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=2)
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """A random matrix with orthogonal rows (or columns, if it has fewer), times gain.

    tensor: (K, C, ...); dimensions after the first count as one. generator: as for `uniform_`.
    Raises ValueError for less than 2 dimensions. Saxe et al., "Exact solutions to the nonlinear
    dynamics of learning in deep linear neural networks", 2013.

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.orthogonal_(mt.empty(2, 3))
    >>> mt.allclose(w @ w.T, mt.eye(2), atol=1e-6)
    True
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"Only tensors with 2 or more dimensions are supported, got {shape_text(tensor.shape)}"
        )
    if tensor.numel() == 0:
        return tensor
    _floating(tensor)
    rows = tensor.shape[0]
    kind = np.float64 if tensor.dtype.numpy == np.float64 else np.float32
    flat = rng_of(generator).fill_normal(np.empty(tensor.numel(), kind), 0, 1)
    flat = flat.astype(np.float64).reshape(rows, -1)
    if flat.shape[0] < flat.shape[1]:
        flat = flat.T
    q, r = np.linalg.qr(flat)
    q = q * np.sign(np.diag(r))  # makes the law uniform over all orthogonal matrices
    if rows < tensor.numel() // rows:
        q = q.T
    return _write(tensor, gain * q.reshape(tensor.shape))


def sparse_(
    tensor: Tensor,
    sparsity: float,
    std: float = 0.01,
    generator: Generator | None = None,
) -> Tensor:
    """A matrix of normal values of which a fraction `sparsity` of each column is 0, rounded up.

    tensor: (out_features, in_features). std: of the others. generator: as for `uniform_`. Raises
    ValueError unless the tensor has 2 dimensions. Martens, "Deep learning via Hessian-free
    optimization", 2010.

    >>> import minitorch_cnn as mt
    >>> w = mt.nn.init.sparse_(mt.empty(4, 3), sparsity=0.5)
    >>> (w == 0).sum(dim=0)
    tensor([2, 2, 2])
    """
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    _floating(tensor)
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    rows, columns = tensor.shape
    rng = rng_of(generator)
    normal_(tensor, 0, std, generator)
    with no_grad():
        for column in range(columns):
            zeros = rng.permutation(rows)[: math.ceil(sparsity * rows)].tolist()
            tensor[zeros, column] = 0
    return tensor


check_arguments(globals())


# The names from before torch 0.4, which older programs use.
def _older(function: Callable[..., Any], home: str = "nn.init") -> Callable[..., Any]:
    """The function of that module under its name without "_", which warns."""
    name = function.__name__.removesuffix("_")

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        warnings.warn(
            f"`{home}.{name}` is now deprecated in favor of `{home}.{name}_`.",
            FutureWarning,
            stacklevel=2,
        )
        return function(*args, **kwargs)

    call.__name__ = call.__qualname__ = name
    return call


uniform = _older(uniform_)
normal = _older(normal_)
constant = _older(constant_)
eye = _older(eye_)
dirac = _older(dirac_)
xavier_uniform = _older(xavier_uniform_)
xavier_normal = _older(xavier_normal_)
kaiming_uniform = _older(kaiming_uniform_)
kaiming_normal = _older(kaiming_normal_)
orthogonal = _older(orthogonal_)
sparse = _older(sparse_)

_refuse_missing(globals())
