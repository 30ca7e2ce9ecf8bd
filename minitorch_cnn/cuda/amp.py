"""torch.cuda.amp, the older names of `mt.amp`: autocast without the name of the device."""

from __future__ import annotations

from typing import Any

from .. import amp, dtypes
from ..amp import GradScaler, custom_bwd, custom_fwd
from ..missing import refuse_missing as _refuse_missing

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(amp.autocast):
    """`mt.autocast` for "cuda"."""

    def __init__(
        self, enabled: bool = True, dtype: Any = dtypes.float16, cache_enabled: bool = True
    ) -> None:
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


_refuse_missing(globals())
