"""Optimizer: what SGD, Adam and the others have in common.

Parameters come in groups, each with settings of its own (a smaller learning rate for the first
layers, no weight decay for biases). What an optimizer remembers of a parameter between steps is
in `state[parameter]`.
"""

from __future__ import annotations

import copy
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..autograd import deferred
from ..autograd.modes import enable_grad, no_grad
from ..backend import ahead
from ..tensor import Tensor, shape_text, wrap
from .hooks import (
    WithHooks,
    register_optimizer_step_post_hook as register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook as register_optimizer_step_pre_hook,
    with_hooks,
)


class _Required:
    """The default of a setting that each group must give, in optimizers of programs."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Optimizer(WithHooks):
    """The base class of optimizers. A subclass defines `update` for a single parameter.

    params: parameters of any shape, (name, parameter) pairs, or dicts of settings with the key
    "params". defaults: the settings of groups that do not say otherwise. What is remembered of a
    parameter, `state[parameter]`, has the parameter's shape and dtype, or is a 0-d tensor.
    Raises ValueError for no parameters, one that is in two groups, and one that is computed from
    others; TypeError for a single tensor and for what is none; `step` raises RuntimeError for a
    grad or state of another shape, dtype or device than its parameter's. The optimizers here raise
    NotImplementedError for capturable, if true, and take foreach and fused, which change nothing;
    their learning rate may be a tensor of one element, which schedulers change. With
    differentiable=True, which has to come with parameters that are no leaves (clones), a step is
    recorded: backward goes through it to the gradients, the state and the learning rate.

    >>> import minitorch_cnn as mt
    >>> weight, bias = mt.nn.Parameter(mt.ones(2)), mt.nn.Parameter(mt.zeros(2))
    >>> groups = [{"params": [weight]}, {"params": [bias], "weight_decay": 0}]
    >>> optimizer = mt.optim.SGD(groups, lr=0.1, weight_decay=5e-4)
    >>> [group["weight_decay"] for group in optimizer.param_groups]
    [0.0005, 0]
    """

    # Of the parts of the state that have not the parameter's shape: their shape, from that one.
    _other_shapes: dict[str, Callable[[Any], tuple[int, ...]]] = {}

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._make_room_for_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got a single {type(params).__name__}: put it into a list"
            )
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:  # a user's optimizer with a step of its own
            cls.step = with_hooks(cls.step)  # type: ignore[method-assign]

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters, for instance of layers that were frozen so far.

        Raises TypeError or ValueError for what is no leaf tensor, or is in a group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [each[0] for each in params if isinstance(each, tuple)]
        params = [each[1] if isinstance(each, tuple) else each for each in params]
        if names and len(names) != len(params):
            raise ValueError(
                "all optimizer params should be with/without names. Some param names are missing"
            )
        if names:
            param_group["param_names"] = names
        param_group["params"] = params

        for parameter in params:
            if not isinstance(parameter, Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{type(parameter).__name__}"
                )
            recorded = self.defaults.get("differentiable")
            if not (recorded or parameter.is_leaf or parameter.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, value in self.defaults.items():
            if isinstance(value, _Required) and name not in param_group:
                raise ValueError(
                    "parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, value)
        if len(params) != len(set(params)):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters", stacklevel=3
            )
        known = {parameter for group in self.param_groups for parameter in group["params"]}
        if not known.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        if any(("param_names" in group) != bool(names) for group in self.param_groups):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if names else 'without'} names to the optimizer"
            )
        self.param_groups.append(param_group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or fills them with zeros."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad.detach_().zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Changes every parameter that has a gradient by one step.

        closure: computes the loss anew, with backward; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._check_arrays()
        with no_grad():
            for group in self.param_groups:
                if group.get("differentiable"):
                    from .differentiable import update_group  # rarely needed

                    update_group(self, group)
                    continue
                parameters, gradients = [], []
                for parameter in group["params"]:
                    gradient = parameter.grad
                    if gradient is not None:
                        parameters.append(parameter)
                        gradients.append(gradient.array)
                if group.get("maximize"):
                    # [...]: of an array without axes, NumPy would make a number
                    gradients = [(-each)[...] for each in gradients]
                ahead.wait()
                if deferred.waiting:
                    for parameter in parameters:
                        parameter._before_write()
                self.update_group(parameters, gradients, group)
                for parameter in parameters:
                    parameter._bump_version()
        return loss

    def _check_arrays(self) -> None:
        """Raises RuntimeError, before anything is written, where a grad or a state does not fit.

        The rules that are written in array code, those of most optimizers and of the readable
        kernels, would broadcast it. Of what the faster kernels get, kernels/check.py compares the
        shapes once more: they see bare addresses, and another thread may have been here meanwhile.
        """
        for number, group in enumerate(self.param_groups):
            for index, parameter in enumerate(group["params"]):
                gradient = parameter._grad
                if gradient is None:
                    continue
                array = parameter.array
                known = self.state[parameter].items() if parameter in self.state else ()
                for what, tensor in (("grad", gradient), *known):
                    if not isinstance(tensor, Tensor):
                        continue
                    other, shape = tensor.array, array.shape
                    if what in self._other_shapes:
                        shape = self._other_shapes[what](shape)
                    if (
                        other.shape == shape
                        and other.dtype == array.dtype
                        and type(other) is type(array)
                    ):
                        continue
                    if other.ndim > 0 or what == "grad":  # and no count of steps
                        name = group.get("param_names", range(len(group["params"])))[index]
                        name = f"parameter {name} (group {number})"
                        raise _misfit(what, tensor, parameter, name, shape)

    def begin(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """What is remembered of a parameter before its first step, by name."""
        return {}

    def remembered(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """What is remembered of a parameter by now."""
        state = self.state[parameter]
        if not state:
            state.update(self.begin(parameter, group))
        return state

    def update_group(
        self, parameters: list[Tensor], gradients: list[Any], group: dict[str, Any]
    ) -> None:
        """One step of all parameters of a group that have a gradient, one after another.

        An optimizer whose kernel takes many parameters at once defines this and not `update`.
        """
        for parameter, gradient in zip(parameters, gradients, strict=True):
            self.update(parameter, gradient, self.remembered(parameter, group), group)

    def update(
        self, parameter: Tensor, gradient: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """One step of one parameter: changes ``parameter.array`` in place.

        gradient: a bare array. state: what this optimizer remembers of the parameter.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither update() nor step()")

    # ---------------------------------------------------------------------------- state dict

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue: ``{"state": {0: {...}, ...}, "param_groups": [...]}``.

        Parameters are numbered in the order of the groups, as torch numbers them.
        """
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[Any, int] = {}
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers.setdefault(parameter, len(numbers))
        groups = []
        for group in self.param_groups:
            settings = {name: value for name, value in group.items() if name != "params"}
            settings["params"] = [numbers[parameter] for parameter in group["params"]]
            groups.append(settings)
        # plain SGD remembers nothing: its empty entries are left out, as in torch
        state = {numbers.get(key, key): value for key, value in self.state.items() if value}
        return self._changed(self._state_dict_post_hooks, {"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from a state dict of the same groups of parameters.

        Raises ValueError if the groups or their sizes differ.
        """
        state_dict = self._changed(self._load_state_dict_pre_hooks, state_dict.copy())
        saved_groups = copy.deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    "optimizer's group"
                )
        numbers = itertools.chain.from_iterable(saved["params"] for saved in saved_groups)
        parameters = itertools.chain.from_iterable(group["params"] for group in self.param_groups)
        by_number = dict(zip(numbers, parameters, strict=True))

        self.state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            if number in by_number:
                parameter = by_number[number]
                self.state[parameter] = {
                    name: _fit(name, value, parameter) for name, value in values.items()
                }
            else:
                self.state[number] = copy.deepcopy(values)
        # Settings that an older file lacks stay; what a schedule has noted since does not.
        kept = {*self.defaults, "param_names"}
        self.param_groups = [
            {**{n: v for n, v in group.items() if n in kept}, **saved, "params": group["params"]}
            for group, saved in zip(self.param_groups, saved_groups, strict=True)
        ]
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for index, group in enumerate(self.param_groups):
            text += f"\nParameter Group {index}\n"
            for name in sorted(group):
                if name != "params":
                    text += f"    {name}: {group[name]}\n"
        return text + ")"


