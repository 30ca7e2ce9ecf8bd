"""Hooks of a module: functions of the user that run before and after its forward and backward.

Forward hooks are plain calls around `forward`. Backward hooks need the gradients at the module's
two borders, which autograd only knows inside the graph. So both borders get an identity operation
that does nothing forward, and backward meets the gradients that pass by:

    inputs --> Border --> forward --> Border --> outputs
               |                      |
               grad_input             grad_output
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...autograd.function import Function
from ...autograd.handle import RemovableHandle
from ...autograd.modes import state
from ...tensor import Tensor

if TYPE_CHECKING:
    from .module import Module

__all__ = [
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


class Border(Function):
    """The identity on all tensors that cross a border; their gradients go through `watch`."""

    @staticmethod
    def forward(ctx: Any, watch: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.watch = watch
        outputs = tuple(tensor.detach() for tensor in tensors)
        pairs = zip(tensors, outputs, strict=True)
        ctx.mark_non_differentiable(*[y for x, y in pairs if not x.requires_grad])
        return outputs

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return None, *ctx.watch(grads)


# A module's own hooks, which `Module.__init__` makes room for: the first four are called here, the
# others where a state dict is made or loaded.
REGISTRIES = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
    # Of which hooks, by their handles' ids, something is asked:
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
)
# The hooks of all modules: (name of the registry to which it would belong in one module, hook).
EVERYWHERE: OrderedDict[int, tuple[str, Any]] = OrderedDict()


class WithHooks:
    """The part of `Module` that registers hooks. All return a handle to remove the hook."""

    _forward_pre_hooks: OrderedDict
    _forward_hooks: OrderedDict
    _backward_pre_hooks: OrderedDict
    _backward_hooks: OrderedDict
    _forward_pre_hooks_with_kwargs: OrderedDict
    _forward_hooks_with_kwargs: OrderedDict
    _forward_hooks_always_called: OrderedDict

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, args)`` before forward; it may return other args.

        prepend: before the hooks that are there. with_kwargs: ``hook(module, args, kwargs)``, which
        may return (args, kwargs); calling the module raises RuntimeError if it returns anything
        else.

        >>> import minitorch_cnn as mt
        >>> layer = mt.nn.ReLU()
        >>> handle = layer.register_forward_pre_hook(lambda module, args: (args[0] + 1,))
        >>> layer(mt.tensor([1.0]))
        tensor([2.])
        >>> handle.remove()
        >>> layer(mt.tensor([1.0]))
        tensor([1.])
        """
        flags = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return _register(self._forward_pre_hooks, hook, prepend, *flags)

    def register_forward_hook(
        self,
        hook: Callable,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Calls ``hook(module, args, output)`` after forward; it may return another output.

        with_kwargs: ``hook(module, args, kwargs, output)``. always_call: also if forward or a hook
        raises, with None for the output there is not; an exception in the hook is a warning then.

        >>> import minitorch_cnn as mt
        >>> layer, seen = mt.nn.Flatten(), []
        >>> _ = layer.register_forward_hook(lambda module, args, y: seen.append(tuple(y.shape)))
        >>> _ = layer(mt.zeros(2, 3, 4))
        >>> seen
        [(2, 12)]
        """
        flags = [self._forward_hooks_with_kwargs] if with_kwargs else []
        flags += [self._forward_hooks_always_called] if always_call else []
        return _register(self._forward_hooks, hook, prepend, *flags)

    def register_full_backward_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Calls ``hook(module, grad_output)`` when the gradients of the outputs are known.

        grad_output is a tuple; what the hook returns instead, if anything, goes on backward.

        >>> import minitorch_cnn as mt
        >>> layer, x = mt.nn.ReLU(), mt.tensor([5.0], requires_grad=True)
        >>> _ = layer.register_full_backward_pre_hook(lambda module, gy: (gy[0] * 10,))
        >>> layer(x).sum().backward()
        >>> x.grad
        tensor([10.])
        """
        return _register(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls ``hook(module, grad_input, grad_output)`` when those of the inputs are known too.

        Both are tuples, with None where there is no gradient. The hook may return other
        gradients of the inputs; backward raises RuntimeError for another number of them.

        >>> import minitorch_cnn as mt
        >>> layer, x = mt.nn.Hardtanh(), mt.tensor([5.0], requires_grad=True)
        >>> _ = layer.register_full_backward_hook(lambda module, gx, gy: print(gx, gy))
        >>> layer(x).sum().backward()  # flat at 5: nothing comes through
        (tensor([0.]),) (tensor([1.]),)
        """
        return _register(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable) -> RemovableHandle:
        """The old name, of programs from before there was `register_full_backward_hook`.

        The hook is called in the same way: its grad_input holds the gradients of the module's
        inputs, where torch's old hook got those of its last operation, weights among them.
        """
        return self.register_full_backward_hook(hook)


def _register(hooks: OrderedDict, hook: Any, prepend: bool, *flags: dict) -> RemovableHandle:
    handle = RemovableHandle(hooks, hook, *flags)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """`Module.register_forward_pre_hook` for all modules, those of layers inside of others too."""
    return RemovableHandle(EVERYWHERE, ("_forward_pre_hooks", (hook, False)))


def register_module_forward_hook(
    hook: Callable, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """`Module.register_forward_hook` for all modules.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.nn.modules.module import register_module_forward_hook
    >>> def show(module, args, output):
    ...     print(type(module).__name__)
    >>> with register_module_forward_hook(show):
    ...     _ = mt.nn.Sequential(mt.nn.ReLU(), mt.nn.Tanh())(mt.ones(1))
    ReLU
    Tanh
    Sequential
    """
    return RemovableHandle(EVERYWHERE, ("_forward_hooks", (hook, with_kwargs, always_call)))


def register_module_full_backward_pre_hook(hook: Callable) -> RemovableHandle:
    """`Module.register_full_backward_pre_hook` for all modules."""
    return RemovableHandle(EVERYWHERE, ("_backward_pre_hooks", hook))


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """`Module.register_full_backward_hook` for all modules."""
    return RemovableHandle(EVERYWHERE, ("_backward_hooks", hook))


register_module_backward_hook = register_module_full_backward_hook  # the old name


def register_module_parameter_registration_hook(hook: Callable) -> RemovableHandle:
    """Calls ``hook(module, name, parameter)`` where a module is given a parameter.

    The hook may return another one to take in its place.

    >>> import minitorch_cnn as mt
    >>> from minitorch_cnn.nn.modules import module
    >>> with module.register_module_parameter_registration_hook(lambda m, name, p: print(name)):
    ...     layer = mt.nn.Linear(1, 1)
    weight
    bias
    """
    return RemovableHandle(EVERYWHERE, ("parameter", hook))


def register_module_buffer_registration_hook(hook: Callable) -> RemovableHandle:
    """`register_module_parameter_registration_hook` for buffers."""
    return RemovableHandle(EVERYWHERE, ("buffer", hook))


def register_module_module_registration_hook(hook: Callable) -> RemovableHandle:
    """`register_module_parameter_registration_hook` for modules in a module."""
    return RemovableHandle(EVERYWHERE, ("module", hook))


def registered(kind: str, module: Module, name: str, value: Any) -> Any:
    """What a module keeps of a parameter, buffer or module that it is given."""
    for registry, hook in EVERYWHERE.values():
        if registry == kind and value is not None:
            changed = hook(module, name, value)
            value = value if changed is None else changed
    return value


def _hooks(module: Module, registry: str) -> list[Any]:
    """The hooks of one kind, those of all modules first."""
    everywhere = [hook for name, hook in EVERYWHERE.values() if name == registry]
    own = getattr(module, registry)
    if registry == "_forward_pre_hooks":  # with what they ask for
        named = module._forward_pre_hooks_with_kwargs
        return everywhere + [(hook, key in named) for key, hook in own.items()]
    if registry == "_forward_hooks":
        named, always = module._forward_hooks_with_kwargs, module._forward_hooks_always_called
        return everywhere + [(hook, key in named, key in always) for key, hook in own.items()]
    return everywhere + list(own.values())


def call_with_hooks(module: Module, args: tuple, kwargs: dict) -> Any:
    """``module.forward(*args, **kwargs)`` with all the hooks of the module around it."""
    waiting = [hook for hook in _hooks(module, "_forward_hooks") if hook[2]]
    result: list[Any] = [None]
    try:
        return _call(module, args, kwargs, result, waiting)
    except Exception:
        for hook, with_kwargs, _ in waiting:
            try:
                hook(module, args, *([kwargs] if with_kwargs else []), result[0])
            except Exception as error:
                warnings.warn(
                    "module forward hook with ``always_call=True`` raised an exception that was "
                    f"silenced as another error was raised in forward: {error}",
                    stacklevel=3,
                )
        raise


def _call(module: Module, args: tuple, kwargs: dict, latest: list[Any], waiting: list[Any]) -> Any:
    """The call itself. `latest` and `waiting` tell the caller how far it came, if it raises."""
    for hook, with_kwargs in _hooks(module, "_forward_pre_hooks"):
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                    f"but got {changed}."
                )
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)

    borders = None
    watched = _hooks(module, "_backward_hooks") or _hooks(module, "_backward_pre_hooks")
    if state.grad_enabled and watched:
        borders = BackwardBorders(module)
        args = borders.around_inputs(args)

    result = module.forward(*args, **kwargs)

    for entry in _hooks(module, "_forward_hooks"):
        latest[0] = result
        hook, with_kwargs, always_call = entry
        if always_call and entry in waiting:
            waiting.remove(entry)
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        if changed is not None:
            result = changed
    return result if borders is None else borders.around_outputs(result)


class BackwardBorders:
    """The two borders of one call of a module, and the gradients seen there."""

    def __init__(self, module: Module) -> None:
        self.module = module
        # Backward goes from outputs to inputs, so the output border tells the input border.
        self.grad_output: tuple | None = None
        self.inputs: list[int] = []  # positions of the tensors among the arguments
        self.arguments = 0
        self.has_input_gradient = False

    def around_inputs(self, args: tuple) -> tuple:
        self.arguments = len(args)
        self.inputs = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        self.has_input_gradient = any(args[i].requires_grad for i in self.inputs)
        if not self.has_input_gradient:
            return args
        crossed = Border.apply(self.input_gradients, *[args[i] for i in self.inputs])
        wrapped = list(args)
        for i, tensor in zip(self.inputs, crossed, strict=True):
            wrapped[i] = tensor
        return tuple(wrapped)

    def around_outputs(self, result: Any) -> Any:
        outputs = result if isinstance(result, tuple | list) else (result,)
        places = [i for i, each in enumerate(outputs) if isinstance(each, Tensor)]
        count = len(outputs)  # the closure below must not hold the tensors themselves
        if not places:
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}",
                stacklevel=5,
            )
        if not any(outputs[i].requires_grad for i in places):
            return result

        def watch(grads: tuple) -> tuple:
            full: list[Any] = [None] * count
            for i, gradient in zip(places, grads, strict=True):
                full[i] = gradient
            changed = self.output_gradients(tuple(full))
            return tuple(changed[i] for i in places)

        crossed = Border.apply(watch, *[outputs[i] for i in places])
        wrapped = list(outputs)
        for i, tensor in zip(places, crossed, strict=True):
            wrapped[i] = tensor
        if isinstance(result, Tensor):
            return wrapped[0]
        if hasattr(result, "_fields"):  # a named tuple
            return type(result)(*wrapped)
        return wrapped if isinstance(result, list) else tuple(wrapped)

    def output_gradients(self, grads: tuple) -> tuple:
        for hook in _hooks(self.module, "_backward_pre_hooks"):
            changed = hook(self.module, grads)
            if changed is not None:
                grads = _as_gradients(changed, len(grads), "Backward pre hook", "output")
        self.grad_output = grads
        if not self.has_input_gradient:
            # There will be no input border to pass, so this is the time to call the hooks.
            changed = self._call_hooks((None,) * self.arguments)
            if any(each is not None for each in changed):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    f"return None or None for all gradients; got {changed!r:.60}"
                )
        return grads

    def input_gradients(self, grads: tuple) -> tuple:
        if self.grad_output is None:
            return grads  # came by the second derivative, past the outputs: no backward of this one
        full: list[Any] = [None] * self.arguments
        for i, gradient in zip(self.inputs, grads, strict=True):
            full[i] = gradient
        changed = self._call_hooks(tuple(full))
        return tuple(changed[i] for i in self.inputs)

    def _call_hooks(self, grad_input: tuple) -> tuple:
        for hook in _hooks(self.module, "_backward_hooks"):
            changed = hook(self.module, grad_input, self.grad_output)
            if changed is not None:
                grad_input = _as_gradients(changed, len(grad_input), "Backward hook", "input")
        self.grad_output = None
        return grad_input


def _as_gradients(changed: Any, count: int, who: str, which: str) -> tuple:
    grads = changed if isinstance(changed, tuple) else (changed,)
    if len(grads) != count:
        raise RuntimeError(
            f"{who} returned an invalid number of grad_{which}, got {len(grads)}, "
            f"but expected {count}"
        )
    return grads
