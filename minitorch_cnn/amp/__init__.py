"""Mixed precision: float16 where it is fast, float32 where it is needed; torch.amp's names.

scaler = mt.amp.GradScaler()
for images, labels in loader:
    optimizer.zero_grad()
    with mt.autocast("cuda"):
        loss = criterion(model(images), labels)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
"""

from ..missing import refuse_missing as _refuse_missing
from .autocast_mode import (
    autocast,
    is_autocast_available,
    is_autocast_enabled as is_autocast_enabled,  # torch has it at its top only
)
from .custom import custom_bwd, custom_fwd
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_refuse_missing(globals())
