"""Windows for signals, as torch's "Spectral Ops" have them: smooth bumps from 0 to 1 and back."""

from __future__ import annotations

import math
from typing import Any

from ... import dtypes
from ...tensor import Tensor
from ..creation import arange
from .special_functions import i0

__all__ = [
    "bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window",
]  # fmt: skip


def _phase(name: str, length: int, periodic: bool, options: dict[str, Any]) -> Tensor | None:
    """The places in the window from 0 to 1, in float64; None where there is only one, or none.

    periodic: one place more is meant, which would repeat the first.
    """
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got {length}")
    if length < 2:
        return None
    steps = arange(length, dtype=dtypes.float64, device=options.get("device"))
    return steps / (length if periodic else length - 1)


def _finished(window: Tensor | None, length: int, options: dict[str, Any]) -> Tensor:
    kind = dtypes.as_dtype(options.get("dtype") or dtypes.get_default_dtype())
    if window is None:
        window = arange(length, dtype=dtypes.float64, device=options.get("device")) + 1
    return window.to(kind).requires_grad_(bool(options.get("requires_grad", False)))


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A vector (window_length,): 1/2 - 1/2 cos(2 pi n / N).

    periodic: N is the length, for Fourier transforms; else the length - 1, so that both ends are
    equal. options: dtype, device, requires_grad. Raises RuntimeError for a negative length.

    >>> import minitorch_cnn as mt
    >>> mt.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    return hamming_window(window_length, periodic, 0.5, 0.5, **options)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    **options: Any,
) -> Tensor:
    """A vector (window_length,): alpha - beta cos(2 pi n / N). Raises as `hann_window` does.

    >>> import minitorch_cnn as mt
    >>> mt.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    phase = _phase("hamming_window", window_length, periodic, options)
    window = None if phase is None else alpha - beta * (phase * (2 * math.pi)).cos()
    return _finished(window, window_length, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A vector (window_length,): 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N).

    Raises as `hann_window` does.

    >>> import minitorch_cnn as mt
    >>> mt.blackman_window(4)[1:]
    tensor([0.3400, 1.0000, 0.3400])
    """
    phase = _phase("blackman_window", window_length, periodic, options)
    if phase is None:
        return _finished(None, window_length, options)
    angle = phase * (2 * math.pi)
    window = 0.42 - 0.5 * angle.cos() + 0.08 * (2 * angle).cos()
    return _finished(window, window_length, options)


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Tensor:
    """A vector (window_length,): a triangle, 1 - |2 n / N - 1|. Raises as `hann_window` does.

    >>> import minitorch_cnn as mt
    >>> mt.bartlett_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    phase = _phase("bartlett_window", window_length, periodic, options)
    window = None if phase is None else 1 - (2 * phase - 1).abs()
    return _finished(window, window_length, options)


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any
) -> Tensor:
    """A vector (window_length,): i0(beta sqrt(1 - (2 n / N - 1)^2)) / i0(beta).

    A larger beta makes it narrower. Raises as `hann_window` does.

    >>> import minitorch_cnn as mt
    >>> mt.kaiser_window(4, beta=2.0)
    tensor([0.4387, 0.8348, 1.0000, 0.8348])
    """
    phase = _phase("kaiser_window", window_length, periodic, options)
    if phase is None:
        return _finished(None, window_length, options)
    root = (1 - (2 * phase - 1) ** 2).clamp(min=0.0).sqrt()
    return _finished(i0(beta * root) / i0(root.new_tensor(beta)), window_length, options)
