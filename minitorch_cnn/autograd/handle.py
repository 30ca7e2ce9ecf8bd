"""What registering a hook gives back."""

from __future__ import annotations

import itertools
from typing import Any


class RemovableHandle:
    """What registering a hook returns: ``handle.remove()`` takes the hook away again."""

    _ids = itertools.count()  # never used again: removing twice does not hit another hook

    def __init__(self, hooks: dict[int, Any], hook: Any, *flags: dict[int, Any]) -> None:
        self.hooks, self.flags = hooks, flags
        self.id = next(self._ids)
        hooks[self.id] = hook
        for each in flags:  # what is asked of this hook
            each[self.id] = True

    def hooks_dict_ref(self) -> dict[int, Any]:
        """Where the hook stands, beside others of its kind."""
        return self.hooks

    def remove(self) -> None:
        for each in (self.hooks, *self.flags):
            each.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()
