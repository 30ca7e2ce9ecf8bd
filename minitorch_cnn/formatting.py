"""How a tensor prints: torch's text."""

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


def _places(length: int, summarised: bool) -> list[int | None]:
    """Which of so many neighbours are shown; None stands for those that are left out."""
    edge = _options["edgeitems"]
    if not summarised or length <= 2 * edge:
        return [*range(length)]
    return [*range(edge), None, *range(length - edge, length)]


def _writer(values: np.ndarray) -> tuple[Any, int]:
    """(a function from a number to its text, the usual length): one format for all numbers.

    It follows from the range of those that are finite and not 0, as torch chooses it.
    """
    if values.dtype.kind != "f":
        width = max((len(str(value)) for value in values.ravel().tolist()), default=0)
        return lambda value: str(value).rjust(width), width
    precision = _options["precision"]
    wide = values.astype(np.float64)
    numbers = wide[np.isfinite(wide) & (wide != 0)]
    finite = np.abs(numbers)
    scientific = finite.size > 0 and (
        _options["sci_mode"]
        if _options["sci_mode"] is not None
        else finite.max() / finite.min() > 1000 or finite.max() > 1e8 or finite.min() < 1e-4
    )
    style = f".{precision}e" if scientific else f".{precision}f"
    whole = not scientific and bool(np.all(finite == np.floor(finite)))

    def write(value: float) -> str:
        return f"{value:.0f}." if whole and np.isfinite(value) else f"{value:{style}}"

    width = max((len(write(value)) for value in numbers.tolist()), default=1)
    return lambda value: write(value).rjust(width), width


def _in_brackets(values: np.ndarray, write: Any, width: int, indent: int, summarised: bool) -> str:
    """The numbers, whose first line follows `indent` characters.

    A line takes as many numbers as would fit if all had the usual width.
    """
    places = _places(len(values), summarised)
    if values.ndim > 1:
        inner = [
            "..." if i is None else _in_brackets(values[i], write, width, indent + 1, summarised)
            for i in places
        ]
        return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(inner) + "]"
    numbers = [" ..." if i is None else write(values[i].item()) for i in places]
    each = max(1, (_options["linewidth"] - indent) // (width + 2))
    lines = [", ".join(numbers[i : i + each]) for i in range(0, len(numbers), each)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def format_tensor(tensor: Tensor) -> str:
    """The repr of a tensor: its values, and what differs from the usual.

    >>> import minitorch_cnn as mt
    >>> mt.tensor([1.5, 2.0], dtype=mt.float64, requires_grad=True)
    tensor([1.5000, 2.0000], dtype=minitorch_cnn.float64, requires_grad=True)
    """
    head = "Parameter containing:\n" if type(tensor).__name__ == "Parameter" else ""
    # tv_tensors say what they are.
    kind = type(tensor).__name__ if hasattr(type(tensor), "_facts") else "tensor"
    values = backend.to_numpy(tensor.array)
    if values.size == 0 and values.ndim != 1:
        text = f"[], size={tuple(values.shape)}"
    else:
        summarised = values.size > _options["threshold"]
        shown = values
        for axis, length in enumerate(values.shape):
            places = [place for place in _places(length, summarised) if place is not None]
            shown = np.take(shown, places, axis=axis) if summarised else shown
        write, width = _writer(shown)
        if values.ndim:
            text = _in_brackets(values, write, width, len(kind) + 1, summarised)
        else:
            text = write(values.item())
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
    text = f"{kind}({text}"
    for extra in extras:
        line = len(text) - (text.rfind("\n") + 1)
        fits = line + len(extra) + 4 <= _options["linewidth"]
        apart = ", " if fits else f",\n{' ' * (len(kind) + 1)}"
        text += apart + extra
    return f"{head}{text})"
