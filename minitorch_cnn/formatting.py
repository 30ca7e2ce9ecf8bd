"""How a tensor prints: torch's text, made with NumPy's printer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import backend, dtypes

if TYPE_CHECKING:
    from .tensor import Tensor

_options: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Changes how tensors print: digits after the point, when to summarise, line width.

    profile: "default", "short" (2 digits) or "full" (never summarise).
    """
    profiles: dict[str, dict[str, Any]] = {
        "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
        "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
        "full": {"precision": 4, "threshold": 2**62, "edgeitems": 3, "linewidth": 80},
    }
    if profile is not None:
        if profile not in profiles:
            raise ValueError(f"profile must be one of {', '.join(profiles)}, got {profile!r}")
        _options.update(profiles[profile], sci_mode=None)
    given = dict(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    _options.update({name: value for name, value in given.items() if value is not None})
    if sci_mode is not None:
        _options["sci_mode"] = sci_mode


def _number_format(values: np.ndarray) -> Any:
    """One format for all numbers, chosen from their range as torch chooses it."""
    precision = _options["precision"]
    shown = values.astype(np.float64)
    finite = np.abs(shown[np.isfinite(shown) & (shown != 0)])
    scientific = _options["sci_mode"]
    if scientific is None:
        scientific = finite.size > 0 and (
            finite.max() / finite.min() > 1000 or finite.max() > 1e8 or finite.min() < 1e-4
        )
    if scientific:
        return lambda value: f"{value:.{precision}e}"
    if np.all(finite == np.floor(finite)):
        return lambda value: f"{value:.0f}." if np.isfinite(value) else f"{value}"
    return lambda value: f"{value:.{precision}f}"


def _summary(values: np.ndarray) -> np.ndarray:
    """The elements that are shown when the middle of each dimension is left out."""
    edge = _options["edgeitems"]
    for axis, length in enumerate(values.shape):
        if length > 2 * edge:
            shown = [*range(edge), *range(length - edge, length)]
            values = np.take(values, shown, axis=axis)
    return values


def format_tensor(tensor: Tensor) -> str:
    """The repr of a tensor: its values, and what differs from the usual.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.5, 2.0], dtype=mt.float64, requires_grad=True)
    tensor([1.5000, 2.0000], dtype=minitorch_cnn.float64, requires_grad=True)
    """
    head = "Parameter containing:\n" if type(tensor).__name__ == "Parameter" else ""
    values = backend.to_numpy(tensor.array)
    formatter: dict[str, Any] = {}
    if tensor.dtype.is_floating_point:
        shown = _summary(values) if values.size > _options["threshold"] else values
        write = _number_format(shown)
        finite = shown[np.isfinite(shown)]
        width = max((len(write(value)) for value in finite), default=0)
        formatter["float_kind"] = lambda value: write(value).rjust(width)
    if values.size == 0 and values.ndim != 1:
        text = f"[], size={tuple(values.shape)}"
    else:
        text = np.array2string(
            values,
            separator=", ",
            prefix="tensor(",
            formatter=formatter,  # type: ignore[arg-type]
            threshold=_options["threshold"],
            edgeitems=_options["edgeitems"],
            max_line_width=_options["linewidth"],
        )
    extras = []
    if tensor.is_cuda:
        extras.append(f"device='{tensor.device}'")
    usual = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool)
    if tensor.dtype not in usual or (values.size == 0 and tensor.dtype is not usual[0]):
        extras.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        extras.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        extras.append("requires_grad=True")
    return head + f"tensor({', '.join([text, *extras])})"
