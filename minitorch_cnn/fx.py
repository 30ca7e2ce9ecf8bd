"""torch.fx, as far as programs that trace nothing need it: `wrap` stands above their functions.

`models.feature_extraction` finds the layers of a network and gives what they compute.
"""

from __future__ import annotations

from typing import Any

from .missing import refuse_missing as _refuse_missing

__all__ = ["wrap"]


def wrap(fn_or_name: Any) -> Any:
    """The function itself: a mark for those who trace its callers, and nobody does here.

    Raises RuntimeError for anything but a function or its name.

    >>> import minitorch_cnn as mt
    >>> @mt.fx.wrap
    ... def twice(x):
    ...     return 2 * x
    >>> twice(mt.ones(2))
    tensor([2., 2.])
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name"
        )
    return fn_or_name


_refuse_missing(globals())
