"""Helpers around training: `utils.data` feeds batches to the training loop, `utils.checkpoint`
saves memory, `make_grid` shows images.
"""

import importlib as _importlib
import typing as _typing

from ..missing import refuse_missing as _refuse_missing
from . import checkpoint, data
from .drawing import draw_bounding_boxes, draw_keypoints, draw_segmentation_masks
from .images import make_grid, save_image

__all__ = [
    "checkpoint",
    "data",
    "draw_bounding_boxes",
    "draw_keypoints",
    "draw_segmentation_masks",
    "make_grid",
    "save_image",
]


def _log_api_usage_once(obj: object) -> None:
    """Does nothing: torchvision's networks, and files copied from them, call it."""


_refuse_missing(globals())
_missing = globals()["__getattr__"]

if not _typing.TYPE_CHECKING:

    def __getattr__(name: str) -> _typing.Any:
        """Loads these when they are first used: few programs need them."""
        late = "benchmark deterministic dlpack hooks model_zoo tensorboard _pytree"
        if name in late.split():
            return _importlib.import_module(f"{__name__}.{name}")
        return _missing(name)
