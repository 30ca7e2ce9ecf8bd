"""Saving and loading the values of a module: what `state_dict` and `load_state_dict` do.

A state dict is flat: "layer1.0.conv1.weight" -> tensor. Every module adds its own parameters and
buffers under its prefix and then asks its children; loading takes the same way.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...autograd.handle import RemovableHandle
from ...autograd.modes import no_grad
from ...tensor import Tensor
from ..parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found: names that lack a value, and names nobody asked for.

    >>> _IncompatibleKeys(["bias"], []).missing_keys
    ['bias']
    >>> _IncompatibleKeys([], [])
    <All keys matched successfully>
    """

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class WithState:
    """The part of `Module` with which a program has its say in saving and loading."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_pre_hooks: OrderedDict
    _state_dict_hooks: OrderedDict
    _load_state_dict_pre_hooks: OrderedDict
    _load_state_dict_post_hooks: OrderedDict

    def get_extra_state(self) -> Any:
        """What is saved beside the tensors, under "_extra_state", where a subclass defines it.

        `set_extra_state` gets it back. Raises RuntimeError where a subclass defines only that one.

        >>> import minitorch_cnn as mt
        >>> class Counter(mt.nn.Module):
        ...     seen = 0
        ...     def get_extra_state(self):
        ...         return self.seen
        ...     def set_extra_state(self, state):
        ...         self.seen = state
        >>> dict(mt.nn.Sequential(Counter()).state_dict())
        {'0._extra_state': 0}
        """
        raise RuntimeError(
            f"{type(self).__name__} defines set_extra_state; it must define get_extra_state too"
        )

    def set_extra_state(self, state: Any) -> None:
        """Takes back what `get_extra_state` returned, when a state dict is loaded.

        Raises RuntimeError where a subclass defines only the other one.
        """
        raise RuntimeError(
            f"{type(self).__name__} defines get_extra_state; it must define set_extra_state too"
        )

    def register_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Calls ``hook(module, prefix, keep_vars)`` before the module is asked for its values."""
        return RemovableHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Calls ``hook(module, state_dict, prefix, local_metadata)`` when they are all there.

        It may change the dict. `state_dict` raises RuntimeError if it returns anything but None.

        >>> import minitorch_cnn as mt
        >>> layer = mt.nn.Linear(1, 1)
        >>> handle = layer.register_state_dict_post_hook(lambda m, values, *_: values.pop("bias"))
        >>> layer.state_dict()
        Traceback (most recent call last):
        RuntimeError: state_dict post-hook must return None
        """
        return RemovableHandle(self._state_dict_hooks, (hook, True))

    def _register_state_dict_hook(self, hook: Callable) -> RemovableHandle:
        """As the public one, but what it returns, if anything, takes the dict's place."""
        return RemovableHandle(self._state_dict_hooks, (hook, False))

    def register_load_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Calls the hook before the module is filled, to rename or convert what is in the dict.

        As ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys,
        error_msgs)``.

        >>> import minitorch_cnn as mt
        >>> layer = mt.nn.Linear(1, 1, bias=False)
        >>> def rename(module, state_dict, prefix, *rest):
        ...     state_dict[prefix + "weight"] = state_dict.pop(prefix + "w")
        >>> handle = layer.register_load_state_dict_pre_hook(rename)
        >>> layer.load_state_dict({"w": mt.tensor([[7.0]])})
        <All keys matched successfully>
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable, with_module: bool = False
    ) -> RemovableHandle:
        """The same; without with_module the hook is called without the module."""
        return RemovableHandle(self._load_state_dict_pre_hooks, (hook, with_module))

    def register_load_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Calls ``hook(module, incompatible_keys)`` when the module and its children are filled.

        The hook may clear these two lists of names. `load_state_dict` raises AssertionError if it
        returns anything but None.
        """
        return RemovableHandle(self._load_state_dict_post_hooks, hook)


def collect(
    module: Module, destination: Any = None, prefix: str = "", keep_vars: bool = False
) -> Any:
    """Puts the values of the module and its children into `destination` and returns it."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    metadata = {"version": module._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = metadata
    for hook in list(module._state_dict_pre_hooks.values()):
        hook(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            # Through the method, which the child's class may have written anew.
            child.state_dict(
                destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars
            )
    for hook, public in list(module._state_dict_hooks.values()):
        changed = hook(module, destination, prefix, metadata)
        if public and changed is not None:
            raise RuntimeError("state_dict post-hook must return None")
        if changed is not None:
            destination = changed
    return destination


def save_extra(module: Module, destination: Any, prefix: str) -> None:
    """Adds what `get_extra_state` returns, if the module's class defines it."""
    if type(module).get_extra_state is not WithState.get_extra_state:
        destination[prefix + EXTRA] = module.get_extra_state()


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> Any:
    """Fills the module from a state dict; raises RuntimeError with everything that is wrong."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    versions = getattr(state_dict, "_metadata", None) or {}
    remaining = OrderedDict(state_dict)

    _visit(module, remaining, "", versions, assign, (missing, unexpected, errors))
    if strict:
        for title, names in (("Unexpected", unexpected), ("Missing", missing)):
            if names:
                listed = ", ".join(f'"{name}"' for name in names)
                errors.insert(0, f"{title} key(s) in state_dict: {listed}. ")
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t{listed}"
        )
    return _IncompatibleKeys(missing, unexpected)


def _visit(
    part: Module,
    values: dict[str, Any],
    prefix: str,
    versions: Mapping[str, Any],
    assign: bool,
    found: tuple[list[str], list[str], list[str]],
) -> None:
    """Fills a module and those below it; found: names that are missing, unexpected, and errors."""
    metadata = dict(versions.get(prefix[:-1], {}))
    if assign:
        metadata["assign_to_params_buffers"] = True
    part._load_from_state_dict(values, prefix, metadata, True, *found)
    for name, child in part._modules.items():
        if child is not None:
            inner = prefix + name + "."
            below = {k: v for k, v in values.items() if k.startswith(inner)}
            _visit(child, below, inner, versions, assign, found)
    keys = _IncompatibleKeys(*found[:2])  # a hook may change both lists
    for hook in list(part._load_state_dict_post_hooks.values()):
        if hook(part, keys) is not None:
            raise AssertionError(
                "Hooks registered with register_load_state_dict_post_hook must return None: "
                "they change incompatible_keys in place"
            )


def load_own_values(
    module: Module,
    state_dict: Mapping[str, Any],
    prefix: str,
    metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Fills the parameters and buffers of this module alone, and reports what does not fit."""
    rest = (state_dict, prefix, metadata, strict, missing_keys, unexpected_keys, error_msgs)
    for hook, with_module in list(module._load_state_dict_pre_hooks.values()):
        hook(module, *rest) if with_module else hook(*rest)

    persistent = {
        name: value
        for name, value in module._buffers.items()
        if name not in module._non_persistent_buffers_set
    }
    named = {**module._parameters, **persistent}
    own = {name: value for name, value in named.items() if value is not None}
    for name, current in own.items():
        key = prefix + name
        if key in state_dict:
            assign = metadata.get("assign_to_params_buffers", False)
            problem = _load_value(module, name, key, current, state_dict[key], assign)
            if problem:
                error_msgs.append(problem)
        elif strict:
            missing_keys.append(key)

    if type(module).set_extra_state is not WithState.set_extra_state:
        if prefix + EXTRA in state_dict:
            module.set_extra_state(state_dict[prefix + EXTRA])
        elif strict:
            missing_keys.append(prefix + EXTRA)
        known = {*own, EXTRA}
    else:
        known = {*own}
    for key in state_dict if strict else ():
        if key.startswith(prefix):
            name, dot, _ = key[len(prefix) :].partition(".")
            if name not in (module._modules if dot else known):
                unexpected_keys.append(key)


def _load_value(
    module: Module, name: str, key: str, current: Tensor, value: Any, assign: bool
) -> str | None:
    """Copies (or assigns) one value. Returns the text of what is wrong with it, if anything."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or '
            f"Tensor-like object from checkpoint but received {type(value)}"
        )
    if current.ndim == 0 and value.shape == (1,):
        value = value[0]  # torch before 0.4 had no 0-d tensors and stored scalars so
    if value.shape != current.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {current.shape}."
        )
    with no_grad():
        if not assign:
            try:
                current.copy_(value)
            except Exception as error:  # reported with all that is wrong with the other names
                return f'While copying the parameter named "{key}": {error}'
            return None
        if isinstance(current, Parameter) and not isinstance(value, Parameter):
            value = Parameter(value, requires_grad=current.requires_grad)
        elif isinstance(current, Parameter):
            value.requires_grad_(current.requires_grad)
        setattr(module, name, value)
    return None
