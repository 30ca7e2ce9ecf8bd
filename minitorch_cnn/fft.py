"""torch.fft: Fourier transforms of real and complex tensors, with gradients.

    fft, ifft, fft2, ifft2, fftn, ifftn            complex (or real) -> complex
    rfft, rfft2, rfftn     irfft, irfft2, irfftn   real -> half of the points, and back to real

Complex results are `mt.complex`'s: to be multiplied, transformed back, and taken apart. n and s are
the lengths to which the input is cut or filled up with zeros, dim the axes, norm where the number
of points is divided by: "backward" (as a rule), "forward", or its root in both, "ortho".

A convolution of two rows, by multiplying their transforms:

>>> import minitorch_cnn as mt
>>> a, b = mt.tensor([1.0, 2.0, 3.0]), mt.tensor([1.0, 1.0])
>>> mt.fft.irfft(mt.fft.rfft(a, 4) * mt.fft.rfft(b, 4), 4).round()
tensor([1., 3., 5., 3.])
"""

from __future__ import annotations

from typing import Any

from .missing import refuse_missing
from .ops.breadth.complex_numbers import ComplexTensor
from .ops.breadth.fourier import real_backward, real_forward, shift, transform
from .ops.creation import arange
from .tensor import Tensor

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift",
    "ihfft", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

Norm = str | None
Lengths = Any
LAST_TWO = (-2, -1)


def _one(n: int | None) -> list | None:
    return None if n is None else [n]


def fft(input: Any, n: int | None = None, dim: int = -1, norm: Norm = None) -> ComplexTensor:
    """The transform along one axis."""
    return transform("fft", input, _one(n), (dim,), norm, False)


def ifft(input: Any, n: int | None = None, dim: int = -1, norm: Norm = None) -> ComplexTensor:
    """`fft`'s inverse."""
    return transform("ifft", input, _one(n), (dim,), norm, True)


def fft2(input: Any, s: Lengths = None, dim: Any = LAST_TWO, norm: Norm = None) -> ComplexTensor:
    """The transform along two axes, those of an image for example."""
    return transform("fft2", input, s, dim, norm, False)


def ifft2(input: Any, s: Lengths = None, dim: Any = LAST_TWO, norm: Norm = None) -> ComplexTensor:
    """`fft2`'s inverse."""
    return transform("ifft2", input, s, dim, norm, True)


def fftn(input: Any, s: Lengths = None, dim: Any = None, norm: Norm = None) -> ComplexTensor:
    """The transform along several axes, by default all."""
    return transform("fftn", input, s, dim, norm, False)


def ifftn(input: Any, s: Lengths = None, dim: Any = None, norm: Norm = None) -> ComplexTensor:
    """`fftn`'s inverse."""
    return transform("ifftn", input, s, dim, norm, True)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: Norm = None) -> ComplexTensor:
    """The transform of real numbers along one axis: the first N // 2 + 1 of its N points."""
    return real_forward("rfft", input, _one(n), (dim,), norm)


def irfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm = None) -> Tensor:
    """`rfft`'s inverse, of n numbers; without n, of an even number of them."""
    return real_backward("irfft", input, _one(n), (dim,), norm)


def rfft2(
    input: Tensor, s: Lengths = None, dim: Any = LAST_TWO, norm: Norm = None
) -> ComplexTensor:
    """The transform of real numbers along two axes, of which the last gives half of the points."""
    return real_forward("rfft2", input, s, dim, norm)


def irfft2(input: Any, s: Lengths = None, dim: Any = LAST_TWO, norm: Norm = None) -> Tensor:
    """`rfft2`'s inverse."""
    return real_backward("irfft2", input, s, dim, norm)


def rfftn(input: Tensor, s: Lengths = None, dim: Any = None, norm: Norm = None) -> ComplexTensor:
    """`rfft2` along several axes, by default all."""
    return real_forward("rfftn", input, s, dim, norm)


def irfftn(input: Any, s: Lengths = None, dim: Any = None, norm: Norm = None) -> Tensor:
    """`rfftn`'s inverse."""
    return real_backward("irfftn", input, s, dim, norm)


OTHER_WAY = {None: "forward", "backward": "forward", "forward": "backward"}


def hfft(input: Any, n: int | None = None, dim: int = -1, norm: Norm = None) -> Tensor:
    """The transform, which is real, of half of a signal whose other half mirrors it."""
    mirrored = input.conj() if isinstance(input, ComplexTensor) else input
    return irfft(mirrored, n, dim, OTHER_WAY.get(norm, norm))


def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: Norm = None) -> ComplexTensor:
    """`hfft`'s inverse."""
    return rfft(input, n, dim, OTHER_WAY.get(norm, norm)).conj()


def fftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequencies of `fft`'s n points, d apart in time: 0, 1, ..., -2, -1, divided by n d.

    options: dtype, device, requires_grad.

    >>> fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    return _frequencies((arange(n) + n // 2) % n - n // 2, n, d, options)


def rfftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequencies of `rfft`'s points, of n points d apart in time.

    >>> rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    return _frequencies(arange(n // 2 + 1), n, d, options)


def _frequencies(steps: Tensor, n: int, d: float, options: dict[str, Any]) -> Tensor:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points: {n}")
    wanted = options.pop("requires_grad", False)
    kind = options.pop("dtype", None)
    found = (steps.double() / (n * d)).to(kind or (steps / 1).dtype)
    return found.to(**options).requires_grad_(wanted)


def fftshift(input: Any, dim: Any = None) -> Any:
    """With the frequency 0 in the middle of each axis, or of those named.

    >>> fftshift(fftfreq(4))
    tensor([-0.5000, -0.2500,  0.0000,  0.2500])
    """
    return shift(input, dim, 1)


def ifftshift(input: Any, dim: Any = None) -> Any:
    """`fftshift`'s inverse."""
    return shift(input, dim, -1)


refuse_missing(globals())
