"""Helpers around training: `utils.data` feeds batches to the training loop, `utils.checkpoint`
saves memory, `make_grid` shows images.
"""

from ..missing import refuse_missing as _refuse_missing
from . import checkpoint, data
from .drawing import draw_bounding_boxes, draw_segmentation_masks
from .images import make_grid, save_image

__all__ = [
    "checkpoint",
    "data",
    "draw_bounding_boxes",
    "draw_segmentation_masks",
    "make_grid",
    "save_image",
]

_refuse_missing(globals())