Optimizer.step = with_hooks(Optimizer.step)  # type: ignore[method-assign]


def _fit(name: str, value: Any, parameter: Tensor) -> Any:
    """A copy of a loaded value in the dtype and on the device of its parameter."""
    if name in ("step", "mu_product"):  # what belongs to the steps stays as it is, on the CPU
        if isinstance(value, int | float):  # as torch kept it before 1.12
            return wrap(np.array(value, np.float32))
        return copy.deepcopy(value)
    if not isinstance(value, Tensor):
        return copy.deepcopy(value)
    array = backend.to_device(value.array, parameter.device)
    return wrap(array.astype(parameter.dtype.numpy))  # astype copies


def _misfit(
    what: str, tensor: Tensor, parameter: Tensor, name: str, shape: tuple[int, ...]
) -> RuntimeError:
    if tensor.array.shape != shape:
        wanted = "" if shape == parameter.array.shape else f", which needs {shape_text(shape)}"
        return RuntimeError(
            f"{what} of {name} has shape {shape_text(tensor.shape)}, but the parameter has shape "
            f"{shape_text(parameter.shape)}{wanted}. If the parameter was changed by "
            "`.data = ...`, make a new optimizer and call zero_grad(); else load the state of the "
            "same model."
        )
    return RuntimeError(
        f"{what} of {name} is {tensor.dtype} on {tensor.device}, but the parameter is "
        f"{parameter.dtype} on {parameter.device}. Convert a model before its optimizer is made, "
        "or load the optimizer's state_dict() into a new one."
    )


