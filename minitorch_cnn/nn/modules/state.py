"""Saving and loading the values of a module: what `state_dict` and `load_state_dict` do.

A state dict is flat: "layer1.0.conv1.weight" -> tensor. Every module adds its own parameters and
buffers under its prefix and then asks its children; loading takes the same way.
"""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...autograd.modes import no_grad
from ...tensor import Tensor
from ..parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found: names that lack a value, and names nobody asked for.

    >>> IncompatibleKeys(["bias"], []).missing_keys
    ['bias']
    >>> IncompatibleKeys([], [])
    <All keys matched successfully>
    """

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def collect(module: Module, destination: Any, prefix: str, keep_vars: bool) -> Any:
    """Puts the values of the module and its children into `destination` and returns it."""
    if destination is None:
        destination = OrderedDict()
        destination._metadata = OrderedDict()
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = {"version": module._version}
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            collect(child, destination, prefix + name + ".", keep_vars)
    return destination


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> Any:
    """Fills the module from a state dict; raises RuntimeError with everything that is wrong."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    missing: list[str] = []
    unexpected: list[str] = []
    errors: list[str] = []
    versions = getattr(state_dict, "_metadata", None) or {}
    remaining = OrderedDict(state_dict)

    def visit(part: Module, values: dict[str, Any], prefix: str) -> None:
        metadata = dict(versions.get(prefix[:-1], {}), assign_to_params_buffers=assign)
        part._load_from_state_dict(values, prefix, metadata, True, missing, unexpected, errors)
        for name, child in part._modules.items():
            if child is not None:
                inner = prefix + name + "."
                visit(child, {k: v for k, v in values.items() if k.startswith(inner)}, inner)

    visit(module, remaining, "")
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
    return IncompatibleKeys(missing, unexpected)


def load_own_values(
    module: Module,
    state_dict: Mapping[str, Any],
    prefix: str,
    assign: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Fills the parameters and buffers of this module alone, and reports what does not fit."""
    persistent = {
        name: value
        for name, value in module._buffers.items()
        if name not in module._non_persistent_buffers_set
    }
    own = {**module._parameters, **persistent}
    for name, current in own.items():
        if current is None:
            continue
        key = prefix + name
        if key not in state_dict:
            missing_keys.append(key)
            continue
        problem = _load_value(module, name, key, current, state_dict[key], assign)
        if problem:
            error_msgs.append(problem)

    for key in state_dict:
        if not key.startswith(prefix):
            continue
        name, dot, _ = key[len(prefix) :].partition(".")
        known = name in module._modules if dot else own.get(name) is not None
        if not known:
            unexpected_keys.append(key)


def _load_value(
    module: Module, name: str, key: str, current: Tensor, value: Any, assign: bool
) -> str | None:
    """Copies (or assigns) one value. Returns the text of what is wrong with it, if anything."""
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected minitorch_cnn.Tensor from '
            f"checkpoint but received {type(value)}"
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
            current.copy_(value)
            return None
        if isinstance(current, Parameter) and not isinstance(value, Parameter):
            value = Parameter(value, requires_grad=current.requires_grad)
        elif isinstance(current, Parameter):
            value.requires_grad_(current.requires_grad)
        setattr(module, name, value)
    return None
