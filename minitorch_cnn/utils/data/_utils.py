"""torch's private utils.data._utils, of which programs use ``collate.default_collate``."""

from . import collate, fetch, worker

__all__ = ["collate", "fetch", "worker"]
