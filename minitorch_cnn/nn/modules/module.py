"""Module: the base class of all layers and networks.

A module is a tree: it owns parameters (trained), buffers (not trained, but saved: the running mean
of a batch norm) and children (other modules). Assigning one of them as an attribute registers it;
everything else here walks that tree.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from ... import backend, dtypes
from ...ops.copy import parse_to
from ...tensor import Tensor
from ..parameter import Parameter
from . import state
from .hooks import *  # noqa: F403  torch has register_module_forward_hook and its like here
from .hooks import EVERYWHERE, REGISTRIES, WithHooks, call_with_hooks, registered
from .seldom import WithSeldom
from .state import WithState, _IncompatibleKeys as _IncompatibleKeys

M = TypeVar("M", bound="Module")


def type_name(value: Any) -> str:
    """The type of a value as error messages show it, with its module unless it is built in."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__name__
    return f"{kind.__module__}.{kind.__qualname__}"


class Module(WithHooks, WithState, WithSeldom):
    """The base class of all layers and networks: subclass it and define `forward`.

    Call Module.__init__ first: assigning a parameter or module before raises AttributeError.
    `training` says in which mode it is, see `train`.

    >>> import minitorch_cnn as mt
    >>> class Scale(mt.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = mt.nn.Parameter(mt.tensor([3.0]))
    ...     def forward(self, x):
    ...         return x * self.factor
    >>> module = Scale()
    >>> module(mt.tensor([1.0, 2.0])).tolist()
    [3.0, 6.0]
    >>> list(module.state_dict())
    ['factor']
    """

    training: bool
    _version = 1  # of the layout of this class's values in a state dict

    def __init__(self) -> None:
        # Straight into __dict__: __setattr__ below needs these to be there already.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
            **{name: OrderedDict() for name in REGISTRIES},
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes. Every subclass defines it; call the module itself instead."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:  # nearly always
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or EVERYWHERE
        ):
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # ---------------------------------------------------------------------------- attributes

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._require_init("parameters")
            self._forget(name, self._buffers, self._modules)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._require_init("module")
            self._forget(name, self._parameters, self._buffers)
            self._modules[name] = registered("module", self, name, value)
        elif name in self.__dict__.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as parameter '{name}' "
                    "(minitorch_cnn.nn.Parameter or None expected)"
                )
            self._parameters[name] = None
        elif name in self.__dict__.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as child module '{name}' "
                    "(minitorch_cnn.nn.Module or None expected)"
                )
            self._modules[name] = None
        elif isinstance(value, Tensor) and "_is_buffer" in value.__dict__:  # an `nn.Buffer`
            self.register_buffer(name, value, value.__dict__["persistent"])
        elif name in self.__dict__.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type_name(value)}' as buffer '{name}' "
                    "(minitorch_cnn.Tensor or None expected)"
                )
            self._buffers[name] = value
        else:
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Tensor | Module:
        # Only called for names that are not found in the usual way.
        for registry in ("_parameters", "_buffers", "_modules"):
            values = self.__dict__.get(registry)
            if values is not None and name in values:
                return values[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name: str) -> None:
        for values in (self._parameters, self._buffers, self._modules):
            if name in values:
                del values[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*object.__dir__(self), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[0].isdigit())

    def _require_init(self, what: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")

    def _forget(self, name: str, *registries: dict) -> None:
        """Drops whatever has this name, before something of another kind takes it."""
        self.__dict__.pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        for values in registries:
            values.pop(name, None)

    # -------------------------------------------------------------------------- registration

    def _check_name(self, kind: str, name: Any, values: Mapping) -> None:
        self._require_init(kind)
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in values:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter under `name`; None keeps the name for a parameter that is absent.

        Raises KeyError for a bad or taken name, TypeError if param is no Parameter, ValueError if
        it was computed from others.
        """
        self._check_name("parameter", name, self.__dict__.get("_parameters", {}))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                "(minitorch_cnn.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        self._parameters[name] = registered("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that moves and is saved with the module but is not trained.

        persistent: False leaves it out of the state dict. None keeps the name.
        Raises KeyError for a bad or taken name, TypeError if it is no tensor.

        >>> import minitorch_cnn as mt
        >>> module = mt.nn.Module()
        >>> module.register_buffer("mean", mt.tensor([0.5]))
        >>> module.mean, list(module.parameters())
        (tensor([0.5000]), [])
        """
        self._check_name("buffer", name, self.__dict__.get("_buffers", {}))
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' "
                "(minitorch_cnn Tensor or None required)"
            )
        self._buffers[name] = registered("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a child under `name`, which need not be an identifier: "0" is one in `Sequential`.

        Raises KeyError for a bad or taken name, TypeError if it is no module.
        """
        self._check_name("module", name, self.__dict__.get("_modules", {}))
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._modules[name] = registered("module", self, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path: ``net.get_submodule("layer1.0.conv1")``; "" is this one.

        Raises AttributeError if there is none.
        """
        module = self
        for name in target.split(".") if target != "" else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path: ``net.get_parameter("conv.weight")``.

        Raises AttributeError if there is none.
        """
        module, name = self._owner(target)
        if not isinstance(getattr(module, name), Parameter):
            raise AttributeError(f"`{name}` is not an nn.Parameter")
        return getattr(module, name)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path: ``net.get_buffer("bn.running_mean")``.

        Raises AttributeError if there is none.
        """
        module, name = self._owner(target)
        if name not in module._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return getattr(module, name)

    def _owner(self, target: str) -> tuple[Module, str]:
        """The module that has the attribute at a dotted path, and the attribute's name."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return module, name

    # ---------------------------------------------------------------------- walking the tree

    def named_modules(
        self, memo: set | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module and all below it, with dotted names; a shared one comes once.

        memo: modules to leave out. prefix: before all names. remove_duplicate: False gives a shared
        one under each of its names.

        >>> import minitorch_cnn as mt
        >>> net = mt.nn.Sequential(mt.nn.ReLU(), mt.nn.Sequential(mt.nn.Tanh()))
        >>> [name for name, _ in net.named_modules()]
        ['', '0', '1', '1.0']
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, child in self._modules.items():
            if child is not None:
                inner = f"{prefix}.{name}" if prefix else name
                yield from child.named_modules(memo, inner, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names; a shared one comes once."""
        seen = set()
        for name, child in self._modules.items():
            if child is not None and child not in seen:
                seen.add(child)
                yield name, child

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        for _, child in self.named_children():
            yield child

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, value in getattr(module, registry).items():
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters with dotted names; one that is shared comes once, under its first name.

        recurse: False gives those of this module alone. prefix, remove_duplicate: as
        `named_modules`.

        >>> import minitorch_cnn as mt
        >>> net = mt.nn.Sequential(mt.nn.Linear(2, 3))
        >>> [name for name, _ in net.named_parameters()]
        ['0.weight', '0.bias']
        """
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, for an optimizer."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """All buffers with dotted names."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def apply(self: M, fn: Callable[[Module], None]) -> M:
        """Calls ``fn(module)`` for every module below and then this one: to initialise weights."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ------------------------------------------------------------------------------- changes

    def train(self: M, mode: bool = True) -> M:
        """Training mode: dropout drops, batch norm uses the batch's statistics. Returns the module.

        mode: False for evaluation mode. Raises ValueError for anything but a bool.

        >>> import minitorch_cnn as mt
        >>> net = mt.nn.Sequential(mt.nn.Dropout())
        >>> net.training, net.eval()[0].training
        (True, False)
        """
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self: M) -> M:
        """Evaluation mode: the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Freezes (False) or unfreezes all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients of all parameters, or fills them with zeros (set_to_none False)."""
        for parameter in self.parameters():
            if parameter.grad is None:
                continue
            if set_to_none:
                parameter.grad = None
            else:
                parameter.grad.detach_().zero_()

    def _apply(self: M, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> M:
        """Replaces the values of all parameters, gradients and buffers by ``fn(values)``."""
        for child in self.children() if recurse else ():
            child._apply(fn)
        for parameter in self._parameters.values():
            if parameter is None:
                continue
            gradient = parameter.grad
            parameter.data = fn(parameter.detach())
            if gradient is not None:
                parameter.grad = fn(gradient.detach())
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self: M, *args: Any, **kwargs: Any) -> M:
        """Moves the module to a device, and its floating-point values to a dtype, in place.

        ``to(device)``, ``to(dtype)``, ``to(device, dtype)``, ``to(tensor)`` or keywords `device`,
        `dtype`, `memory_format` (for values of four dimensions). Integer buffers keep their type.
        Raises TypeError for an integer dtype, RuntimeError for a GPU that is not there.

        >>> import minitorch_cnn as mt
        >>> mt.nn.BatchNorm1d(1).to(mt.float64).running_mean.dtype
        minitorch_cnn.float64
        """
        kind, where, copied, layout = parse_to(*args, **kwargs)
        if copied:
            raise RuntimeError(".to() does not accept copy argument: the module itself is changed")
        if kind is not None and not kind.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point dtypes, but got desired dtype={kind}"
            )

        def convert(values: Tensor) -> Tensor:
            return values.to(
                device=where,
                dtype=kind if values.is_floating_point() else None,
                memory_format=layout if values.ndim == 4 else None,
            )

        return self._apply(convert)

    def float(self: M) -> M:
        """All floating-point values as float32."""
        return self.to(dtypes.float32)

    def double(self: M) -> M:
        """All floating-point values as float64."""
        return self.to(dtypes.float64)

    def half(self: M) -> M:
        """All floating-point values as float16."""
        return self.to(dtypes.float16)

    def type(self: M, dst_type: Any) -> M:
        """All values, integer ones too, as `dst_type`."""
        return self._apply(lambda values: values.to(dtypes.as_dtype(dst_type)))

    def cpu(self: M) -> M:
        """Moves the module to the CPU, in place."""
        return self.to("cpu")

    def cuda(self: M, device: Any = None) -> M:
        """Moves the module to a GPU, in place. Raises RuntimeError if there is none."""
        return self.to(backend.device("cuda" if device is None else device))

    # ---------------------------------------------------------------------------- state dict

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """All parameters and persistent buffers by dotted name, sharing the module's memory.

        keep_vars: the parameters themselves, not detached tensors.

        >>> import minitorch_cnn as mt
        >>> {name: tuple(value.shape) for name, value in mt.nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return state.collect(self, *(args or (destination, prefix, keep_vars)))

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Adds the values of this module alone; a subclass may add others."""
        for name, value in (*self._parameters.items(), *self._buffers.items()):
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars else value.detach()
        state.save_extra(self, destination, prefix)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Copies the values of a state dict into this module.

        strict: names must match exactly. assign: take over the tensors instead of copying. Returns
        (missing_keys, unexpected_keys). Raises RuntimeError that lists all missing and unexpected
        names (if strict) and all shapes that differ, TypeError for anything but a mapping.

        >>> import minitorch_cnn as mt
        >>> layer = mt.nn.Linear(1, 1)
        >>> layer.load_state_dict({"weight": mt.tensor([[7.0]])}, strict=False).missing_keys
        ['bias']
        >>> layer.weight.item()
        7.0
        """
        return state.load(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Fills this module alone; a subclass may translate older layouts first."""
        lists = (missing_keys, unexpected_keys, error_msgs)
        state.load_own_values(self, state_dict, prefix, local_metadata, strict, *lists)

    # ---------------------------------------------------------------------------------- text

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The settings of the module, for its repr."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indent(repr(m))}" for name, m in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        body = "".join(f"\n  {line}" for line in lines + children)
        return f"{self._get_name()}({body}\n)" if body else f"{self._get_name()}()"


def indent(text: str) -> str:
    """All lines but the first moved right by two spaces."""
    return text.replace("\n", "\n  ")
