"""Hooks of an optimizer: functions of the user around `step`, `state_dict`, `load_state_dict`."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..autograd.handle import RemovableHandle

BEFORE_EVERY_STEP: OrderedDict[int, Callable] = OrderedDict()  # of all optimizers
AFTER_EVERY_STEP: OrderedDict[int, Callable] = OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """`Optimizer.register_step_pre_hook` for all optimizers."""
    return RemovableHandle(BEFORE_EVERY_STEP, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """`Optimizer.register_step_post_hook` for all optimizers."""
    return RemovableHandle(AFTER_EVERY_STEP, hook)


class WithHooks:
    """The part of `Optimizer` that registers hooks. All return a handle to remove the hook."""

    _opt_called = False  # for the schedulers' warning about the order of calls

    def _make_room_for_hooks(self) -> None:
        self._step_pre_hooks: OrderedDict = OrderedDict()
        self._step_post_hooks: OrderedDict = OrderedDict()
        self._state_dict_pre_hooks: OrderedDict = OrderedDict()
        self._state_dict_post_hooks: OrderedDict = OrderedDict()
        self._load_state_dict_pre_hooks: OrderedDict = OrderedDict()
        self._load_state_dict_post_hooks: OrderedDict = OrderedDict()

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` before step; may return (args, kwargs)."""
        return RemovableHandle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Calls ``hook(optimizer, args, kwargs)`` after step."""
        return RemovableHandle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> Any:
        """Calls ``hook(optimizer)`` before its state is read. prepend: before the other hooks."""
        return _register(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> Any:
        """Calls ``hook(optimizer, state_dict)``, which may change it or return another one."""
        return _register(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> Any:
        """Calls ``hook(optimizer, state_dict)``, which may return another one to load."""
        return _register(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> Any:
        """Calls ``hook(optimizer)`` when a state is loaded."""
        return _register(self._load_state_dict_post_hooks, hook, prepend)

    def _changed(self, hooks: OrderedDict, state_dict: dict[str, Any]) -> dict[str, Any]:
        """The state dict as these hooks want it."""
        for hook in list(hooks.values()):
            changed = hook(self, state_dict)
            if changed is not None:
                state_dict = changed
        return state_dict


def _register(hooks: OrderedDict, hook: Callable, prepend: bool) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def with_hooks(step: Callable) -> Callable:
    """A step method that runs the hooks around it and notes that it was called."""

    @functools.wraps(step)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not hasattr(self, "_step_pre_hooks"):  # wraps another optimizer, without our __init__
            self._opt_called = True
            return step(self, *args, **kwargs)
        for hook in (*BEFORE_EVERY_STEP.values(), *self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    "step pre hook must return None or a tuple of (new_args, new_kwargs), but "
                    f"got {changed}."
                )
            args, kwargs = changed
        self._opt_called = True
        result = step(self, *args, **kwargs)
        for hook in (*self._step_post_hooks.values(), *AFTER_EVERY_STEP.values()):
            hook(self, args, kwargs)
        return result

    return wrapped
