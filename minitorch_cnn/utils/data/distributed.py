"""torch's sampler for training on several devices, which is not here, so that an error says it."""

from __future__ import annotations

from typing import Any

from .sampler import Sampler


class DistributedSampler(Sampler):
    """Not supported, as there is no training on several devices: raises NotImplementedError.

    >>> import minitorch_cnn as mt
    >>> try:
    ...     mt.utils.data.DistributedSampler(range(4))
    ... except NotImplementedError:
    ...     print("use DataLoader(..., shuffle=True)")
    use DataLoader(..., shuffle=True)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(
            "utils.data.DistributedSampler is not supported: there is no training on several "
            "devices; use DataLoader(..., shuffle=True) or a RandomSampler"
        )
