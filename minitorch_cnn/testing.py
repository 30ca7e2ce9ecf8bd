"""Assertions for tests: `assert_close`, as torch.testing has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import backend, dtypes
from .ops.creation import as_tensor
from .tensor import Tensor

# torch's tolerances (rtol, atol) for each dtype; integers and bools must be equal
DEFAULT_TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_dtype: bool = True,
    check_device: bool = True,
    msg: str | None = None,
) -> None:
    """Raises AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere.

    actual, expected: tensors, arrays or numbers, or lists, tuples or dicts of them. rtol and
    atol: give both or neither; the defaults depend on the dtype (float32: 1.3e-6 and 1e-5). The
    message says how many elements differ, where the worst one is, and both numbers.

    >>> import minitorch_cnn as mt
    >>> mt.testing.assert_close(mt.tensor([1.0, 2.0]), mt.tensor([1.0, 2.000001]))
    """
    if (rtol is None) != (atol is None):
        raise ValueError(f"rtol and atol must both be given or neither, got {rtol} and {atol}")
    if isinstance(expected, dict | list | tuple):
        keys = list(expected) if isinstance(expected, dict) else range(len(expected))
        if len(actual) != len(expected) or (
            isinstance(expected, dict) and set(actual) != set(keys)
        ):
            raise AssertionError(f"The collections differ: {actual!r:.200} and {expected!r:.200}")
        for key in keys:
            assert_close(
                actual[key],
                expected[key],
                rtol=rtol,
                atol=atol,
                equal_nan=equal_nan,
                check_dtype=check_dtype,
                check_device=check_device,
                msg=msg or f"Item {key!r}: {{}}",
            )
        return
    problem = _difference(actual, expected, rtol, atol, equal_nan, check_dtype, check_device)
    if problem is not None:
        raise AssertionError(problem if msg is None else msg.replace("{}", problem))


def _difference(
    actual: Any,
    expected: Any,
    rtol: float | None,
    atol: float | None,
    equal_nan: bool,
    check_dtype: bool,
    check_device: bool,
) -> str | None:
    """How two tensors differ, in words; None if they are close."""
    a = actual if isinstance(actual, Tensor) else as_tensor(actual)
    b = expected if isinstance(expected, Tensor) else as_tensor(expected)
    if a.shape != b.shape:
        return f"The shapes differ: {list(a.shape)} and {list(b.shape)} expected"
    if check_dtype and a.dtype is not b.dtype:
        return f"The dtypes differ: {a.dtype} and {b.dtype} expected"
    if check_device and a.device != b.device:
        return f"The devices differ: {a.device} and {b.device} expected"
    if rtol is None or atol is None:
        rtol, atol = 0.0, 0.0
        for each in (a, b):  # the wider tolerance, if the dtypes differ
            tolerance = DEFAULT_TOLERANCES.get(each.dtype, (0.0, 0.0))
            rtol, atol = max(rtol, tolerance[0]), max(atol, tolerance[1])
    got, want = (backend.to_numpy(each.array).astype(np.float64) for each in (a, b))
    close = np.isclose(got, want, rtol, atol, equal_nan)
    if close.all():
        return None
    gap = np.where(close, 0.0, np.abs(got - want))
    gap = np.where(np.isnan(gap), np.inf, gap)  # NaN against a number is the worst there is
    index = tuple(int(i) for i in np.unravel_index(int(gap.argmax()), gap.shape))
    return (
        f"Tensor-likes are not close! {(~close).sum()} of {close.size} elements differ. Worst at "
        f"index {index}: {got[index]:.10g}, but {want[index]:.10g} was expected (difference "
        f"{gap[index]:.3g}, allowed {atol + rtol * abs(want[index]):.3g} by rtol={rtol}, "
        f"atol={atol})"
    )
