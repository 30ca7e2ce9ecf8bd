"""Helpers around training: `utils.data` feeds batches to the training loop, `utils.checkpoint`
saves memory, `make_grid` shows images.
"""

from ..missing import refuse_missing as _refuse_missing
from . import checkpoint, data
from .images import make_grid, save_image

__all__ = ["checkpoint", "data", "make_grid", "save_image"]


def _log_api_usage_once(obj: object) -> None:
    """Does nothing: torchvision's networks, and files copied from them, call it."""


_refuse_missing(globals())