# What torch's errors call the settings that must not be negative.
_TITLES = {
    "lr": "learning rate",
    "momentum": "momentum value",
    "weight_decay": "weight_decay value",
    "eps": "epsilon value",
    "alpha": "alpha value",
    "lr_decay": "lr_decay value",
    "momentum_decay": "momentum_decay value",
    "initial_accumulator_value": "initial_accumulator_value value",
}


def settings(arguments: dict[str, Any]) -> dict[str, Any]:
    """The settings of an optimizer, checked: what its constructor was called with, by name.

    A constructor gives its ``locals()``, so that its signature is the only place where settings and
    their defaults are written. Raises ValueError, as torch's optimizers do, for a negative setting
    or betas that are not in [0, 1), and NotImplementedError for options that only have a meaning
    for torch's kernels.
    """
    chosen = {n: v for n, v in arguments.items() if n not in ("self", "params", "__class__")}
    for name, value in chosen.items():
        if name in _TITLES:
            if isinstance(value, Tensor):
                if value.numel() != 1:
                    raise ValueError(f"Tensor {name} must be 1-element")
                value = value.item()
            if not value >= 0:  # also refuses NaN
                raise ValueError(f"Invalid {_TITLES[name]}: {value}")
        elif name == "betas":
            if not isinstance(value, tuple | list) or len(value) < 2:
                raise ValueError(f"betas must be two numbers, e.g. (0.9, 0.999), got {value!r}")
            for index, beta in enumerate(value):
                if not 0.0 <= beta < 1.0:
                    raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
            chosen[name] = tuple(value)
        elif name == "capturable" and value:
            raise NotImplementedError(
                f"{name}={value} is not supported: leave it out, there is one implementation"
            )
    if chosen.get("fused") and chosen.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    if chosen.get("fused") and chosen.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    return chosen


def batches(rows: list[tuple]) -> list[tuple[Any, list[list]]]:
    """What one kernel can update together: (key, lists), one list of each kind of array.

    rows: (key, parameter, gradient, state ...) of each parameter, bare arrays. Together go those of
    one dtype on one device that agree in `key`, whatever the optimizer needs there.
    """
    found: dict[tuple, tuple[Any, list[list]]] = {}
    for key, *arrays in rows:
        parameter = arrays[0]
        device = "cpu" if isinstance(parameter, np.ndarray) else parameter.device.id
        place = key, parameter.dtype, device
        if place not in found:
            found[place] = key, [[] for _ in arrays]
        for column, array in zip(found[place][1], arrays, strict=True):
            column.append(array)
    return list(found.values())


def zeros_like(parameter: Tensor) -> Tensor:
    """A state tensor of zeros, with the parameter's layout in memory."""
    return wrap(backend.array_module(parameter.array).zeros_like(parameter.array))


def no_steps() -> Tensor:
    """The count of steps at the start: a 0-d float32 tensor on the CPU, as torch's."""
    return wrap(np.zeros((), np.float32))


def next_step(state: dict[str, Any]) -> int:
    """Counts one more step in ``state["step"]``."""
    backend.refuse_in_graph("the numbers of steps that Adam and most other optimizers count")
    state["step"].array += 1
    return int(state["step"].array)
