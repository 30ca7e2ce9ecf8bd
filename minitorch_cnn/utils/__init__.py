"""Helpers around training: `utils.data` feeds batches to the training loop, `make_grid` shows
images.
"""

from . import data
from .images import make_grid, save_image

__all__ = ["data", "make_grid", "save_image"]
