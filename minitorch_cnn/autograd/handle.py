"""What registering a hook gives back."""

from __future__ import annotations

import itertools
from typing import Any


class RemovableHandle:
    """What registering a hook returns: ``handle.remove()`` takes the hook away again."""

    _ids = itertools.count()  # never used again: removing twice does not hit another hook

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.hooks = hooks
        self.id = next(self._ids)
        hooks[self.id] = hook

    def remove(self) -> None:
        self.hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
