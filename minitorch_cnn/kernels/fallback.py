"""When the compiled kernels cannot be used, the readable ones do their work, after one warning.

They are made with Numba's private names and LLVM's language, so a release of Numba that nobody has
tried yet, one that does not fit to NumPy, or a broken installation can fail when they are imported
or when one of them is compiled, at its first call. That must not end a program whose results do not
depend on it.
"""

from __future__ import annotations

import warnings


class CannotCompile(Exception):
    """A kernel was not compiled; the error that says why is its `__cause__`.

    Nothing has been computed or changed yet.
    """


_reason: str | None = None


def reason() -> str | None:
    """Why the compiled kernels are not used any more; None while nothing has failed."""
    return _reason


def give_up(error: Exception) -> None:
    """Notes that the compiled kernels cannot be used for this reason, and warns once."""
    global _reason
    if _reason is not None:
        return
    cause = error.__cause__ if isinstance(error, CannotCompile) else error
    _reason = " ".join(f"{type(cause).__name__}: {cause}".split())[:400]
    warnings.warn(
        f"the compiled kernels cannot be used ({_reason}). The readable ones, which are slower, "
        "take their place. For a release of Numba that they are tested with: pip install --upgrade "
        "--upgrade-strategy eager 'minitorch_cnn[fast]'. To do without them, and without this "
        "warning, set MINITORCH_CNN_KERNELS=array.",
        RuntimeWarning,
        stacklevel=2,
    )
