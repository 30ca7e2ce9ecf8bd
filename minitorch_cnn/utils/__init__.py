"""Helpers around training: `utils.data` feeds batches to the training loop."""

from . import data

__all__ = ["data"]
